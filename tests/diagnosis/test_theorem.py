import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from tests.ntk.networks import make_network
from untrained.sims.diagnosis.initialisation import guarantee
from untrained.sims.diagnosis.two_layer import recognise
from untrained.sims.ntk.spectrum import Bounds, ExactSpectrum, spectrum
from untrained.sims.random.streams import stream
from untrained.theory.objects.descent import SHARP_PATH, SHARP_RATE, contraction, follow_gradient, radius_needed
from untrained.theory.objects.relu_generator import gradient, jacobian, residual


class TwoLayers(nn.Module):
    def __init__(self, V, W):
        super().__init__()
        self.W = nn.Parameter(torch.from_numpy(W))
        self.register_buffer("V", torch.from_numpy(V))

    def forward(self, z):
        return self.V @ torch.relu(self.W @ z)


def drawn(n, d, k=5, seed=0):
    rng = stream(seed, "theorem")
    V, W, z = rng.standard_normal((n, d)), rng.standard_normal((d, k)), rng.standard_normal(k)
    return V / math.sqrt(n * d) / np.linalg.norm(z), W, z, rng.standard_normal(n)


@pytest.mark.parametrize(("n", "d"), [(3, 60), (16, 200), (40, 400)])
def test_the_two_layer_generator_gets_the_constants_of_its_closed_forms(n, d):
    V, W, z, y = drawn(n, d)
    examined = make_network("two layers", TwoLayers(V, W), torch.from_numpy(z))
    known = recognise(examined)
    misfit = float(np.linalg.norm(residual(V, W, z, y)))
    got = guarantee(spectrum(examined), misfit, known.beta)
    sigma = np.linalg.norm(z) * np.linalg.svd(V[:, W @ z > 0], compute_uv=False)[-1]
    beta = np.linalg.norm(z) * np.linalg.norm(V, 2)
    wanted = {"alpha": sigma / 2, "radius": 10 * misfit / sigma, "beta": beta, "step": beta**-2, "budget": sigma / 6}
    for name, value in wanted.items():
        assert getattr(got, name) == pytest.approx(value, rel=1e-10), name
    assert known.sigma_min == pytest.approx(sigma, rel=1e-10)
    assert known.radius(misfit) == pytest.approx(got.radius, rel=1e-10)
    assert got.holds


def test_a_descent_that_meets_the_conditions_keeps_the_promise():
    V, W, z, y = drawn(3, 4000)
    r0 = float(np.linalg.norm(residual(V, W, z, y)))
    K = jacobian(V, W, z) @ jacobian(V, W, z).T
    got = guarantee(ExactSpectrum(torch.from_numpy(K)), r0, float(np.linalg.norm(V, 2) * np.linalg.norm(z)))
    misfits, moved = [r0], W
    for _ in range(50):
        moved = moved - got.step * gradient(V, moved, z, y)
        misfits.append(float(np.linalg.norm(residual(V, moved, z, y))))
    sharp = contraction(got.step, got.alpha, rate=SHARP_RATE)
    assert np.linalg.norm(moved - W) <= radius_needed(got.alpha, r0, path=SHARP_PATH) <= got.radius
    assert all(m <= r0 * sharp**t * (1 + 1e-12) for t, m in enumerate(misfits))
    assert got.factor() > sharp


def test_a_linear_map_has_the_promise_of_its_own_singular_values():
    J = np.diag([3.0, 2.0])
    got = guarantee(ExactSpectrum(torch.from_numpy(J @ J.T)), 5.0)
    assert (got.alpha, got.beta) == pytest.approx((1.0, 3.0))
    assert got.radius == pytest.approx(25.0)
    assert got.factor() == pytest.approx(1 - 1 / 36)
    path = follow_gradient(lambda theta: (J @ theta - np.array([3.0, 4.0]), J), np.zeros(2), got.step, 100)
    assert path.misfits[100] <= 5.0 * got.factor() ** 100
    assert got.decrement() == pytest.approx(1 / 36)


def test_a_singular_value_that_may_be_rounding_promises_nothing():
    K = torch.diag(torch.tensor([1.0, 1e-17, 1.0], dtype=torch.float64))
    got = guarantee(ExactSpectrum(K), 1.0)
    assert not got.holds
    assert (got.alpha, got.radius, got.factor(), got.decrement()) == (0.0, math.inf, 1.0, 0.0)


@dataclass
class Loose:
    smallest: Bounds
    largest: Bounds = field(default_factory=lambda: Bounds(3.9, 4.0, 4.2))
    floor: float = 1e-12


def test_error_bars_that_reach_zero_leave_a1_open():
    got = guarantee(Loose(Bounds(0.0, 0.25, 0.3)), 1.0)
    assert got.alpha == 0.25
    assert not got.holds
    assert guarantee(Loose(Bounds(0.09, 0.25, 0.3)), 1.0).alpha_low == pytest.approx(0.15)


def test_a_promise_far_below_rounding_is_still_a_number():
    got = guarantee(Loose(Bounds(1e-10, 1e-10, 1e-10)), 1.0, 1e9)
    assert got.factor() == 1.0
    assert got.decrement() == pytest.approx(1e-10 / 4 / 4 / 1e18, rel=1e-12)


@pytest.mark.parametrize(
    ("misfit", "beta", "message"), [(-1.0, None, "misfit"), (1.0, 1.0, "beta"), (1.0, math.nan, "beta")]
)
def test_numbers_out_of_range_are_refused(misfit, beta, message):
    with pytest.raises(ValueError, match=f"^{message} must"):
        guarantee(Loose(Bounds(0.09, 0.25, 0.3)), misfit, beta)
