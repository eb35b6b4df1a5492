"""Loss, Jacobian and gradient of the two-layer generator: eq. (6), (8), (11) to (13), and Section B.2's residual.

Sums over neurons l, coordinates j and outputs i are compared term by term, so that every size is covered.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from functools import partial

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    Draw,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
    rounding,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects import relu_generator
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced

JACOBIAN, GRAM, EQ12 = "vanveen18.eq8.jacobian", "vanveen18.eq8.gram", "vanveen18.eq12"

GENERATOR_LAW = {
    "V": Draw("gaussian", ("n", "d")),
    "W": Draw("gaussian", ("d", "k"), {"scale": "scale"}),
    "z": Draw("gaussian", ("k",), {"scale": "scale"}),
}
_MOVED_LAW = {**GENERATOR_LAW, "Delta": Draw("gaussian", ("d", "k"), {"scale": "scale"})}
_SCALE = {"scale": Range(1e-3, 1e3, False, True)}
SMALL_GENERATORS = {"n": Range(1, 6), "d": Range(1, 12), "k": Range(1, 6), **_SCALE}
ANY_GENERATOR = {"n": Range(1, 10**9), "d": Range(1, 10**9), "k": Range(1, 10**9), **_SCALE}


def _source(label: str, equation: str = "", page: int | None = None, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


def _norm(x: Array, axes: int = 1) -> Array:
    result: Array = np.linalg.norm(x, axis=tuple(range(-axes, 0)) if axes > 1 else -1)
    return result


def _size(case: Case) -> Array:
    """Scale of an entry of J J^T: ||V||_F^2 ||z||^2."""
    return _norm(case["V"], 2) ** 2 * _norm(case["z"]) ** 2


# Eq. (8): the Jacobian, entry by entry.


def jacobian_entry(p: Premises) -> Symbolic:
    """One entry of the Jacobian, for a generic neuron, on or off, and a generic coordinate."""
    v, z, w, rest = sp.symbols("v z w rest", real=True)
    h = w * z + rest
    neurons = (("on", v * h), ("off", sp.Integer(0)))
    return reduced(
        "f_i is a sum over neurons and neuron l depends on w_l alone, so one neuron and one coordinate (the others "
        "collected in `rest`) are all of J; ReLU is h or 0 on either side of its kink.",
        [(f"d f_i / d w_lj, neuron {name}", sp.diff(f, w) - v * exact_number(p[name]) * z) for name, f in neurons],
    )


def jacobian_on_a_segment(case: Case, c: Constants) -> Sides:
    """f(W + Delta) - f(W) = J vec(Delta) for Delta too short to change a sign."""
    V, W, z = case["V"], case["W"], case["z"]
    h = np.matmul(W, z[..., None])[..., 0]
    size = 0.5 * np.abs(h).min(axis=-1) / (_norm(z) * _norm(case["Delta"], 2))
    Delta = case["Delta"] * size[..., None, None]
    slopes = np.where(h >= 0, float(c["on"]), float(c["off"]))
    J = V[..., :, :, None] * slopes[..., None, :, None] * z[..., None, None, :]
    change = relu_generator.output(V, W + Delta, z) - relu_generator.output(V, W, z)
    error = _norm(change - (J * Delta[..., None, :, :]).sum((-2, -1)))
    d, k = W.shape[-2:]
    return Sides(error, rounding(d * k, _norm(V, 2) * _norm(W, 2) * _norm(z)))


def gram_entry(p: Premises) -> Symbolic:
    """Entry (i, i') of J J^T, neuron by neuron: the sum over coordinates gives ||z||^2."""
    v, u, z, total = sp.symbols("v u z z_norm_sq", positive=True)
    identities = []
    for name in ("on", "off"):
        s = exact_number(p.of(JACOBIAN)[name])
        summed = ((v * s * z) * (u * s * z)).subs(z**2, total)
        identities.append(
            (f"term of a neuron that is {name}", summed - total ** (exact_number(p["z_power"]) / 2) * v * u * s)
        )
    return reduced(
        "(J J^T)_{ii'} is the sum over neurons l and coordinates j of V_il s_l z_j V_i'l s_l z_j, s_l = phi'; the sum "
        "over j gives ||z||^2, and s_l^2 = s_l for both values.",
        identities,
    )


def gram_by_closed_form(case: Case, c: Constants) -> Sides:
    """J J^T formed from J against ||z||^power V diag(phi') V^T."""
    V, W, z = case["V"], case["W"], case["z"]
    J = relu_generator.jacobian(V, W, z)
    claimed = relu_generator.gram(V, W, z) * _norm(z)[..., None, None] ** float(c["z_power"] - 2)
    error = _norm(np.matmul(J, np.swapaxes(J, -1, -2)) - claimed, 2)
    return Sides(error, rounding(W.shape[-2] * W.shape[-1], _size(case)))


def hadamard_entry(p: Premises) -> Symbolic:
    """The entrywise product with a constant matrix is the product with its entry."""
    g, z = sp.symbols("g z_norm", positive=True)
    return reduced(
        "Every entry of ||z||^2 e e^T is ||z||^2, so the product by entries is the product with the number.",
        [("entry", z ** exact_number(p.of(GRAM)["z_power"]) * g - g * z ** exact_number(p["z_power"]))],
    )


def mean_entry(p: Premises) -> Symbolic:
    """J J^T as ||z||^2 times the sum, and so d times the mean, of a_l a_l^T."""
    d, z, total = sp.symbols("d z_norm total", positive=True)  # total: an entry of the sum over l of a_l a_l^T
    mean = total / d
    claimed = d ** exact_number(p["width_power"]) * z ** exact_number(p["z_power"]) * mean
    return reduced(
        "a_l a_l^T has the entries V_il s_l V_i'l s_l, which eq. (8) adds up over l.",
        [("entry", z ** exact_number(p.of(GRAM)["z_power"]) * total - claimed)],
    )


def gram_as_mean(case: Case, c: Constants) -> Sides:
    """J J^T formed from J against d^power ||z||^power times the mean of a_l a_l^T."""
    V, W, z = case["V"], case["W"], case["z"]
    J, d = relu_generator.jacobian(V, W, z), W.shape[-2]
    a = V * relu_generator.activation_pattern(W, z)[..., None, :]
    mean = np.einsum("...il,...jl->...ij", a, a) / d
    claimed = d ** float(c["width_power"]) * _norm(z)[..., None, None] ** float(c["z_power"]) * mean
    error = _norm(np.matmul(J, np.swapaxes(J, -1, -2)) - claimed, 2)
    return Sides(error, rounding(d * W.shape[-1], _size(case)))


_EQUATION_8 = (
    Claim(
        id=JACOBIAN,
        source=_source("eq. (8), first line", "J(W) = (V diag(phi'(Wz))) * (1 z^T)", 16, "(1 z^T) read from '(IZT)'"),
        says="The Jacobian of W -> V ReLU(Wz) is the row-wise Khatri-Rao product of V diag(phi'(Wz)) with e z^T, e the vector of ones, phi' being $on on neurons with <w_l, z> > 0 and $off on the others.",
        tex=r"J(W)=(V\,\mathrm{diag}(\phi'(Wz)))*(ez^T),\ \phi'\in\{$off,$on\}",
        refuted_by="an entry of the derivative that differs, or a short segment on which f is not linear with this slope",
        domain=ANY_GENERATOR,
        law=_MOVED_LAW,
        constants={"on": Constant(1), "off": Constant(0)},
        proofs=(jacobian_entry,),
        search=SearchRoute(jacobian_on_a_segment, within=SMALL_GENERATORS),
        controls=(Control("no_mask", {"off": 1}), Control("on_1.01", {"on": F(101, 100)})),
        version=2,
    ),
    Claim(
        id=GRAM,
        source=_source("eq. (8), second line", "J J^T = ||z||^2 V diag(phi' o phi') V^T", 16),
        says="J J^T equals ||z||${z_power:power} V diag(phi'(Wz)) V^T, so the n x dk Jacobian need never be formed.",
        tex=r"J(W)J(W)^T=\|z\|${z_power:power}\,V\,\mathrm{diag}(\phi'(Wz)\odot\phi'(Wz))\,V^T",
        refuted_by="sizes and weights where the two matrices differ by more than rounding",
        domain=ANY_GENERATOR,
        law=GENERATOR_LAW,
        constants={"z_power": Constant(2)},
        needs=(JACOBIAN,),
        proofs=(gram_entry,),
        search=SearchRoute(gram_by_closed_form, within=SMALL_GENERATORS),
        controls=(Control("norm_of_z", {"z_power": 1}), Control("power_1.98", {"z_power": F(198, 100)})),
        version=2,
    ),
    Claim(
        id="vanveen18.eq8.hadamard",
        source=_source("eq. (8), Hadamard form", "J J^T = (V diag(phi') diag(phi') V^T) o (||z||^2 1 1^T)", 16),
        says="J J^T is the entrywise product of V diag(phi'(Wz)) diag(phi'(Wz)) V^T with ||z||${z_power:power} e e^T, e the vector of ones.",
        tex=r"JJ^T=(V\,\mathrm{diag}(\phi')\,\mathrm{diag}(\phi')V^T)\odot(\|z\|${z_power:power}ee^T)",
        refuted_by="sizes and weights where the two matrices differ by more than rounding",
        domain=ANY_GENERATOR,
        law=GENERATOR_LAW,
        constants={"z_power": Constant(2)},
        needs=(GRAM,),
        proofs=(hadamard_entry,),
        search=SearchRoute(gram_by_closed_form, within=SMALL_GENERATORS),
        controls=(Control("power_1.98", {"z_power": F(198, 100)}),),
    ),
    Claim(
        id="vanveen18.eq11",
        source=_source("eq. (11)", "J J^T = ||z||^2 sum a_l a_l^T = d ||z||^2 ((1/d) sum a_l a_l^T)", 18),
        says="J J^T is d${width_power:power} ||z||${z_power:power} times the mean over neurons of a_l a_l^T, a_l = v_l phi'(<w_l, z>).",
        tex=r"JJ^T=d${width_power:power}\|z\|${z_power:power}\,\tfrac{\sum_la_la_l^T}{d}",
        refuted_by="sizes and weights where the two matrices differ by more than rounding",
        domain=ANY_GENERATOR,
        law=GENERATOR_LAW,
        constants={"width_power": Constant(1), "z_power": Constant(2)},
        needs=(GRAM,),
        proofs=(mean_entry,),
        search=SearchRoute(gram_as_mean, within=SMALL_GENERATORS),
        controls=(Control("no_width", {"width_power": 0}), Control("power_1.98", {"z_power": F(198, 100)})),
    ),
)


# Eq. (12) and (13): the change of the Jacobian is that of the neurons whose sign changes.


def change_by_masks(p: Premises) -> Symbolic:
    """(J - J_0)(J - J_0)^T entry by entry: the masks' difference takes the place of the mask."""
    v, u, z, total, a, b = sp.symbols("v u z z_norm_sq now before", positive=True)
    on, off = (exact_number(p.of(JACOBIAN)[name]) for name in ("on", "off"))
    entry = (v * (a - b) * z) * (u * (a - b) * z)
    summed = entry.subs(z**2, total) - total ** exact_number(p["z_power"]) * v * u * (a - b) ** 2
    return reduced(
        "Row i of J - J_0 is V_i. o (phi' - phi'_0) times z^T; the square of the norm is the largest eigenvalue of "
        "||z||^2 V diag((phi' - phi'_0)^2) V^T.",
        [(f"neuron {x}, {y}", summed.subs({a: x, b: y})) for x in (on, off) for y in (on, off)],
    )


def change_by_signs(p: Premises) -> Symbolic:
    """The squared difference of two masks is the indicator of a change."""
    z, v, u = sp.symbols("z_norm v u", positive=True)
    on, off = (exact_number(p.of(JACOBIAN)[name]) for name in ("on", "off"))
    power = exact_number(p["z_power"])
    identities = [
        (
            f"neuron {x} after {y}",
            z ** (2 * exact_number(p.of(EQ12)["z_power"])) * (x - y) ** 2 * v * u
            - z ** (2 * power) * int(x != y) * v * u,
        )
        for x in (on, off)
        for y in (on, off)
    ]
    return reduced(
        "V diag(phi' - phi'_0) has the columns +-v_l for l in S and zero elsewhere, so its norm is that of V_S.",
        identities,
    )


def _moved_norms(case: Case) -> tuple[Array, Array, Array]:
    """||J(W) - J(W_0)||, the difference of the masks, and ||z||, where W = W_0 + Delta."""
    V, W_0, z = case["V"], case["W"], case["z"]
    W = W_0 + case["Delta"]
    change = relu_generator.jacobian(V, W, z) - relu_generator.jacobian(V, W_0, z)
    masks = relu_generator.activation_pattern(W, z) - relu_generator.activation_pattern(W_0, z)
    return np.linalg.norm(change, 2, axis=(-2, -1)), masks, _norm(z)


def change_by_masked_norm(case: Case, c: Constants) -> Sides:
    """||J(W) - J(W_0)|| against ||z||^power ||V diag(phi' - phi'_0)||."""
    true, masks, z = _moved_norms(case)
    claimed = z ** float(c["z_power"]) * np.linalg.norm(case["V"] * masks[..., None, :], 2, axis=(-2, -1))
    return Sides(np.abs(true - claimed), _norm_rounding(case))


def change_by_columns(case: Case, c: Constants) -> Sides:
    """||J(W) - J(W_0)|| against ||z||^power ||V_S||, V_S made of the columns whose sign changes."""
    true, masks, z = _moved_norms(case)
    norms = [
        np.linalg.norm(V[:, mask != 0], 2) if mask.any() else 0.0 for V, mask in zip(case["V"], masks, strict=True)
    ]
    return Sides(np.abs(true - z ** float(c["z_power"]) * np.array(norms)), _norm_rounding(case))


def _norm_rounding(case: Case) -> Array:
    result: Array = rounding(case["V"].shape[-1] * case["z"].shape[-1], _norm(case["V"], 2) * _norm(case["z"]))
    return result


def _change(
    claim_id: str,
    source: Source,
    says: str,
    tex: str,
    needs: tuple[str, ...],
    proof: Callable[..., Symbolic],
    sides: Callable[..., Sides],
) -> Claim:
    return Claim(
        id=claim_id,
        source=source,
        says=says,
        tex=tex,
        refuted_by="weights where the two norms differ by more than rounding",
        domain=ANY_GENERATOR,
        law=_MOVED_LAW,
        constants={"z_power": Constant(1)},
        needs=needs,
        proofs=(proof,),
        search=SearchRoute(sides, within=SMALL_GENERATORS),
        controls=(Control("squared", {"z_power": 2}), Control("power_1.01", {"z_power": F(101, 100)})),
    )


_EQUATION_12 = (
    _change(
        EQ12,
        _source("eq. (12)", "||J(W) - J(W_0)|| <= ||z|| ||V diag(phi'(Wz) - phi'(W_0 z))||", 20),
        "||J(W) - J(W_0)|| equals ||z||${z_power:power} ||V diag(phi'(Wz) - phi'(W_0 z))||.",
        r"\|J(W)-J(W_0)\|=\|z\|${z_power:power}\,\|V\mathrm{diag}(\phi'(Wz)-\phi'(W_0z))\|",
        (JACOBIAN,),
        change_by_masks,
        change_by_masked_norm,
    ),
    _change(
        "vanveen18.eq13",
        _source("eq. (13)", "||J(W) - J(W_0)|| <= ||z|| ||V_S(W)||", 20),
        "||J(W) - J(W_0)|| equals ||z||${z_power:power} ||V_S||, S the neurons whose phi' changes.",
        r"\|J(W)-J(W_0)\|=\|z\|${z_power:power}\,\|V_{S(W)}\|",
        (JACOBIAN, EQ12),
        change_by_signs,
        change_by_columns,
    ),
)


# Section B.2 and eq. (6): the gradient of the loss.


def gradient_entry(p: Premises, outer: bool) -> Symbolic:
    """Gradient of factor ||r||^power against gradient_factor J^T r, r with or without an outer ReLU."""
    v, z, w, rest, other, y, total = sp.symbols("v z w rest other y total", real=True)
    power, f = exact_number(p["loss_power"]), v * (w * z + rest) + other
    on = exact_number(p.of(JACOBIAN)["on"])
    chain = exact_number(p["loss_factor"]) * power * total ** (power / 2 - 1)
    r = sp.Max(f, 0) - y if outer else f - y
    difference = chain * sp.diff((f - y) ** 2 / 2, w) - exact_number(p["gradient_factor"]) * v * on * z * r
    values = {v: -2, z: 3, w: 1, rest: 5, other: 1, y: 2, total: 7}
    return reduced(
        "||r||^power has the derivative power ||r||^(power - 2) sum_i r_i dr_i (`total` stands for ||r||^2), for an "
        "active neuron (an inactive one contributes 0 to both sides); output by output, so all sizes are covered.",
        [("d L / d w_lj, output i", difference.subs(values) if outer or power != 2 else difference)],
    )


def gradient_by_jacobian(case: Case, c: Constants, outer: bool) -> Sides:
    """The gradient of the loss against J^T r, r as printed (an outer ReLU) or without."""
    V, W, z, y = case["V"], case["W"], case["z"], case["y"]
    r = residual = relu_generator.residual(V, W, z, y)
    if outer:
        r = relu_generator.relu(relu_generator.output(V, W, z)) - y
    J = relu_generator.jacobian(V, W, z)
    claimed = float(c["gradient_factor"]) * np.matmul(np.swapaxes(J, -1, -2), r[..., None])[..., 0]
    chain = float(c["loss_factor"] * c["loss_power"]) * _norm(residual)[..., None] ** float(c["loss_power"] - 2)
    true = chain * relu_generator.gradient(V, W, z, y).reshape(claimed.shape)
    norms = _norm(V, 2) * _norm(z)
    reach = norms * _norm(W, 2) + _norm(y)
    return Sides(_norm(true - claimed), rounding(W.shape[-2] + V.shape[-2], norms * reach))


def _gradient(name: str, source: Source, says: str, tex: str, loss: F, gradient: int, outer: bool = False) -> Claim:
    return Claim(
        id=f"vanveen18.{name}",
        source=source,
        says=says,
        tex=tex,
        refuted_by="weights where the gradient of the loss differs from this expression by more than rounding",
        domain=ANY_GENERATOR,
        law={**GENERATOR_LAW, "y": Draw("gaussian", ("n",))},
        constants={
            "loss_factor": Constant(loss),
            "loss_power": Constant(2),
            "gradient_factor": Constant(gradient),
        },
        reads=(JACOBIAN,),
        proofs=(partial(gradient_entry, outer=outer),),
        search=SearchRoute(partial(gradient_by_jacobian, outer=outer), within=SMALL_GENERATORS),
        controls=(
            Control("threefold", {"gradient_factor": 3}),
            Control("factor_0.99", {"gradient_factor": gradient * F(99, 100)}),
        ),
        version=2,
    )


_LOSS = "The gradient of ${loss_factor:factor}||V phi(Wz) - y||${loss_power:power} is ${gradient_factor:factor}J^T r"
_LOSS_TEX = r"\nabla ${loss_factor:factor}\|V\phi(Wz)-y\|${loss_power:power}=${gradient_factor:factor}J^T"
_GRADIENTS = (
    _gradient(
        "gradient.printed",
        _source("Section B.2, residual", "r(W) = phi(V phi(Wz)) - y", 16),
        f"{_LOSS} with the residual as printed, r = phi(V phi(Wz)) - y.",
        rf"{_LOSS_TEX}(\phi(V\phi(Wz))-y)",
        F(1, 2),
        1,
        outer=True,
    ),
    _gradient(
        "gradient.corrected",
        _source("Section B.2, residual", "r(W) = V phi(Wz) - y", 16),
        f"{_LOSS} with r = V phi(Wz) - y, without the outer phi.",
        rf"{_LOSS_TEX}(V\phi(Wz)-y)",
        F(1, 2),
        1,
    ),
    _gradient(
        "eq6.printed",
        _source("eq. (6) and Section B.2 (our combination)", "min ||y - G(z; W)||^2", 5),
        f"{_LOSS}: the loss of eq. (6) with the gradient that the appendix uses.",
        rf"{_LOSS_TEX}r",
        F(1),
        1,
    ),
    _gradient(
        "eq6.corrected",
        _source("eq. (6)", "min ||y - G(z; W)||^2", 5),
        f"{_LOSS}, for the loss of eq. (6).",
        rf"{_LOSS_TEX}r",
        F(1),
        2,
    ),
)

CLAIMS: tuple[Claim, ...] = (*_EQUATION_8, *_GRADIENTS, *_EQUATION_12)
