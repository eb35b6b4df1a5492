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
        says="If ||r_0|| < ${limit:factor}sigma_A sigma sigma/L, let rho be the root of sigma sigma - ${twice:factor}L||r_0||/sigma_A: gradient flow fits y, the smallest singular value of J stays at least rho, the path is at most (sigma - rho)/L, and ||r|| falls at the rate (sigma_A rho)(sigma_A rho) at least. The scalar network of slope max(sigma - L theta, zero) attains rho, and fits no target beyond ${limit:factor}sigma sigma/L.",
        tex=r"\|r_0\|<${limit:factor}\sigma_A\tfrac{\sigma\cdot\sigma}L\Rightarrow\sigma_{\min}(J)\ge\rho,\ \rho\cdot\rho=\sigma\cdot\sigma-${twice:factor}\tfrac{L\|r_0\|}{\sigma_A}",
        refuted_by="a network whose smallest singular value falls further, or a target that is not fitted",
        domain={"level": Range(0, "limit", False)},
        hypotheses=HYPOTHESES,
        constants={"twice": Constant(2), "limit": Constant(F(1, 2))},
        proofs=(path_argument,),
        exact=ExactRoute(
            tuple({"share": s} for s in (F(1, 100), F(1, 2), F(9, 10), F(99, 100), F(1001, 1000))), scalar_network
        ),
        version=2,
        controls=(
            Control("twice_1.9", {"twice": F(19, 10)}),
            Control("limit_0.55", {"limit": F(55, 100)}),
            Control("limit_0.45", {"limit": F(45, 100)}),
        ),
    ),
    recovery_claim(
        SHARP_RECOVERY,
        Source("own", "sharpens the recovery bound of Buskulic, Fadili and Queau"),
        "||x^ - x|| <= (${fit:factor}||A x^ - y|| + ${noise:factor}||e|| + ${spread:factor}||A|| dist(x, S))/lambda.",
        r"\lambda\|\hat x-x\|\le ${fit:factor}\|A\hat x-y\|+${noise:factor}\|e\|+${spread:factor}\|A\|\,\mathrm{dist}(x,S)",
        near=False,
    ),
)
