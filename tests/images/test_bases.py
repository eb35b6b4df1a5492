import numpy as np
import pytest
import torch

from untrained.sims.images.bases import CosineBasis, WaveletBasis, daubechies, make_basis
from untrained.sims.random.streams import stream

SIZES = [(1, 20, 20), (3, 8, 12), (1, 8, 8), (1, 13, 10), (1, 7, 9), (1, 1, 1), (1, 6, 4)]
EXACT = 1e-12
"""A few hundred additions in float64, each off by at most 1e-16 of numbers of order one."""


def draw(shape, seed=0):
    return torch.from_numpy(stream(seed, "image").standard_normal(shape))


def bases(shape):
    return [CosineBasis(shape), *(WaveletBasis(shape, name) for name in ("haar", "db2", "db4", "db8"))]


def synthesis_matrix(basis):
    atoms = torch.eye(basis.n, dtype=torch.float64).reshape(-1, *basis.shape)
    return basis.synthesis(atoms).reshape(basis.n, -1).T


@pytest.mark.parametrize("shape", SIZES)
def test_the_atoms_are_orthonormal(shape):
    for basis in bases(shape):
        atoms = synthesis_matrix(basis)
        torch.testing.assert_close(atoms.T @ atoms, torch.eye(basis.n, dtype=torch.float64), atol=EXACT, rtol=0)


@pytest.mark.parametrize("shape", SIZES)
def test_analysis_is_the_inverse_and_the_transpose_of_synthesis(shape):
    x, c = draw((2, *shape)), draw((2, *shape), 1)
    for basis in bases(shape):
        torch.testing.assert_close(basis.synthesis(basis.analysis(x)), x, atol=EXACT, rtol=0)
        left, right = (basis.analysis(x) * c).sum(), (x * basis.synthesis(c)).sum()
        assert abs(left - right) < EXACT * basis.n


def test_the_cosines_are_those_of_the_definition():
    H, W = 5, 6
    i, j = np.mgrid[:H, :W]
    atoms = synthesis_matrix(CosineBasis((1, H, W)))
    for k, l in ((0, 0), (0, 3), (4, 0), (2, 5)):
        scale = np.sqrt((2 - (k == 0)) / H * (2 - (l == 0)) / W)
        wanted = scale * np.cos(np.pi * k * (2 * i + 1) / (2 * H)) * np.cos(np.pi * l * (2 * j + 1) / (2 * W))
        np.testing.assert_allclose(atoms[:, k * W + l], wanted.ravel(), atol=EXACT)


