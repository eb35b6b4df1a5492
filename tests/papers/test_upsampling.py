"""The filter of upsampling: means over frequencies in floats, residuals of noise; statements with other numbers."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.sims.random.streams import stream
from untrained.theory.objects.dual_kernels import correlations, dual_spectrum, gaussian_kernel, triangle_kernel
from untrained.theory.papers.own import upsampling


@pytest.mark.parametrize(("points", "width"), [(7, 3), (8, 4), (9, 1)])
def test_the_weights_are_those_of_interpolation(points, width):
    """A coarse spike shows the kernel: its value all over a cell, or falling in a line to both neighbours."""
    fine = np.arange(points)
    around = np.minimum(fine, points - fine)
    np.testing.assert_array_equal(upsampling.box_weights(points, width), np.where(fine < width, 1, 0))
    np.testing.assert_allclose(
        np.array(upsampling.triangle_weights(points, width)) / width, np.interp(around, [0, width], [1, 0]), atol=1e-15
    )


@pytest.mark.parametrize(("weights", "width"), [(upsampling.box_weights, 9), (upsampling.triangle_weights, 5)])
def test_a_kernel_that_does_not_fit_is_refused(weights, width):
    with pytest.raises(ValueError, match="width must lie between 1 and"):
        weights(8, width)


def rough(spectrum):
    omega = 2 * np.pi * np.arange(len(spectrum)) / len(spectrum)
    return float((spectrum * (1 - np.cos(omega))).sum() / spectrum.sum())


def test_roughness_and_spread_of_drawn_kernels():
    rng = stream(5, "upsampling kernels")
    for n in (2, 5, 12):
        u = rng.standard_normal(n)
        root = np.sqrt(rough(np.square(np.abs(np.fft.fft(u)))))
        assert 0.45 * root <= rough(dual_spectrum(u)) <= root + 1e-12
        f, values = np.square(np.abs(np.fft.fft(abs(u)))), dual_spectrum(abs(u))
        assert 0.25 <= np.var(values) / np.mean(values) ** 2 / (np.var(f) / np.mean(f) ** 2) <= 1


@pytest.mark.parametrize(
    ("kernel", "of_filter", "of_sigma"),
    [
        (np.array(upsampling.box_weights(64, 4), dtype=float), 1 / 4, 0.4225),
        (triangle_kernel(64, 4), 1 / 11, 0.2153),
        (gaussian_kernel(64, 4 / 64), 0.0308, 0.1075),
    ],
)
def test_the_numbers_of_the_note_on_roughness(kernel, of_filter, of_sigma):
    measured = rough(np.square(np.abs(np.fft.fft(kernel)))), rough(dual_spectrum(kernel))
    assert measured == (pytest.approx(of_filter, abs=5e-5), pytest.approx(of_sigma, abs=5e-5))
    assert measured[0] == pytest.approx(1 - correlations(kernel)[1], abs=1e-12)


def test_how_much_of_white_noise_is_fitted_after_some_steps():
    """Steps of one over the largest eigenvalue: all at once without upsampling, the least with the linear filter."""
    fitted = {}
    for name, kernel in {
        "none": upsampling.box_weights(64, 1),
        "nearest": upsampling.box_weights(64, 4),
        "linear": upsampling.triangle_weights(64, 4),
    }.items():
        share = dual_spectrum(np.array(kernel, dtype=float))
        share = share / share.max()
        fitted[name] = [float(np.mean((1 - (1 - share) ** tau) ** 2)) for tau in (1, 10, 100)]
    assert fitted["none"] == pytest.approx([1, 1, 1])
    assert all(a > b for a, b in zip(fitted["nearest"], fitted["linear"], strict=True))


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.upsampling.roughness", {"least": F(451, 1000)}, (), "refuted"),
        ("own.upsampling.roughness", {"most": F(99, 100)}, (), "refuted"),
        ("own.upsampling.spread", {"least": F(251, 1000)}, (), "refuted"),
        ("own.upsampling.spread", {}, ("nonnegative",), "refuted"),
        ("own.upsampling.nearest", {"width": 3}, (), "refuted"),
        ("own.upsampling.nearest", {}, ("even",), "refuted"),
        ("own.upsampling.linear", {"share": F(481, 1000)}, (), "refuted"),
        ("own.upsampling.linear", {"narrow": 1}, (), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize("name", ["roughness", "spread"])
def test_another_sigma_does_not_carry(name):
    """The ratio of two eigenvalues alone does not see the share."""
    assert proof_says(f"own.upsampling.{name}") == "proves"
    assert proof_says(f"own.upsampling.{name}", records={"heckel20a.sigma": {"share": F(1, 3)}}) == "open"
