"""The low-pass claim: its descent and bands against their definitions, and statements with other numbers."""

import numpy as np
import pytest
from papers.statements import outcome

from untrained.sims.evidence.cases import build_case
from untrained.sims.random.streams import stream
from untrained.theory.claim import Draw
from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_jacobian,
    convolution_output,
    half_signs,
)
from untrained.theory.objects.dual_kernels import transfer, triangle_kernel
from untrained.theory.papers.own import low_pass

RNG = np.random.default_rng(8)


def test_the_descent_is_that_of_the_jacobian():
    kernel, v = triangle_kernel(9, 2), half_signs(4)
    C, y, U = RNG.standard_normal((2, 9, 4)), RNG.standard_normal((2, 9)), circulant_rows(kernel)
    left = low_pass.residuals_of_case({"n": 9, "half_width": 2, "steps": 3, "C": C, "y": y})
    for c, goal, end in zip(C, y, left, strict=True):
        weights = c.copy()
        for _ in range(3):
            gradient = convolution_jacobian(U, weights, v).T @ (convolution_output(U, weights, v) - goal)
            weights -= gradient.reshape(4, 9).T / transfer(kernel).max() ** 2
        assert end == pytest.approx(convolution_output(U, weights, v) - goal, abs=1e-12)


@pytest.mark.parametrize(
    ("frequency", "shares"), [(0, (1, 1)), (1, (0.25, 1)), (2, (0.25, 1)), (3, (1, 1)), (8, (1, 0.25))]
)
def test_bands_are_the_lowest_and_highest_quarter_without_the_mean(frequency, shares):
    y = RNG.standard_normal((1, 16))
    transform = np.fft.fft(y, axis=1)
    for place in {frequency, -frequency % 16}:
        transform[:, place] *= 0.5
    left = np.fft.ifft(transform, axis=1).real
    low, high = low_pass.band_shares(left, y, 4)
    energy = np.square(np.abs(np.fft.fft(y)))[0]
    inside = {0: (1, 2), 1: (7, 8)}
    for band, (share, value) in enumerate(zip(shares, (low[0], high[0]), strict=True)):
        whole = sum(energy[i] * (1 if i == 8 else 2) for i in inside[band])
        own = energy[frequency] * (1 if frequency == 8 else 2)
        expected = 1 - 0.75 * own / whole if share < 1 else 1
        assert value == pytest.approx(expected)


def test_a_derived_object_is_made_once_for_what_it_starts_from():
    calls = []

    def doubled(case):
        calls.append(1)
        return 2 * case["x"]

    law = {"x": Draw("gaussian", ("n",)), "twice": Draw("derived", (), {"of": doubled, "starts": ("x",)})}
    for seed, count in ((0, 1), (0, 1), (1, 2)):
        case = build_case(law, {"n": 3}, lambda role, seed=seed: stream(seed, role), 2)
        assert (case["twice"] == 2 * case["x"]).all()
        assert len(calls) == count


@pytest.mark.parametrize(
    "constants", [{"bands": 3}, {"sizes": low_pass._DELTA}, {"steps": 12}], ids=["bands", "delta", "steps"]
)
def test_other_numbers_are_refuted(constants):
    assert outcome("own.low_pass", **constants) == "refuted"
