"""The descent of Theorem 4.1 itself: d numbers in place of d k weights, neurons that are off for good, who can fit.

What the sums over coordinates and neurons add up is compared term by term, so that every size is covered.
"""

from __future__ import annotations

from fractions import Fraction as F
from math import comb, floor
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import bdtrc

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
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

_REDUCTION, _OFF = "own.descent.reduction", "own.descent.off_stays_off"
_GRADIENT, _JACOBIAN, _GRAM = "vanveen18.gradient.corrected", "vanveen18.eq8.jacobian", "vanveen18.eq8.gram"
_WENDEL, _MEDIAN = "textbook.wendel", "textbook.binomial_median"

_STEPS = 12
"""Steps of a searched descent."""
_LAW = {
    "V": Draw("gaussian", ("n", "d")),
    "W": Draw("gaussian", ("d", "k")),
    "z": Draw("gaussian", ("k",)),
    "y": Draw("direction", ("n",)),
}
_PULL = {"pull": Range(1e-2, 1e2, False, True)}
_SMALL = {"n": Range(1, 5), "d": Range(1, 12), "k": Range(1, 4), **_PULL}
_ANY = {"n": Range(1, 10**9), "d": Range(1, 10**9), "k": Range(1, 10**9), **_PULL}


def _start(case: Case) -> tuple[Array, Array, Array, Array, Array]:
    """V, W, z, y of a case, scaled so that one neuron on moves by its own size, and a stable step."""
    V, W, z = case["V"], case["W"], case["z"]
    y = case["y"] * np.linalg.norm(V, axis=(-2, -1))[..., None] * np.linalg.norm(z, axis=-1)[..., None]
    return V, W, z, y * case["pull"], relu_generator.stable_step(V, z)


def _alignments(path: list[Array], z: Array) -> Array:
    """W_t z, (..., T + 1, d)."""
    return np.stack([np.matmul(W, z[..., None])[..., 0] for W in path], axis=-2)


# W moves along z^T only.


def alignments_suffice(p: Premises) -> Symbolic:
    """Row l after one step: its product with z, and the length that it moved, summed over coordinates j."""
    w, z, total, back, eta = sp.symbols("w z z_norm_sq back eta", positive=True)
    factor = exact_number(p.of(_GRADIENT)["gradient_factor"])
    move = -eta * factor * back * z  # of w_lj, back = phi'(h_l) (V^T r)_l
    of_h = sp.expand((w + move) * z - w * z).subs(z**2, total)
    claimed = -exact_number(p["drift"]) * eta * total ** (exact_number(p["z_power"]) / 2) * back
    length, claimed_length = (move**2).subs(z**2, total), of_h**2 / total ** exact_number(p["distance_power"])
    return reduced(
        "Row l of the gradient is phi'(h_l) (V^T r)_l z^T, where r depends on W through h alone; moves along z^T add up "
        "along z^T, so what holds of one holds of their sum.",
        [("move of h_l", of_h - claimed), ("squared length of the move of row l", length - claimed_length)],
    )


def reduced_to_alignments(case: Case, c: Constants) -> Sides:
    """Largest difference of W_t z and of ||W_t - W_0|| between the descent of all weights and that of h."""
    V, W, z, y, step = _start(case)
    path = relu_generator.descend_weights(V, W, z, y, step, _STEPS)
    h, norm = _alignments(path, z), np.linalg.norm(z, axis=-1)
    drift = float(c["drift"]) * step * norm ** float(c["z_power"])
    ours = np.stack(relu_generator.descend_reduced(V, h[..., 0, :], y, drift, _STEPS), axis=-2)
    moved = np.stack([np.linalg.norm(w - W, axis=(-2, -1)) for w in path], axis=-1)
    claimed = np.linalg.norm(ours - ours[..., :1, :], axis=-1) / norm[..., None] ** float(c["distance_power"])
    error = np.linalg.norm(h - ours, axis=-1).max(-1) + norm * np.abs(moved - claimed).max(-1)
    size = np.linalg.norm(W, axis=(-2, -1)) * norm + np.linalg.norm(h - h[..., :1, :], axis=-1).max(-1)
    d, k = W.shape[-2:]
    return Sides(error, rounding(_STEPS * (d + k + V.shape[-2]), size))


# A neuron that is off stays off, so J J^T only loses.


