"""How fast descent of G(C) = ReLU(UC)v comes near its expected linear model as columns are added: by draws.

y is uniform on a sphere, the entries of C_0 are normal with deviation omega||y||/sqrt n, in pairs of opposite signs, so that
G(C_0) = 0; steps are 1/||Fu||_inf^2. A trial compares mean relative deviations ||G(C_tau) - filtered y||/||y|| of two widths.
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

import numpy as np

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    Range,
    Sides,
    Source,
    claimed_share,
)
from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_descent,
    expected_output,
    half_signs,
    paired_columns,
)
from untrained.theory.objects.dual_kernels import transfer, triangle_kernel
from untrained.theory.objects.shapes import Array


def deviations(kernel: Array, y: Array, columns: Array, tau: int) -> Array:
    """Relative deviation of each descent from the expected linear model after tau steps, from y (D, n), C_0 (D, n, k/2)."""
    eta = 1 / float(np.square(transfer(kernel)).max())
    C = paired_columns(columns)
    (output,) = convolution_descent(circulant_rows(kernel), y, C, half_signs(C.shape[-1]), eta, (tau,))
    result: Array = np.linalg.norm(output - expected_output(kernel, y, eta, tau), axis=-1) / np.linalg.norm(y, axis=-1)
    return result


_MEANS: dict[bytes, tuple[float, float]] = {}
"""Mean deviations of a trial by its first entries: a statement with another number looks at the same descents."""


@lru_cache
def _triangle(n: int, half_width: int) -> Array:
    return triangle_kernel(n, half_width)


def _means(case: Case, trial: int, omega: float, draws: int) -> tuple[float, float]:
    y, few, many = (case[name][trial, :draws] for name in ("y", "few", "many"))
    tau = int(case["tau"])
    key = many[0, 0].tobytes() + few[0, 0].tobytes() + repr((many.shape, omega, tau)).encode()
    if key not in _MEANS:
        kernel, scale = _triangle(int(case["n"]), int(case["half_width"])), omega / math.sqrt(int(case["n"]))
        one, other = (float(deviations(kernel, y, scale * columns, tau).mean()) for columns in (few, many))
        _MEANS[key] = one, other
    return _MEANS[key]


def ratio_of_widths(case: Case, c: Constants) -> Sides:
    """(K/k)^power times the mean deviation of K columns over that of k columns, and its place between both ends."""
    means = np.array([_means(case, i, float(c["omega"]), int(c["draws"])) for i in range(len(case["y"]))])
    ratio = means[:, 1] / means[:, 0] * (int(case["K"]) / int(case["k"])) ** float(c["power"])
    return Sides(np.maximum(ratio / float(c["most"]), float(c["least"]) / np.maximum(ratio, 1e-300)), 1.0)


def _cells(c: Constants) -> tuple[Case, ...]:
    n, half_width, k, K, tau = c["size"]
    widths = {"k": k, "K": K, "half": k // 2, "more": K // 2}
    return ({"n": n, "half_width": half_width, "tau": tau, **widths, "D": int(c["draws"])},)


def linearised_claim(name: str, what: str, constants: dict[str, Constant], *controls: Control) -> Claim:
    """A statement at one size: where the ratio of the mean deviations of two widths lies."""
    n, half_width, k, K, tau = constants["size"].value
    return Claim(
        id=f"own.linearised.{name}",
        source=Source("own", what),
        says="At (n, w, k, K, tau) = $size, for the triangle of half-width w on n points, y of random direction, Gaussian columns of C_0 in equal pairs with opposite signs in v, of deviation ${omega:factor}||y||/sqrt n, and the inverse of the largest |Fu|_f |Fu|_f as the step, K columns leave after tau steps between $least and $most times (k/K)^{$power} of the deviation from the filters that k columns leave, both means over $draws draws, in a share $probability of trials or more.",
        tex=r"$least\Big(\frac kK\Big)^{$power}\le\frac{E_K}{E_k}\le $most\Big(\frac kK\Big)^{$power},\ (n,w,k,K,\tau)=$size,\ E_k=\overline{\|G(C_\tau)-(I-(I-\eta\Sigma)^\tau)y\|}",
        refuted_by="a triangle and numbers of columns at which the deviation falls otherwise",
        domain={"n": Range(n, n), "half_width": Range(half_width, half_width), "k": Range(k, k), "K": Range(K, K), "tau": Range(tau, tau)},
        law={
            "y": Draw("direction", ("D", "n")),
            "few": Draw("gaussian", ("D", "n", "half")),
            "many": Draw("gaussian", ("D", "n", "more")),
        },
        constants=constants,
        count=CountRoute(_cells, ratio_of_widths, claimed_share, trials=24),
        controls=controls,
        version=2,
    )  # fmt: skip


def _constants(size: Constant, omega: Constant, power: F, least: F, most: F, draws: int) -> dict[str, Constant]:
    return {
        "size": size,
        "omega": omega,
        "power": Constant(power),
        "least": Constant(least, "up"),
        "most": Constant(most, "down"),
        "draws": Constant(draws, "down", whole=True),
        "probability": Constant(F(1, 2), "up"),
    }


_EPSILON = "epsilon of the denoising theorem of Heckel and Soltanolkotabi"
_NEAR = (Control("most_0.85", {"most": F(85, 100)}), Control("least_1.15", {"least": F(115, 100)}))
_HALF = F(1, 2)
_EARLY, _LATE = (32, 4, 16, 64, 5), (32, 4, 16, 64, 50)

CLAIMS: tuple[Claim, ...] = (
    linearised_claim(
        "decay",
        f"{_EPSILON}, early in the descent",
        _constants(Constant(_EARLY, others=(_LATE,)), Constant(1, "down"), _HALF, F(4, 5), F(6, 5), 24),
        *_NEAR,
        Control("later", {"size": _LATE}),
    ),
    linearised_claim(
        "moves",
        f"{_EPSILON}, when masks have changed",
        _constants(Constant(_LATE, others=(_EARLY,)), Constant(1, "up"), F(1, 5), F(4, 5), F(6, 5), 8),
        *_NEAR,
        Control("sooner", {"size": _EARLY}),
    ),
)
