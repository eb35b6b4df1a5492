"""Our own results: practice (to be filed with its evidence)."""

from __future__ import annotations

from untrained.theory.claim import (
    Claim,
    Constant,
    CountRoute,
    Draw,
    Range,
    Source,
)
from untrained.theory.papers.vanveen18 import CLAIMS as PAPER_CLAIMS
from untrained.theory.proof import runs
from untrained.theory.proof.legacy import old

_BY_ID = {claim.id: claim for claim in PAPER_CLAIMS}


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


def _run(name: str, rule: str, signal: str, what: str, cells: tuple[dict[str, int], ...], trials: int) -> Claim:
    bound = what == "bound"
    printed = rule == "printed"
    factor = "1 - d/(8(4n + d))" if printed else "1 - d/(64(sqrt d + 2 sqrt n)^2)"
    step = "the printed step (eta_bar = 1)" if printed else "the proof's step 1/beta^2"
    target = "crops of a photograph" if signal == "image" else "random signals"
    conclusion = (
        f"misfit at most 3({factor})^tau ||y||, to within 1e-12 ||y||,"
        if bound
        else f"misfit shrinking by {factor} at every step until it is 1e-9 ||y||,"
    )
    at = "; ".join(f"n = {cell['n']}, d = {cell['d']}" for cell in cells)
    y = Draw("image", ("n",)) if signal == "image" else Draw("direction", ("n",))
    return Claim(
        id=f"own.{name}.{what}.{rule}",
        source=_src("Theorem 4.1's conclusion at widths that people use, far below its hypothesis"),
        says=f"At {at}, for {target} and {step}: {conclusion} for all tau up to 300, with the theorem's probability.",
        tex=r"\|r_\tau\|\le 3\rho^\tau\|y\|" if bound else r"\|r_{\tau+1}\|\le\rho\|r_\tau\|",
        refuted_by="a cell whose interval for the success probability lies below the claimed one",
        domain={
            "n": Range(min(c["n"] for c in cells), max(c["n"] for c in cells)),
            "d": Range(min(c["d"] for c in cells), max(c["d"] for c in cells)),
        },
        law={
            "V": Draw("gaussian", ("n", "d")),
            "g": Draw("gaussian", ("d",)),
            "y": y,
            "run": Draw("descent", (), {"step": runs.step_of(rule)}),
        },
        constants=_k(rule=rule, eta_bar=1, sharpen=1),
        count=CountRoute(cells, runs.bound_along if bound else runs.rate_along, runs.theorem_probability, trials),
        controls=(
            old(
                "faster", f"The decrease per step {8 if printed else 32} times as large.", {"sharpen": 32, "eta_bar": 8}
            ),
        ),
    )


_PRACTICE = ({"n": 8, "d": 400, "steps": 300}, {"n": 8, "d": 3200, "steps": 300})
_CROP = ({"n": 64, "d": 6400, "steps": 300},)
_RUNS = tuple(
    _run(name, rule, signal, what, cells, trials)
    for name, signal, cells, trials in (("practice", "random", _PRACTICE, 150), ("image", "image", _CROP, 12))
    for what in ("bound", "rate")
    for rule in ("printed", "proof")
)


CLAIMS: tuple[Claim, ...] = _RUNS