def off_stays_off(p: Premises) -> Symbolic:
    """The move of a neuron has its slope phi' as a factor."""
    back, eta, total = sp.symbols("back eta z_norm_sq", positive=True)
    slope, reduction = exact_number(p.of(_JACOBIAN)[p["state"]]), p.of(_REDUCTION)
    move = exact_number(reduction["drift"]) * eta * total ** (exact_number(reduction["z_power"]) / 2) * slope * back
    return reduced(
        "h_l moves by -eta ||z||^2 phi'(h_l) (V^T r)_l, nothing where phi'(h_l) is zero: its sign is for good.",
        [("move of the neuron", move)],
    )


def switched_on(case: Case, c: Constants) -> Sides:
    """Neurons that leave the state which is claimed to be for good, at any step."""
    V, W, z, y, step = _start(case)
    on = _alignments(relu_generator.descend_weights(V, W, z, y, step, _STEPS), z) >= 0
    before, after = on[..., :-1, :], on[..., 1:, :]
    changed = ~before & after if c["state"] == "off" else before & ~after
    return Sides(changed.sum((-2, -1)), np.zeros(changed.shape[:-2]), unit=np.ones(changed.shape[:-2]))


_LARGEST, _OF_EACH = "the largest eigenvalue of the difference", "the difference of the largest eigenvalues"


def change_is_what_is_lost(p: Premises) -> Symbolic:
    """A neuron's term of (J_t - J_0)(J_t - J_0)^T and of J_0 J_0^T - J_t J_t^T, for each way that it can go."""
    v, u, z, total = sp.symbols("v u z z_norm_sq", positive=True)
    slopes = {name: exact_number(p.of(_JACOBIAN)[name]) for name in ("on", "off")}
    other = {"on": "off", "off": "on"}
    ways = [(name, name) for name in slopes] + [(other[p.of(_OFF)["state"]], p.of(_OFF)["state"])]
    norm = total ** (exact_number(p.of(_GRAM)["z_power"]) / 2)
    identities: list[tuple[str, Any]] = []
    for before, after in ways:
        a, b = slopes[before], slopes[after]
        change = (v * z * (a - b) * u * z * (a - b)).subs(z**2, total)
        lost = exact_number(p["lost"]) * norm * v * u * (a**2 - b**2)
        identities.append((f"neuron {before}, then {after}", change - lost))
    if p["eigenvalue"] == _OF_EACH:
        identities.append(("diag(3, 2) - diag(1, 2)", sp.Max(3 - 1, 2 - 2) - (sp.Max(3, 2) - sp.Max(1, 2))))
    return reduced(
        "A neuron that is off stays off: the difference is a sum of ||z||^2 v_l v_l^T over the neurons lost, a positive "
        "semidefinite matrix that only grows, as J_t J_t^T only falls.",
        identities,
    )


def change_of_jacobian(case: Case, c: Constants) -> Sides:
    """||J_t - J_0||^2, J formed in full, against an eigenvalue of J_0 J_0^T - J_t J_t^T."""
    V, W, z, y, step = _start(case)
    last = relu_generator.descend_weights(V, W, z, y, step, _STEPS)[-1]
    true = np.linalg.norm(relu_generator.jacobian(V, W, z) - relu_generator.jacobian(V, last, z), 2, axis=(-2, -1)) ** 2
    before, after = relu_generator.gram(V, W, z), relu_generator.gram(V, last, z)
    if c["eigenvalue"] == _OF_EACH:
        claimed = np.linalg.eigvalsh(before)[..., -1] - np.linalg.eigvalsh(after)[..., -1]
    else:
        claimed = np.linalg.eigvalsh(before - after)[..., -1]
    scale = np.linalg.norm(V, axis=(-2, -1)) ** 2 * np.linalg.norm(z, axis=-1) ** 2
    return Sides(np.abs(true - float(c["lost"]) * claimed), rounding(W.shape[-2] * W.shape[-1], scale))


# Which signals lie in the cone of the columns that are on.


def thinned_cone(p: Premises) -> Symbolic:
    """From D columns on, D ~ Bin(d, 1/2), and Wendel's count to Bin(d, share), by generating functions; its median."""
    s, x = sp.symbols("s x", positive=True)
    on = sp.integrate(sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, 0, sp.oo))
    wendel, median = p.of(_WENDEL), p.of(_MEDIAN)
    half, share, per_row, offset = map(exact_number, (wendel["share"], p["share"], p["per_row"], p["offset"]))
    identities: list[tuple[str, Any]] = [
        ("no neuron ever comes on", p.of(_OFF)["state"] == "off"),
        ("v_1, ..., v_D and -y are D + 1 directions", 1 - exact_number(wendel["less"])),
        ("outside: at most n - 1", 1 - exact_number(wendel["fewer"])),
        ("generating function of one neuron", 1 - on + on * (1 - half + half * s) - (1 - share + share * s)),
        ("d share + above <= n at n = 1", share * (per_row + offset) + exact_number(median["above"]) <= 1),
        ("and then on", share * per_row <= 1),
        ("share of the median", exact_number(median["share"]) <= exact_number(p["at_most"])),
    ]
    return reduced(
        "y is outside the cone of v_1, ..., v_D exactly when these and -y lie in a half-space, as they do with Wendel's "
        "probability, given D; D counts the neurons on. A binomial number of a binomial number is binomial. The output "
        "stays in this cone, for no other neuron comes on.",
        identities,
        sufficient=True,
    )


