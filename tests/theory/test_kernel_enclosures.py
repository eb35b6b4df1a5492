"""Enclosed spectra against the sum from the definition in balls, other algorithms, and kernels that are hard."""

from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from untrained.theory.objects import kernel_enclosures
from untrained.theory.objects.convolution_generator import circulant_rows
from untrained.theory.objects.dual_kernels import dual_spectrum, gaussian_kernel, padded, triangle_kernel
from untrained.theory.objects.kernel_enclosures import (
    enclose_spectrum,
    exact_correlations,
    spectrum_balls,
    transform_error,
)
from untrained.theory.proof.balls import ends

RNG = np.random.default_rng(8)


def eigenvalue_slowly(kernel, frequency):
    """Sum over shifts of ||u||^2 g(t_s) cos(2 pi f.s/n), shift by shift, at 200 bits."""
    kernel = np.asarray(kernel, dtype=object)
    exact = np.array([F(x) for x in kernel.flat], dtype=object).reshape(kernel.shape)
    square = sum(x * x for x in exact.flat)
    with ctx.workprec(200):
        total = arb(0)
        for shift in np.ndindex(exact.shape):
            inner = sum(
                exact[place] * exact[tuple((a - b) % n for a, b, n in zip(place, shift, exact.shape, strict=True))]
                for place in np.ndindex(exact.shape)
            )
            t = arb(fmpq(*(inner / square).as_integer_ratio()))
            turn = sum(F(f * s, n) for f, s, n in zip(frequency, shift, exact.shape, strict=True))
            cosine = arb.cos_pi_fmpq(fmpq(*(2 * turn).as_integer_ratio()))
            total += arb(fmpq(*square.as_integer_ratio())) * t * (1 - t.acos() / arb.pi()) / 2 * cosine
        return total


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (8,), (3, 4), (3, 5), (2, 2)])
def test_balls_are_those_of_the_sum_shift_by_shift(shape):
    kernel = RNG.standard_normal(shape)
    values = spectrum_balls(kernel)
    for frequency in np.ndindex(shape):
        assert values[frequency].overlaps(eigenvalue_slowly(kernel, frequency))
        assert values[frequency].rad() <= 1e-12 * abs(values[frequency])


def test_rationals_are_taken_as_they_are():
    kernel = [F(1, 3), F(2, 3), F(2, 3)]
    assert exact_correlations(kernel).tolist() == [1, F(8, 9), F(8, 9)]
    assert spectrum_balls(kernel)[1].overlaps(eigenvalue_slowly(kernel, (1,)))
    tiny = spectrum_balls([F(1, 10**400), F(-1, 10**400)])
    assert [x.overlaps(arb(10) ** -800) for x in tiny] == [True, True]


def test_an_eigenvalue_that_is_0_is_enclosed_near_it():
    values = spectrum_balls([1, 2, 1, 2])
    assert values[1].contains(0)
    assert values[1].abs_upper() <= 1e-35
    assert values[0] > 0
    assert values[2] > 0


def test_the_published_least_eigenvalue_to_twelve_digits():
    least = min(spectrum_balls(triangle_kernel(300, 10)), key=lambda x: float(x.mid()))
    assert float(least.rad()) < 1e-12 * float(least.mid())
    assert float(least.mid()) == pytest.approx(0.0146106, rel=1e-5)


@pytest.mark.parametrize("shape", [(1,), (12,), (35,), (11, 6), (9, 8), (16, 1)])
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_the_float_enclosure_holds_the_balls(shape, scale):
    kernel = RNG.standard_normal(shape) * scale
    enclosure = enclose_spectrum(kernel, 1e-9 * scale**2)
    for value, x in zip(enclosure.values.flat, spectrum_balls(kernel).flat, strict=True):
        low, high = ends(x)
        assert value - enclosure.radius <= low <= high <= value + enclosure.radius


@pytest.mark.parametrize("period", [(2, 3), (4, 2), (1, 6)])
@pytest.mark.parametrize("sign", [1, -1])
def test_kernels_that_repeat_or_alternate_keep_their_radius(period, sign):
    tile = RNG.standard_normal(period)
    line = np.concatenate([tile, sign * tile])
    kernel = np.tile(line, (3, 2))
    enclosure = enclose_spectrum(kernel)
    assert enclosure.radius < 1e-9
    for value, x in zip(enclosure.values.flat, spectrum_balls(kernel).flat, strict=True):
        assert abs(value - float(x.mid())) <= enclosure.radius


