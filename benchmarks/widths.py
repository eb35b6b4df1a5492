"""The least d/n that the sharper theorem's argument serves, by size, failure and step; prints JSON.

Of each pair of widths the first is certain not to serve and the second is certain to. `rate` is a in e^{-an}, with
which each of the events (five for descent, four for flow) may fail: 1/2 is the paper's; where `failure` is stated, all
together. With each of the second widths stand the free parameters at which it serves: the length x of the path, the
angle at which the cut ends there, the exponents of both Chernoff bounds, and the bounds q and rho that these give. What
each improvement of the proof saves is judged as `own.width_chain`.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction

from untrained.theory.objects.covered_widths import rate_for
from untrained.theory.objects.path_budget import (
    PathBudget,
    angle_paid,
    least_aspect,
    misfit_square,
    output_share,
    surplus,
)

STEPS = (Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2), Fraction(1))
FAILURES = (None, Fraction(1, 100))
FAR_OUT = Fraction(1, 2 * 10**6)


def least(rate: Fraction, rows: int, step: Fraction) -> dict[str, object]:
    """The least width between two, and what was chosen at the second."""
    low, high = least_aspect(rate, Fraction(1, rows), step, 5)
    path = PathBudget(high, rate, Fraction(1, rows))
    q = output_share(path.ratio, path.deviation)
    rho = misfit_square(q.most, path.deviation)
    x = float(surplus(path, step).length)
    chosen = {"x": x, "angle": angle_paid(2 * x * x), "theta of q": q.exponent, "q": q.most}
    chosen |= {"theta of rho": rho.exponent, "rho": rho.most.sqrt()}
    widths = [round(float(low), 3), math.ceil(float(high) * 1000) / 1000]
    return {"d/n": widths, **{name: float(f"{float(value):.6g}") for name, value in chosen.items()}}


def main() -> None:
    for rows in (1, 4, 10, 100, 10**6):
        for failure in FAILURES:
            for step in STEPS:
                rate = Fraction(1, 2) if failure is None else rate_for(failure, rows, step)
                header = {"n from": rows, "rate": float(rate), "failure": failure and float(failure), "c": float(step)}
                print(json.dumps(header | least(rate, rows, step)), flush=True)
    for step in STEPS:
        header = {"n from": 10**6, "rate": float(FAR_OUT), "c": float(step)}
        print(json.dumps(header | least(FAR_OUT, 10**6, step)), flush=True)


if __name__ == "__main__":
    main()
