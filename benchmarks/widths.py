"""The least d/n that the sharper theorem's argument serves, and what each improvement of the proof saves; prints JSON.

Each width is certain to serve, and 10^-4 of it less is certain not to. `rate` is a in e^{-an}, with which each of the
events (five for descent, four for flow) may fail: 1/2 is the paper's; where `failure` is stated, all together.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction

from untrained.theory.objects.covered_widths import rate_for
from untrained.theory.objects.path_budget import least_aspect
from untrained.theory.objects.width_chain import improvements

STEPS = (Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2), Fraction(1))


def main() -> None:
    for rows in (1, 4, 10, 100, 10**6):
        for failure in (None, Fraction(1, 100)):
            granted = "5 e^{-n/2}, flow 4 e^{-n/2}" if failure is None else float(failure)
            line: dict[str, object] = {"n from": rows, "failure": granted}
            for step in STEPS:
                rate = Fraction(1, 2) if failure is None else rate_for(failure, rows, step)
                low, high = least_aspect(rate, Fraction(1, rows), step, 5)
                line[f"c = {step}" if step else "flow"] = [round(float(low), 3), math.ceil(float(high) * 1000) / 1000]
            print(json.dumps(line), flush=True)
    limit = {str(step): float(least_aspect(Fraction(1, 2 * 10**6), Fraction(1, 10**6), step, 5)[1]) for step in STEPS}
    print(json.dumps({"rate 5e-7, n from 10^6": limit}), flush=True)
    for one in improvements():
        alone = None if one.alone is None else float(one.alone)
        widths = {"alone": alone, "together": float(one.together)}
        print(json.dumps({"improvement": one.name, "claim": one.claim, **widths}))


if __name__ == "__main__":
    main()