@pytest.mark.parametrize("kernel", [gaussian_kernel(64, 30.0), 1 + 1e-6 * RNG.standard_normal(64)])
def test_correlations_near_one_cost_radius_and_the_radius_holds(kernel):
    with pytest.raises(ValueError, match="tolerance must be at least"):
        enclose_spectrum(kernel, 1e-15)
    enclosure = enclose_spectrum(kernel, 1e-3)
    assert all(
        abs(value - float(x.mid())) <= enclosure.radius
        for value, x in zip(enclosure.values, spectrum_balls(kernel), strict=True)
    )


def test_all_eigenvalues_of_a_large_kernel_to_a_billionth():
    small = np.array([[1, 2, 1], [2, 5, 2], [1, 3, 1]], dtype=float)
    enclosure = enclose_spectrum(padded(small / np.linalg.norm(small), (256, 256)))
    assert enclosure.radius <= 1e-9
    square = int((small**2).sum())
    full = np.zeros((5, 5), dtype=int)
    for i, j, a, b in np.ndindex(3, 3, 3, 3):
        full[i - a + 2, j - b + 2] += int(small[i, j] * small[a, b])
    with ctx.workprec(120):
        for p, q in [(0, 0), (128, 128), (3, 200), (85, 171)]:
            total = arb(0)
            for a, b in np.ndindex(5, 5):
                t = arb(fmpq(int(full[a, b]), square))
                cosine = arb.cos_pi_fmpq(fmpq(2 * (p * (a - 2) + q * (b - 2)), 256))
                total += t * (1 - t.acos() / arb.pi()) / 2 * cosine
            assert abs(enclosure.values[p, q] - float(total.mid())) <= enclosure.radius
    assert np.abs(enclosure.values - dual_spectrum(padded(small / np.linalg.norm(small), (256, 256)))).max() < 1e-9


@pytest.mark.parametrize("shape", [(64,), (35,), (11, 12)])
def test_an_fft_errs_by_less_than_is_claimed(shape):
    x = RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)
    exact = np.fft.fftn(x.astype(np.clongdouble))
    off = (np.fft.fftn(x) - exact).astype(complex)
    error = np.linalg.norm(off.ravel()) / np.linalg.norm(exact.ravel().astype(complex))
    assert 0 < error < transform_error(shape, 2.0**-53) < 1e-12


def test_only_exact_copies_count_as_parallel():
    u = np.array([1.0, 2, 1, 2, 1, np.nextafter(2, 3)])
    t = kernel_enclosures.fft.ifft(np.abs(np.fft.fft(u)) ** 2).real / np.square(u).sum()
    assert kernel_enclosures._parallel_rows(u, t, 1e-9).tolist() == [True, False, False, False, False, False]
    assert (
        kernel_enclosures._parallel_rows(np.tile(u[:2], 3), np.tile([1.0, 0.8], 3), 1e-9).tolist() == [True, False] * 3
    )


def test_the_definition_in_floats():
    kernel = RNG.standard_normal((3, 4))
    U = circulant_rows(kernel)
    inner = U @ U.T
    cosine = np.clip(inner / inner[0, 0], -1, 1)
    np.fill_diagonal(cosine, 1)
    values = np.linalg.eigvalsh((1 - np.arccos(cosine) / np.pi) / 2 * inner)
    np.testing.assert_allclose(np.sort(enclose_spectrum(kernel).values.ravel()), values, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: spectrum_balls(np.zeros(4)), "kernel must not be 0"),
        (lambda: spectrum_balls(np.ones((2, 2, 2))), r"kernel must have shape \(n,\) or \(h, w\), got \(2, 2, 2\)"),
        (lambda: spectrum_balls([1.0, np.nan]), "kernel must be finite"),
        (lambda: spectrum_balls([1.0], 0), "digits must be an integer >= 1, got 0"),
        (lambda: enclose_spectrum(np.zeros((2, 2))), "kernel must not be 0"),
        (lambda: enclose_spectrum(np.ones(13)), r"without prime factors above 11 .* got shape \(13,\)"),
        (lambda: enclose_spectrum(np.ones(4), 0), "tolerance must be positive, got 0"),
        (lambda: enclose_spectrum(padded(np.ones(7), (6,))), r"kernel must fit into shape \(6,\), got \(7,\)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
