"""Multi-coil Fourier measurements against sums over pixels, and against the operator of an MRI package."""

from cmath import exp, phase, pi, rect

import numpy as np
import pytest
import torch

from untrained.sims import operators
from untrained.sims.operators import make_operator, multicoil
from untrained.sims.operators.coils import coil_sensitivities, sampled_columns
from untrained.sims.operators.measurements import measured_numbers

SIZES = [(6, 8), (5, 7), (1, 9), (7, 4)]


def slow_sensitivities(coils, height, width):
    """Inverse distances from the coils and directions from there, pixel by pixel."""
    maps = np.zeros((coils, height, width), dtype=complex)
    for i in range(height):
        for j in range(width):
            place = complex((j + 0.5) / (width / 2) - 1, (i + 0.5) / (height / 2) - 1)
            for c in range(coils):
                angle = 2 * pi * c / coils
                offset = place - 1.5 * exp(1j * angle)
                maps[c, i, j] = rect(1 / abs(offset), phase(offset) - angle)
            maps[:, i, j] /= sum(abs(v) ** 2 for v in maps[:, i, j]) ** 0.5
    return maps


def slow_measurements(operator, x):
    """Real, then imaginary parts of the transform of every coil's image at the sampled frequencies, by summation."""
    channels, height, width = operator.shape
    maps, y = slow_sensitivities(operator.coils, height, width), []
    i, j = np.mgrid[:height, :width]
    for channel in range(channels):
        values = [
            (S * x[channel] * np.exp(-2j * pi * (k * i / height + l * j / width))).sum() / (height * width) ** 0.5
            for S in maps
            for k in range(height)
            for l in operator.places.tolist()
        ]
        y += [v.real for v in values] + [v.imag for v in values]
    return np.array(y)


