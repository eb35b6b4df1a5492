"""Low frequencies are fitted first, of noise too, where the kernel has them in its spectrum: measured on draws."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np

from untrained.theory.claim import Case, Claim, Constant, Constants, Control, CountRoute, Draw, Range, Sides, Source
from untrained.theory.objects.convolution_generator import circulant_rows, convolution_descent, half_signs
from untrained.theory.objects.dual_kernels import circle_distance, transfer, triangle_kernel
from untrained.theory.objects.shapes import Array


def residuals_of_case(case: Case) -> Array:
    """G(C) - y (B, n) after the steps of a case, for the triangle of its half-width."""
    kernel = triangle_kernel(int(case["n"]), int(case["half_width"]))
    C, y, eta = case["C"], case["y"], 1 / float(transfer(kernel).max()) ** 2
    outputs = convolution_descent(circulant_rows(kernel), y, C, half_signs(C.shape[-1]), eta, (int(case["steps"]),))
    residuals: Array = outputs[0] - y
    return residuals


def band_shares(residuals: Array, targets: Array, bands: int) -> tuple[Array, Array]:
    """What is left of the lowest and of the highest of so many bands, (B,) each: shares of the target's energy there.

    Frequencies 1 to n/2 are split in equal parts; the mean is in none. Residuals and targets are (B, n).
    """
    distance = circle_distance(residuals.shape[1])
    half = residuals.shape[1] // 2
    width = half // bands
    inside = ((distance >= 1) & (distance <= width), distance > half - width)
    left, whole = (np.square(np.abs(np.fft.fft(x, axis=1))) for x in (residuals, targets))
    low, high = (left[:, band].sum(axis=1) / whole[:, band].sum(axis=1) for band in inside)
    return low, high


def lowest_against_highest(case: Case, c: Constants) -> Sides:
    """The share left of the lowest band against `factor` times that of the highest."""
    low, high = band_shares(case["residuals"], case["y"], int(c["bands"]))
    return Sides(low, float(c["factor"]) * high)


def share_of_draws(case: Case, c: Constants) -> float:
    """The claimed share."""
    return float(c["share"])


def _cells(c: Constants) -> tuple[Case, ...]:
    return tuple(
        {"n": n, "k": k, "half_width": w, "steps": int(c["steps"]), "deviation": 1 / np.sqrt(n)}
        for n, k, w in c["sizes"]
    )


_TRIANGLES, _DELTA = ((128, 32, 3), (128, 32, 5)), ((128, 32, 1),)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.low_pass",
        source=Source("own", "the low-pass path of Deep Image Prior, for the generator of heckel20a"),
        says="At (n, k, half-width) in $sizes, for white noise y and gradient descent of G(C) = ReLU(UC)v, U the triangle of that half-width, from Gaussian entries of deviation ||y||/sqrt(n) with the inverse of the largest |Fu|_omega |Fu|_omega as the step: after $steps steps the lowest of $bands equal bands of frequencies has at most $factor times the share of its energy left that the highest has, in at least $share of draws.",
        tex=r"P\{R_{\mathrm{low}}\le $factor R_{\mathrm{high}}\}\ge $share,\ R_{\mathrm{band}}=E_{\mathrm{band}}(G(C_{$steps})-y)/E_{\mathrm{band}}(y),\ $bands\ \text{bands}",
        refuted_by="a cell whose interval for the probability lies below the share",
        domain={"n": Range(128, 128), "k": Range(32, 32), "half_width": Range(3, 5)},
        law={
            "C": Draw("gaussian", ("n", "k"), {"scale": "deviation"}),
            "y": Draw("direction", ("n",)),
            "residuals": Draw(
                "derived", (), {"of": residuals_of_case, "starts": ("n", "half_width", "steps", "C", "y")}
            ),
        },
        constants={
            "sizes": Constant(_TRIANGLES, others=(_DELTA,)),
            "steps": Constant(20, "down", whole=True),
            "bands": Constant(4, "down", whole=True),
            "factor": Constant(F(7, 100), "down"),
            "share": Constant(F(9, 10), "up"),
        },
        count=CountRoute(_cells, lowest_against_highest, share_of_draws, 500),
        controls=(
            Control("delta_kernel", {"sizes": _DELTA}),
            Control("factor_0.047", {"factor": F(47, 1000)}),
            Control("sooner", {"steps": 15}),
        ),
    ),
)