def cone_probability(case: Case, c: Constants) -> Sides:
    """P(Bin(d, share) >= n): equal to Wendel's count averaged over D, or at most the claimed probability."""
    n, d = int(case["n"]), int(case["d"])
    if case["what"] == "law":
        p = F(c["share"])
        claimed = sum(comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(n, d + 1))
        return Sides(abs(claimed - inside_the_cone(n, d)), 0, unit=1)
    return Sides(float(bdtrc(n - 1, d, float(c["share"]))) if n <= d else 0.0, float(c["at_most"]), unit=1)


def inside_the_cone(n: int, d: int) -> F:
    """P(y in the cone of the columns on), from Wendel's count of the sign patterns that leave D + 1 in a half-space."""
    total = F(0)
    for D in range(d + 1):
        outside = sum(F(comb(D, k), 2**D) for k in range(n))
        total += F(comb(d, D), 2**d) * (1 - outside)
    return total


def _cone_cases(c: Constants) -> tuple[Case, ...]:
    laws = tuple({"n": n, "d": d, "what": "law"} for n in (1, 2, 3, 5) for d in (1, 2, 4, 9))
    widths = ((n, floor(c["per_row"] * n + c["offset"])) for n in (1, 2, 5, 20, 100, 400, 10**4, 10**6))
    return laws + tuple({"n": n, "d": d, "what": "median"} for n, d in widths if d >= 0)


def cone_can_be_reached(case: Case, c: Constants) -> bool:
    """Whether there are n columns at all."""
    return bool(case["d"] >= case["n"])


# Widths that people use.


def fitted_by(case: Case, c: Constants) -> Sides:
    """The first step at which the misfit is `precision` ||y|| against the most that is granted."""
    there = case["fit"] <= float(c["precision"])
    first = np.where(there.any(axis=-1), np.argmax(there, axis=-1), np.inf)
    return Sides(first, float(c["granted"]))


def often(case: Case, c: Constants) -> float:
    """The claimed share of runs."""
    return float(c["share"])


def _fit_cells(c: Constants) -> tuple[Case, ...]:
    return tuple({"n": n, "d": d, "steps": max(_FOLLOWED, int(c["granted"]))} for n, d in c["sizes"])


_FOLLOWED = 1500
"""Steps of a run at least, whatever is granted: fewer granted are looked up in the same run."""
_RATIO_10, _RATIO_7 = ((32, 320), (64, 640)), ((32, 224), (64, 448))