@pytest.mark.parametrize("columns", ["random", "equispaced"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_measurements_are_those_of_the_definition(channels, size, columns):
    operator = multicoil((channels, *size), 3, 2, seed=4, columns=columns)
    x = np.random.default_rng(1).standard_normal(operator.shape)
    y = operator.forward(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(y, slow_measurements(operator, x), rtol=0, atol=1e-13)
    assert len(y) == operator.m == 2 * channels * operator.coefficients


@pytest.mark.parametrize("coils", [1, 2, 5])
def test_sensitivities_are_normalised_and_those_of_the_definition(coils):
    maps = coil_sensitivities(coils, 5, 8)
    np.testing.assert_allclose(maps, slow_sensitivities(coils, 5, 8), rtol=0, atol=1e-14)
    np.testing.assert_allclose((np.abs(maps) ** 2).sum(0), 1, rtol=0, atol=1e-14)


def test_coils_are_one_coil_turned():
    maps = coil_sensitivities(4, 6, 6)
    for c in range(4):
        # Rows grow downwards, so that a turn by a right angle goes from columns to rows.
        np.testing.assert_allclose(maps[c], np.rot90(maps[0], -c), rtol=0, atol=1e-14)
    assert np.abs(maps[0][:, -1]).min() > np.abs(maps[0][:, 0]).max()


def test_sensitivities_are_smooth():
    maps = coil_sensitivities(4, 32, 32)
    # |grad S| <= 1/d with d the distance to the nearest coil, which is at least 1/2: 2 a half side, of 16 pixels.
    assert np.linalg.norm(np.diff(maps, axis=-1), axis=0).max() < 2 / 16
    assert np.linalg.norm(np.diff(maps, axis=-2), axis=0).max() < 2 / 16


@pytest.mark.parametrize("columns", ["random", "equispaced"])
def test_every_column_at_acceleration_one_keeps_the_image(columns):
    operator = multicoil((1, 6, 7), 2, 1, columns=columns)
    x = torch.randn(1, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert bool(operator.mask().all())
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("columns", ["random", "equispaced"])
@pytest.mark.parametrize("width", [64, 51])
def test_the_centre_is_sampled_and_so_many_columns_in_all(width, columns):
    for seed in range(20):
        row = multicoil((1, 3, width), 2, 4, seed, centre=0.1, columns=columns).mask()[0]
        lowest = round(0.1 * width)
        first = width // 2 - lowest // 2
        assert int(row.sum()) == round(width / 4)
        assert bool(row[first : first + lowest].all())


def test_the_mask_has_the_zero_frequency_in_the_middle():
    operator = multicoil((1, 4, 8), 1, 8)
    assert operator.mask().nonzero()[:, 1].tolist() == [4] * 4
    assert operator.places.tolist() == [0]


def test_random_columns_are_uniform_and_equispaced_ones_even():
    counts = np.zeros(40)
    for seed in range(400):
        counts[sampled_columns(40, 12, 4, "random", seed) + 20] += 1
        gaps = np.diff(np.setdiff1d(np.arange(-20, 20), np.arange(-2, 2)).searchsorted(
            np.setdiff1d(sampled_columns(40, 12, 4, "equispaced", seed), np.arange(-2, 2))
        ))  # fmt: skip
        assert set(gaps) <= {4, 5}
    assert (counts[18:22] == 400).all()
    # 8 of 36 in 400 draws: 88.9 with a standard deviation of 8.3.
    assert np.abs(np.delete(counts, np.s_[18:22]) - 400 * 8 / 36).max() < 5 * 8.3


def test_memory_is_that_of_columns_sensitivities_and_coil_images():
    operator = make_operator("multicoil", (3, 8, 16), coils=5, acceleration=4)
    assert operator.memory == 8 * 4 + 8 * 5 * 8 * 16 + 8 * 3 * 5 * 8 * 16


def test_options_left_out_are_those_of_the_spec():
    plain = make_operator("multicoil", (1, 8, 8), coils=2, acceleration=2)
    whole = make_operator("multicoil", (1, 8, 8), coils=2, acceleration=2.0, centre=0.08, columns="random")
    assert plain.options == {"coils": 2, "acceleration": 2.0, "centre": 0.08, "columns": "random"}
    assert plain.fingerprint() == whole.fingerprint()
    others = [{"centre": 0.3}, {"columns": "equispaced"}, {"coils": 3}, {"acceleration": 4}]
    base = {"coils": 2, "acceleration": 2}
    prints = {make_operator("multicoil", (1, 8, 8), **{**base, **each}).fingerprint() for each in others}
    assert len(prints | {plain.fingerprint()}) == 5


@pytest.mark.parametrize("columns", ["random", "equispaced"])
def test_the_operator_is_that_of_an_mri_package(columns):
    linop = pytest.importorskip("sigpy.mri.linop", reason="sigpy is not installed")
    operator = multicoil((1, 12, 16), 4, 4, 2, columns=columns)
    maps = coil_sensitivities(4, 12, 16)
    # Its transform has the origin of image and frequencies in the middle.
    sense = linop.Sense(np.fft.fftshift(maps, (1, 2)), weights=operator.mask().numpy().astype(float))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 16))
    expected = np.fft.ifftshift(sense * np.fft.fftshift(x).astype(complex), (1, 2))[..., operator.places]
    y = operator.forward(torch.from_numpy(x)[None]).numpy().reshape(2, *expected.shape)
    np.testing.assert_allclose(y[0] + 1j * y[1], expected, rtol=0, atol=1e-6)
    back = np.zeros((4, 12, 16), complex)
    back[..., operator.places] = y[0] + 1j * y[1]
    adjoint = np.fft.ifftshift(sense.H * np.fft.fftshift(back, (1, 2))).real
    pixels = operator.adjoint(torch.from_numpy(y.reshape(-1))).numpy()[0]
    np.testing.assert_allclose(pixels, adjoint, rtol=0, atol=1e-6)


MASK = np.random.default_rng(5).random((6, 7)) < 0.4
MAPS = np.random.default_rng(6).standard_normal((2, 6, 7)) + 1j * np.random.default_rng(7).standard_normal((2, 6, 7))


def own_by_definition(x, maps, mask):
    """k_c(u, v) = sum_pq S_c(p, q) x(p, q) e^(-2 pi i (u p/H + v q/W))/(HW)^(1/2), all indices from -(side//2)."""
    (H, W), out = x.shape, []
    p, q = np.arange(H) - H // 2, np.arange(W) - W // 2
    for S in maps:
        k = np.zeros((H, W), complex)
        for i, u in enumerate(p):
            for j, v in enumerate(q):
                k[i, j] = (S * x * np.exp(-2j * np.pi * (u * p[:, None] / H + v * q[None] / W))).sum() / (H * W) ** 0.5
        out.append(k)
    return np.array(out), np.array(out)[:, mask].ravel()


@pytest.mark.parametrize("maps", [None, MAPS])
def test_coefficients_under_ones_own_mask_and_maps_are_those_of_the_definition(maps):
    operator = operators.fourier_cartesian((1, 6, 7), MASK, maps)
    x = np.random.default_rng(0).standard_normal((6, 7))
    grid, sampled = own_by_definition(x, np.ones((1, 6, 7)) if maps is None else maps, MASK)
    y = operator.forward(torch.from_numpy(x)[None])
    np.testing.assert_allclose(y, np.concatenate([sampled.real, sampled.imag]), rtol=0, atol=1e-12)
    torch.testing.assert_close(measured_numbers(grid, operator), y.float())
    torch.testing.assert_close(measured_numbers(sampled, operator), y.float())
    columns = operator.forward(torch.eye(42, dtype=torch.float64).reshape(-1, 1, 6, 7))
    assert operator.gain == pytest.approx(float(columns.square().sum()) / 42, rel=1e-12)
    assert operators.dot_test(operator) < 1e-6


@pytest.mark.parametrize("channels", [1, 3])
def test_complex_measurements_are_put_into_the_order_of_the_rows(channels):
    x = np.random.default_rng(0).standard_normal((channels, 6, 7))
    coils = multicoil((channels, 6, 7), coils=2, acceleration=1)
    data = np.fft.fft2(x[:, None] * coil_sensitivities(2, 6, 7), norm="ortho")[..., coils.places]
    y = coils.forward(torch.from_numpy(x)).float()
    torch.testing.assert_close(measured_numbers(data, coils), y)
    torch.testing.assert_close(measured_numbers(torch.from_numpy(data.ravel()).conj(), coils), y * rows_of(y, channels))
    own = operators.fourier_cartesian((channels, 6, 7), MASK, MAPS)
    sampled = np.array([own_by_definition(one, MAPS, MASK)[1] for one in x])
    by_coil = sampled.reshape(channels, len(MAPS), -1)
    torch.testing.assert_close(measured_numbers(by_coil, own), own.forward(torch.from_numpy(x)).float())


def rows_of(y, channels):
    """1 for the real parts of a channel and -1 for its imaginary ones."""
    return torch.tensor([1.0, -1.0]).repeat_interleave(len(y) // (2 * channels)).repeat(channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_complex_measurements_of_another_number_are_refused(channels):
    operator = multicoil((channels, 6, 8), coils=2, acceleration=2)
    half = operator.m // 2
    sentence = rf"^y must have the operator's {half} complex entries or {operator.m} real ones, got {half + 1}$"
    with pytest.raises(ValueError, match=sentence):
        measured_numbers(np.ones(half + 1, complex), operator)


def test_a_mask_of_columns_is_one_of_whole_columns():
    columns = MASK[0]
    row = operators.fourier_cartesian((1, 6, 7), columns)
    assert row.fingerprint() == operators.fourier_cartesian((1, 6, 7), np.tile(columns, (6, 1))).fingerprint()


def test_maps_of_ones_own_come_back_from_no_spec():
    operator = operators.fourier_cartesian((1, 6, 7), MASK, MAPS)
    other = operators.fourier_cartesian((1, 6, 7), MASK, 2 * MAPS)
    assert operator.fingerprint() != other.fingerprint()
    with pytest.raises(ValueError, match="got a user's own, which cannot be rebuilt"):
        operators.operator_from_spec(operator.spec())
