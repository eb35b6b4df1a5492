"""Descent against its expected linear model: deviations from definitions, the first step, and other numbers."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome

from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_jacobian,
    convolution_output,
    half_signs,
    paired_columns,
)
from untrained.theory.objects.dual_kernels import active_share, mask_variances, transfer, triangle_kernel
from untrained.theory.papers.own import linearised

RNG = np.random.default_rng(51)


def test_deviations_by_the_jacobian_and_a_dense_sigma():
    kernel, k, tau = triangle_kernel(8, 2), 6, 4
    U, v = circulant_rows(kernel), half_signs(k)
    sigma = (U @ U.T) * active_share(np.clip(U @ U.T, -1, 1))
    eta = 1 / max(transfer(kernel)) ** 2
    columns, y = RNG.standard_normal((2, 8, k // 2)), RNG.standard_normal((2, 8))
    for one, target, deviation in zip(columns, y, linearised.deviations(kernel, y, columns, tau), strict=True):
        C, x = paired_columns(one), np.zeros(8)
        for _ in range(tau):
            gradient = convolution_jacobian(U, C, v).T @ (convolution_output(U, C, v) - target)
            C, x = C - eta * gradient.reshape(k, 8).T, x - eta * sigma @ (x - target)
        away = np.linalg.norm(convolution_output(U, C, v) - x) / np.linalg.norm(target)
        assert deviation == pytest.approx(away, rel=1e-10)


def test_the_variance_of_the_first_step_with_masks_that_stay():
    kernel, k = np.array([2.0, 1, 0, 0, 1, 0.5]), 8
    U, y = circulant_rows(kernel), np.array([1.0, 2, 0, -1, 3, 1])
    sigma = (U @ U.T) * active_share(np.clip(U @ U.T / (U @ U.T)[0, 0], -1, 1))
    on = (RNG.standard_normal((20_000, k, 6)) @ U.T > 0).astype(float)
    away = np.square((on * ((on * y) @ (U @ U.T))).mean(1) - sigma @ y).sum(-1)
    power = np.square(np.abs(np.fft.fft(y))) / 6
    assert (mask_variances(kernel) * power).sum() / k == pytest.approx(away.mean(), rel=0.03)


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        ("own.linearised.decay", {}, "affirmed"),
        ("own.linearised.decay", {"power": F(1, 6)}, "refuted"),
        ("own.linearised.decay", {"omega": F(1, 10)}, "refuted"),
        ("own.linearised.decay", {"draws": 1}, "lost"),
        ("own.linearised.moves", {"size": linearised._EARLY}, "refuted"),
        ("own.linearised.decay", {"probability": 1}, "refuted"),
    ],
)
def test_statements(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says
