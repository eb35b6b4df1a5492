"""Smooth networks: the sharp forms of two statements of Buskulic, Fadili and Queau."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import Claim, Constant, Control, ExactRoute, Range, Source
from untrained.theory.papers.buskulic23.flow import HYPOTHESES, SHARP_FLOW, path_argument, scalar_network
from untrained.theory.papers.buskulic23.recovery import SHARP_RECOVERY, recovery_claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=SHARP_FLOW,
        source=Source("own", "sharpens the convergence of gradient flow of Buskulic, Fadili and Queau"),
        says="If level = L||r_0||/(sigma_A sigma sigma) is below $limit, gradient flow fits y, the smallest singular value of J stays at least sqrt(one - ${twice:factor}level) sigma, the path is at most (one - sqrt(one - ${twice:factor}level)) sigma/L, and ||r|| falls at the rate (one - ${twice:factor}level)(sigma_A sigma)(sigma_A sigma) at least; all attained, and from $limit on some targets are never fitted.",
        tex=r"\ell=\tfrac{L\|r_0\|}{\sigma_A\sigma\cdot\sigma}<$limit\Rightarrow\sigma_{\min}(J)\ge\sqrt{\mathrm{one}-${twice:factor}\ell}\,\sigma",
        refuted_by="a network whose smallest singular value falls further, or a target that is not fitted",
        domain={"level": Range(0, "limit", False)},
        hypotheses=HYPOTHESES,
        constants={"twice": Constant(2, "down"), "limit": Constant(F(1, 2), "up")},
        proofs=(path_argument,),
        exact=ExactRoute(tuple({"share": s} for s in (F(1, 100), F(1, 2), F(9, 10), F(99, 100))), scalar_network),
        controls=(Control("twice_1.9", {"twice": F(19, 10)}), Control("limit_0.55", {"limit": F(55, 100)})),
    ),
    recovery_claim(
        SHARP_RECOVERY,
        Source("own", "sharpens the recovery bound of Buskulic, Fadili and Queau"),
        "||x^ - x|| <= (${fit:factor}||A x^ - y|| + ${noise:factor}||e|| + ${spread:factor}||A|| dist(x, S))/lambda.",
        r"\lambda\|\hat x-x\|\le ${fit:factor}\|A\hat x-y\|+${noise:factor}\|e\|+${spread:factor}\|A\|\,\mathrm{dist}(x,S)",
        near=False,
    ),
)
