import numpy as np
import pytest
import torch

from untrained.sims.diagnosis import predictions
from untrained.sims.diagnosis.range_geometry.isometry import row_map
from untrained.sims.ntk.spectrum import ExactSpectrum, Measure
from untrained.sims.random.streams import stream

N = 12


def wide(seed=0):
    """A Jacobian (n, p) with a spectrum that decays, and its Gram matrix as a spectrum."""
    rng = stream(seed, "test_predictions")
    J = np.diag(0.7 ** np.arange(N)) @ rng.standard_normal((N, 30))
    return J, ExactSpectrum(torch.from_numpy(J @ J.T)), rng


def iterated(J, y, f0, step, steps, A=None):
    """Outputs f_0 + J c_t of descent on ||A (f_0 + J c) - y||^2/2, one step at a time."""
    A = np.eye(len(f0)) if A is None else A
    c, outputs = np.zeros(J.shape[1]), []
    for _ in range(steps + 1):
        outputs.append(f0 + J @ c)
        c = c - step * (A @ J).T @ (A @ outputs[-1] - y)
    return np.array(outputs)


def test_predicted_misfits_are_those_of_the_linear_iteration():
    J, spectrum, rng = wide()
    y, f0 = rng.standard_normal((2, N))
    step = 1 / spectrum.largest.value
    slow = np.linalg.norm(iterated(J, y, f0, step, 60) - y, axis=1)
    misfits = predictions.misfits(spectrum.measure(f0 - y), step, np.arange(61))
    # Eigenvalues are good to n eps of the largest, and sixty steps multiply that.
    np.testing.assert_allclose(misfits, slow, rtol=1e-10)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_the_fit_time_is_the_first_step_of_the_iteration(share):
    J, spectrum, rng = wide(1)
    y = rng.standard_normal(N)
    step = 1 / spectrum.largest.value
    slow = np.linalg.norm(iterated(J, y, np.zeros(N), step, 20000) - y, axis=1)
    reached = np.flatnonzero(slow <= share * slow[0])
    assert predictions.fit_time(spectrum.measure(y), step, share) == reached[0]


def test_what_lies_outside_the_range_is_never_fitted():
    never = Measure(np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    assert predictions.fit_time(never, 1.0, 0.5) == np.inf
    assert predictions.fit_time(never, 1.0, 0.8) == 1
    with pytest.raises(ValueError, match="share must lie strictly between 0 and 1"):
        predictions.fit_time(never, 1.0, 1.0)


def test_the_denoising_risk_is_the_mean_over_noise():
    J, spectrum, rng = wide(2)
    x, f0, sigma = rng.standard_normal(N), np.zeros(N), 0.5
    step, steps = 1 / spectrum.largest.value, 30
    runs = [iterated(J, x + sigma * rng.standard_normal(N), f0, step, steps) for _ in range(2000)]
    errors = np.array([np.mean((run - x) ** 2, axis=1) for run in runs])
    forecast = predictions.denoising(spectrum.measure(f0 - x), spectrum.density(), step, sigma, longest=steps)
    places = forecast.times.astype(int)
    spread = errors[:, places].std(axis=0) / np.sqrt(len(runs))
    assert (np.abs(forecast.risks - errors[:, places].mean(axis=0)) <= 5 * spread).all()
    assert forecast.noisy == sigma**2
    assert forecast.risk == forecast.risks.min()
    assert forecast.stop == forecast.times[forecast.risks.argmin()]


def test_noise_without_a_picture_is_best_left_alone():
    _, spectrum, _ = wide(3)
    nothing = Measure(spectrum.density().nodes, np.zeros(N))
    forecast = predictions.denoising(nothing, spectrum.density(), 1 / spectrum.largest.value, 1.0)
    assert forecast.stop == 1
    assert forecast.risk < forecast.noisy


def test_the_interpolant_is_where_the_linear_iteration_goes():
    J, spectrum, rng = wide(4)
    A, x, f0 = rng.standard_normal((3, N)), rng.standard_normal(N), 0.1 * rng.standard_normal(N)
    step = 1 / (spectrum.largest.value * np.linalg.norm(A, 2) ** 2)
    slow = iterated(J, A @ x, f0, step, 25, A)
    interpolant = predictions.interpolant(spectrum, row_map(A), A @ x, f0, step, 25)
    np.testing.assert_allclose(interpolant.then, slow[-1], rtol=1e-9, atol=1e-9)
    c = np.linalg.lstsq(A @ J, A @ (x - f0), rcond=None)[0]
    np.testing.assert_allclose(interpolant.end, f0 + J @ c, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(A @ interpolant.end, A @ x, atol=1e-9)


def test_the_interpolant_is_the_smoothest_one():
    _, spectrum, rng = wide(5)
    A, x = rng.standard_normal((3, N)), rng.standard_normal(N)
    end = predictions.interpolant(spectrum, row_map(A), A @ x, np.zeros(N), 1e-3, 1).end
    values, vectors = spectrum.leading(N)
    roughness = lambda f: np.sum((vectors.T @ f) ** 2 / values)  # noqa: E731
    null = np.linalg.svd(A)[2][3:]
    assert all(roughness(end) <= roughness(end + 0.1 * way) for way in np.concatenate([null, -null]))


class Unknown(ExactSpectrum):
    """A spectrum of which only products are to be used."""

    exact = False


def test_products_alone_give_the_same_interpolant():
    J, whole, rng = wide(6)
    A, x, f0 = row_map(rng.standard_normal((5, N))), rng.standard_normal(N), np.zeros(N)
    y, step = A.forward(x[None])[0], 1e-3
    wanted = predictions.interpolant(whole, A, y, f0, step, 40)
    interpolant = predictions.interpolant(Unknown(torch.from_numpy(J @ J.T)), A, y, f0, step, 40)
    # Five steps make the Krylov space whole.
    np.testing.assert_allclose(interpolant.then, wanted.then, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(interpolant.end, wanted.end, rtol=1e-6, atol=1e-6)


def test_the_image_of_least_norm_is_the_pseudo_inverse():
    _, _, rng = wide(7)
    A, x = rng.standard_normal((5, N)), rng.standard_normal(N)
    image = predictions.least_norm(row_map(A), A @ x)
    np.testing.assert_allclose(image, np.linalg.pinv(A) @ A @ x, atol=1e-8)