def _source(label: str) -> Source:
    return Source("own", label)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=_REDUCTION,
        source=_source("reduces the d k weights of Theorem 4.1's descent to d numbers"),
        says="Gradient descent on Theorem 4.1's loss moves W only along z^T: h = Wz obeys h_+ = h - ${drift:factor}eta ||z||${z_power:power} phi'(h) V^T (V phi(h) - y), and ||W_t - W_0||_F = ||h_t - h_0||/||z||${distance_power:power}.",
        tex=r"h_+=h-${drift:factor}\eta\|z\|${z_power:power}\,\phi'(h)\odot V^T(V\phi(h)-y),\quad \|W_t-W_0\|_F=\|h_t-h_0\|/\|z\|${distance_power:power}",
        refuted_by="weights whose W_t z, or whose distance from W_0, differs from the iteration on R^d by more than rounding",
        domain=_ANY,
        law=_LAW,
        constants={"drift": Constant(1), "z_power": Constant(2), "distance_power": Constant(1)},
        needs=(_GRADIENT,),
        proofs=(alignments_suffice,),
        search=SearchRoute(reduced_to_alignments, within=_SMALL),
        controls=(
            Control("norm_of_z", {"z_power": 1}),
            Control("z_power_1.98", {"z_power": F(198, 100)}),
            Control("drift_1.01", {"drift": F(101, 100)}),
            Control("distance_power_1.01", {"distance_power": F(101, 100)}),
        ),
        version=2,
    ),
    Claim(
        id=_OFF,
        source=_source("which neurons a descent ever uses"),
        says="Along that descent a neuron that is $state never changes again: the set of neurons that are on only ever shrinks, and columns of V that are off at the start never matter.",
        tex=r"\langle w_l,z\rangle\ \text{$state}\ \Rightarrow w_l\ \text{stays}",
        refuted_by="a step at which a neuron leaves the state",
        domain=_ANY,
        law=_LAW,
        constants={"state": Constant("off", others=("on",))},
        needs=(_REDUCTION, _JACOBIAN),
        proofs=(off_stays_off,),
        search=SearchRoute(switched_on, within=_SMALL),
        controls=(Control("on_stays_on", {"state": "on"}),),
        version=2,
    ),
    Claim(
        id="own.descent.jacobian",
        source=_source("what A2 and A3 of Theorem B.5 are along a path"),
        says="Along that descent (J_t - J_0)(J_t - J_0)^T = ${lost:factor}(J_0 J_0^T - J_t J_t^T), so ||J_t - J_0|| is the root of $eigenvalue: sigma_min(J_t) and ||J_t|| never grow, ||J_t - J_0|| never shrinks.",
        tex=r"(J_t-J_0)(J_t-J_0)^T=${lost:factor}(J_0J_0^T-J_tJ_t^T)",
        refuted_by="weights where ||J_t - J_0||^2 is not that eigenvalue",
        domain=_ANY,
        law=_LAW,
        constants={"lost": Constant(1), "eigenvalue": Constant(_LARGEST, others=(_OF_EACH,))},
        needs=(_OFF, _JACOBIAN, _GRAM),
        proofs=(change_is_what_is_lost,),
        search=SearchRoute(change_of_jacobian, within=_SMALL),
        controls=(Control("norms_only", {"eigenvalue": _OF_EACH}), Control("lost_1.01", {"lost": F(101, 100)})),
        version=2,
    ),
    Claim(
        id="own.descent.cone",
        source=_source("a width below which no descent fits a random signal, whatever its step"),
        says="The output of that descent stays in the cone of the columns that are on at the start; a random signal lies in it with probability P(Bin(d, $share) >= n), at most $at_most for d <= ${per_row:factor}n${offset:term}: no step size makes a narrower network fit more often.",
        tex=r"P\{y\in\mathrm{cone}(v_l:\langle w_l,z\rangle\ge 0)\}=P\{\mathrm{Bin}(d,$share)\ge n\}\le $at_most\ \text{for}\ d\le ${per_row:factor}n${offset:term}",
        refuted_by="n, d where the binomial law differs from Wendel's count averaged over the columns on, or exceeds the bound",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**9)},
        constants={
            "share": Constant(F(1, 4)),
            "at_most": Constant(F(1, 2), "down"),
            "per_row": Constant(4, "up"),
            "offset": Constant(-4, "up", whole=True),
        },
        needs=(_OFF, _WENDEL, _MEDIAN),
        proofs=(thinned_cone,),
        exact=ExactRoute(_cone_cases, cone_probability, informative=cone_can_be_reached),
        controls=(
            Control("share_0.26", {"share": F(26, 100)}),
            Control("four_a_row", {"offset": -1}),
            Control("per_row_4.01", {"per_row": F(401, 100)}),
            Control("at_most_0.49", {"at_most": F(49, 100)}),
        ),
        version=2,
    ),
    Claim(
        id="own.descent.wide_enough",
        source=_source("Theorem 4.1's first conclusion at widths that people use"),
        says="At (n, d) in $sizes, descent with the proof's step fits a random signal to $precision ||y|| within $granted steps in at least $share of all cases.",
        tex=r"P\{\|r_\tau\|\le $precision\|y\|\ \text{for a}\ \tau\le $granted\}\ge $share",
        refuted_by="a cell whose interval for the probability lies below the share",
        domain={"n": Range(32, 64), "d": Range(320, 640)},
        law={"y": Draw("direction", ("n",)), "fit": Draw("fit", ("n", "d"))},
        constants={
            "sizes": Constant(_RATIO_10, others=(_RATIO_7,)),
            "precision": Constant(F(1, 10**8), "down"),
            "granted": Constant(1500, "down", whole=True),
            "share": Constant(F(4, 5), "up"),
        },
        count=CountRoute(_fit_cells, fitted_by, often, 100),
        controls=(Control("sooner_and_surer", {"granted": 1000, "share": F(99, 100)}),),
        version=2,
    ),
)