def periodised(x, filters, axis):
    """One level along one axis from the definition: inner products with even shifts of the filter, indices modulo N."""
    N, L = x.shape[axis], len(filters[0])
    x = np.moveaxis(x, axis, 0)
    halves = [[sum(f[i] * x[(2 * k + i + 1 - L // 2) % N] for i in range(L)) for k in range(N // 2)] for f in filters]
    return np.moveaxis(np.array(halves[0] + halves[1]), 0, axis)


@pytest.mark.parametrize(("shape", "levels"), [((1, 8, 12), 1), ((1, 16, 8), 2), ((1, 4, 4), 2)])
def test_wavelet_coefficients_are_the_inner_products_of_the_definition(shape, levels):
    x = draw(shape)
    low = np.array(daubechies("db4"))
    filters = low, low[::-1] * (-1.0) ** np.arange(8)
    wanted = x[0].numpy().copy()
    for level in range(levels):
        h, w = shape[1] >> level, shape[2] >> level
        wanted[:h, :w] = periodised(periodised(wanted[:h, :w], filters, 0), filters, 1)
    coefficients = WaveletBasis(shape, "db4", levels).analysis(x)[0]
    np.testing.assert_allclose(coefficients, wanted, atol=EXACT)


@pytest.mark.parametrize("name", ["haar", "db2", "db4", "db7"])
@pytest.mark.parametrize(("shape", "possible"), [((1, 28, 28), 2), ((1, 64, 32), 5), ((3, 40, 32), 3)])
def test_wavelet_coefficients_are_those_of_pywavelets_with_periodization(name, shape, possible):
    pywt = pytest.importorskip("pywt", reason="PyWavelets is not installed")
    basis, x = WaveletBasis(shape, name), draw(shape)
    assert basis.levels == min(pywt.dwt_max_level(min(shape[1:]), name), possible)
    details = pywt.wavedec2(x.numpy(), name, mode="periodization", level=basis.levels)
    wanted = details[0]
    for across, down, diagonal in details[1:]:
        wanted = np.block([[wanted, down], [across, diagonal]])
    np.testing.assert_allclose(basis.analysis(x), wanted, atol=EXACT)


def test_db2_has_the_taps_that_daubechies_printed():
    r = np.sqrt(3)
    np.testing.assert_allclose(daubechies("db2"), np.array([1 + r, 3 + r, 3 - r, 1 - r]) / (4 * np.sqrt(2)), rtol=1e-14)


@pytest.mark.parametrize("number", range(1, 16))
def test_every_filter_is_orthonormal_to_its_even_shifts_and_kills_polynomials(number):
    h = np.array(daubechies(f"db{number}"))
    for k in range(number):
        assert h[2 * k :] @ h[: 2 * number - 2 * k] == pytest.approx(float(k == 0), abs=EXACT)
    g = h[::-1] * (-1.0) ** np.arange(2 * number)
    t = np.linspace(-1, 1, 2 * number)
    for degree in range(min(number, 6)):
        assert abs(g @ t**degree) < 1e-9
    assert number == 1 or abs(g @ t**number) > 1e-9


@pytest.mark.parametrize(("shape", "levels"), [((1, 28, 28), 2), ((1, 256, 256), 5), ((1, 27, 28), 0), ((1, 20, 6), 1)])
def test_levels_end_where_a_side_turns_odd_or_the_filter_outgrows_the_signal(shape, levels):
    assert WaveletBasis(shape).levels == levels


def test_halving_an_odd_side_would_not_be_orthonormal():
    x = draw((1, 7, 8))
    low = np.array(daubechies("db2"))
    halved = periodised(x[0].numpy(), (low, low[::-1] * (-1.0) ** np.arange(4)), 0)
    assert abs(np.linalg.norm(halved) / np.linalg.norm(x) - 1) > 1e-3


def test_a_wavelet_of_a_larger_level_has_a_longer_wave():
    f = WaveletBasis((1, 32, 32), "db2").frequency()[0]
    assert f[:4, :4].max() == 0
    assert (f[0, 4], f[9, 0], f[31, 31], f[15, 15]) == (1, 2, 4, 2)
    assert CosineBasis((1, 4, 5)).frequency()[0, 3, 4] == 5


@pytest.mark.parametrize("name", ["dct", "wavelet"])
def test_float32_stays_float32_and_batches_are_one_by_one(name):
    basis = make_basis(name, (3, 16, 16))
    x = draw((4, 2, 3, 16, 16)).float()
    c = basis.analysis(x)
    assert c.dtype == torch.float32
    torch.testing.assert_close(c[3, 1], basis.analysis(x[3, 1]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["sym4", "db0", "db16", "4", "db", "db4 "])
def test_an_unknown_wavelet_is_refused(name):
    with pytest.raises(ValueError, match="wavelet must be haar or db1 to db15"):
        daubechies(name)


def test_an_unknown_basis_or_a_level_too_many_is_refused():
    with pytest.raises(ValueError, match="basis must be dct or wavelet, got 'fourier'"):
        make_basis("fourier", (1, 8, 8))
    with pytest.raises(ValueError, match="levels must be between 0 and 2 for sides"):
        WaveletBasis((1, 28, 28), "db4", 3)
