"""CS-DIP, jacobian (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    Draw,
    Lazy,
    Range,
    SearchRoute,
    Source,
)
from untrained.theory.proof import conclusions as on
from untrained.theory.proof.legacy import old

PAPER = "vanveen18"
DS = "Davidson and Szarek 2001, Theorem II.13 (extreme singular values of a Gaussian matrix)"
CHEVET = "Chevet's inequality (Gordon 1985) with Gaussian Lipschitz concentration"


def _src(label: str, equation: str = "", page: int | None = None, reading: str = "") -> Source:
    return Source(PAPER, label, equation, page, reading)


def _lazy(module: str, name: str) -> Lazy:
    return Lazy(f"untrained.theory.proof.{module}", name)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_GENERATOR = {
    "V": Draw("gaussian", ("n", "d")),
    "W": Draw("gaussian", ("d", "k"), {"scale": "scale"}),
    "z": Draw("gaussian", ("k",), {"scale": "scale"}),
}
_SMALL = {"n": Range(1, 6), "d": Range(1, 12), "k": Range(1, 6), "scale": Range(1e-3, 1e3, False, True)}
_SIZES = {"n": Range(1, 10**9), "d": Range(1, 10**9), "k": Range(1, 10**9), "scale": Range(1e-3, 1e3, False, True)}

_JACOBIAN = (
    Claim(
        id="vanveen18.eq8.jacobian",
        source=_src("eq. (8), first line", "J(W) = (V diag(phi'(Wz))) * (1 z^T)", 16, "(1 z^T) read from '(IZT)'"),
        says="The Jacobian of W -> V ReLU(Wz) is the row-wise Khatri-Rao product of V diag(phi'(Wz)) with 1 z^T.",
        tex=r"J(W)=(V\,\mathrm{diag}(\phi'(Wz)))*(1z^T)",
        refuted_by="an entry of the derivative that differs, or a short segment on which f is not linear with this slope",
        domain=_SIZES,
        law={**_GENERATOR, "Delta": Draw("gaussian", ("d", "k"))},
        constants=_k(mask=1),
        symbolic=_lazy("algebra", "jacobian_entry"),
        search=SearchRoute(on.jacobian_on_a_segment, within=_SMALL),
        controls=(old("no_mask", "The pattern phi' is left out of the Jacobian.", {"mask": 0}),),
    ),
    Claim(
        id="vanveen18.eq8.gram",
        source=_src("eq. (8), second line", "J J^T = ||z||^2 V diag(phi' o phi') V^T", 16),
        says="J J^T equals ||z||^2 V diag(phi'(Wz)) V^T, so the n x dk Jacobian need never be formed.",
        tex=r"J(W)J(W)^T=\|z\|^2\,V\,\mathrm{diag}(\phi'(Wz)\odot\phi'(Wz))\,V^T",
        refuted_by="sizes and weights where the two matrices differ by more than rounding",
        domain=_SIZES,
        law=_GENERATOR,
        constants=_k(z_power=2, mask_power=2),
        symbolic=_lazy("algebra", "gram_entry"),
        search=SearchRoute(on.gram_by_closed_form, within=_SMALL),
        controls=(old("norm_of_z", "||z|| in place of its square.", {"z_power": 1}),),
    ),
)

_GRADIENT_LAW = {**_GENERATOR, "y": Draw("gaussian", ("n",))}


def _gradient(name: str, source: Source, says: str, tex: str, **constants: object) -> Claim:
    settings: dict[str, object] = {"outer_relu": 0, "loss_factor": F(1, 2), "gradient_factor": 1, **constants}
    return Claim(
        id=f"vanveen18.{name}",
        source=source,
        says=says,
        tex=tex,
        refuted_by="weights where the gradient of the loss differs from this expression by more than rounding",
        domain=_SIZES,
        law=_GRADIENT_LAW,
        constants=_k(**settings),
        symbolic=_lazy("algebra", "gradient_entry"),
        search=SearchRoute(on.gradient_by_jacobian, within=_SMALL),
        controls=(old("other_factor", "The expression times three.", {"gradient_factor": 3}),),
    )


_GRADIENTS = (
    _gradient(
        "gradient.printed",
        _src("Section B.2, residual", "r(W) = phi(V phi(Wz)) - y", 16),
        "The gradient of ||V phi(Wz) - y||^2/2 is J^T r with the residual as printed, r = phi(V phi(Wz)) - y.",
        r"\nabla L=J^T(\phi(V\phi(Wz))-y)",
        outer_relu=1,
    ),
    _gradient(
        "gradient.corrected",
        _src("Section B.2, residual", "r(W) = V phi(Wz) - y", 16),
        "The gradient of ||V phi(Wz) - y||^2/2 is J^T r with r = V phi(Wz) - y, without the outer phi.",
        r"\nabla L=J^T(V\phi(Wz)-y)",
    ),
    _gradient(
        "eq6.printed",
        _src("eq. (6) and Section B.2 (our combination)", "min ||y - G(z; W)||^2", 5),
        "The loss of eq. (6), without the factor 1/2, has the gradient J^T r that the appendix uses.",
        r"\nabla\|y-G\|^2=J^Tr",
        loss_factor=1,
    ),
    _gradient(
        "eq6.corrected",
        _src("eq. (6)", "min ||y - G(z; W)||^2", 5),
        "The loss of eq. (6) has gradient 2 J^T r: its admissible step is half that of Theorem 4.1's loss.",
        r"\nabla\|y-G\|^2=2J^Tr",
        loss_factor=1,
        gradient_factor=2,
    ),
)


CLAIMS: tuple[Claim, ...] = (
    *_JACOBIAN,
    *_GRADIENTS,
)
