import math
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnosis.worst_case import passed_at, worst
from tests.ntk.networks import make_network
from untrained.sims.diagnosis.two_layer import TwoLayer, recognise
from untrained.sims.random.streams import stream
from untrained.theory.objects.relu_generator import jacobian

FIRST = "^0.weight$"


def drawn(n=6, d=50, k=4, seed=0):
    rng = stream(seed, "two layers")
    return rng.standard_normal((n, d)) / math.sqrt(n * d), rng.standard_normal((d, k)), rng.standard_normal(k)


def stacked(V, W, *, bias=False, act=None):
    first, last = (nn.Linear(*M.shape[::-1], bias=b, dtype=torch.float64) for M, b in ((W, bias), (V, False)))
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(W))
        last.weight.copy_(torch.from_numpy(V))
    return nn.Sequential(first, act or nn.ReLU(inplace=True), last)


class Functional(nn.Module):
    """The same with V as a buffer, other names, and the rectifier as a function."""

    def __init__(self, V, W):
        super().__init__()
        self.inner = nn.Parameter(torch.from_numpy(W))
        self.register_buffer("outer", torch.from_numpy(V))

    def forward(self, z):
        return {"image": (F.relu(z @ self.inner.T) @ self.outer.T).reshape(2, -1)}


def test_the_papers_generator_is_recognised_however_it_is_written():
    V, W, z = drawn()
    inputs = torch.from_numpy(z)[None]
    for module, options in ((stacked(V, W), {"param_filter": FIRST}), (Functional(V, W), {})):
        layers = recognise(make_network("two layers", module.double(), inputs, **options))
        np.testing.assert_array_equal(layers.W, W)
        np.testing.assert_allclose(layers.V, V, rtol=1e-13, atol=1e-16)  # one product and one quotient by ||z||^2
        np.testing.assert_array_equal(layers.z, z)


@pytest.mark.parametrize(
    ("module", "param_filter"),
    [
        (lambda V, W: stacked(V, W), None),
        (lambda V, W: stacked(V, W), "^2.weight$"),
        (lambda V, W: stacked(V, W, bias=True), FIRST),
        (lambda V, W: stacked(V, W, act=nn.LeakyReLU(1e-6)), FIRST),
        (lambda V, W: stacked(V, W, act=nn.ReLU6()), FIRST),
        (lambda V, W: stacked(V, W, act=nn.SiLU()), FIRST),
        (lambda V, W: nn.Sequential(stacked(V, W), nn.Tanh()), "^0.0.weight$"),
    ],
    ids=["both train", "V trains", "bias", "leaky", "capped", "smooth", "tanh"],
)
def test_what_behaves_otherwise_is_not_recognised(module, param_filter):
    V, W, z = drawn()
    examined = make_network("other", module(V, W).double(), torch.from_numpy(z)[None], param_filter=param_filter)
    assert recognise(examined) is None


def test_sigma_min_and_beta_are_those_of_the_jacobian():
    V, W, z = drawn()
    layers = TwoLayer(V, W, z)
    assert layers.sigma_min == pytest.approx(np.linalg.svd(jacobian(V, W, z), compute_uv=False)[5], rel=1e-12)
    on = np.ones((50, 1)) * z
    assert layers.beta == pytest.approx(np.linalg.norm(jacobian(V, on, z), 2), rel=1e-12)
    assert layers.radius(3.0) == pytest.approx(30 / layers.sigma_min, rel=1e-12)


def test_with_fewer_neurons_on_than_outputs_alpha_is_zero_and_the_radius_infinite():
    V, W, z = drawn(6, 7)
    W[:3] = -np.abs(W[:3]) * np.sign(z)
    layers = TwoLayer(V, W, z)
    assert layers.alpha == pytest.approx(0, abs=1e-16)
    assert TwoLayer(V[:, :4], W[:4], z).radius(1.0) == math.inf


def worst_by_the_letter(V, W, z, radius):
    g = np.abs(W @ z) / np.linalg.norm(z)
    best = 0.0
    for size in range(1, len(g) + 1):
        for chosen in map(list, combinations(range(len(g)), size)):
            if (g[chosen] ** 2).sum() <= radius**2:
                best = max(best, np.linalg.norm(V[:, chosen], 2) * np.linalg.norm(z))
    return best


@pytest.mark.parametrize("radius", [0.0, 0.2, 0.7, 1.5, 2.5, 100.0])
def test_the_worst_case_in_a_ball_is_the_best_affordable_set_of_flips(radius):
    V, W, z = drawn(3, 9)
    bounds = worst(TwoLayer(V, W, z), radius)
    assert bounds.low == bounds.high == pytest.approx(worst_by_the_letter(V, W, z, radius), rel=1e-12)


def test_bounds_on_the_worst_case_of_a_wider_network_hold_what_enumeration_finds(monkeypatch):
    monkeypatch.setattr("tests.diagnosis.worst_case.ENUMERATED", 0)
    for seed in range(5):
        V, W, z = drawn(3, 9, seed=seed)
        for radius in (0.3, 0.8, 1.6):
            bounds, wanted = worst(TwoLayer(V, W, z), radius), worst_by_the_letter(V, W, z, radius)
            assert bounds.low <= wanted * (1 + 1e-12)
            assert wanted <= bounds.high * (1 + 1e-12)


def test_a2_fails_from_the_radius_named_on_and_holds_below_the_other():
    V, W, z = drawn(3, 9)
    known = TwoLayer(V, W, z)
    bound = known.alpha / 3
    holds, fails = passed_at(known, bound)
    assert worst(known, holds).passes(bound) is False
    assert worst(known, fails).passes(bound) is True
    assert fails - holds <= 2e-3 * fails  # exact for so few neurons
    assert passed_at(known, 2 * known.beta) == (math.inf, math.inf)


def test_the_verdict_on_a2_is_open_between_the_bounds():
    V, W, z = drawn(3, 40)
    bounds = worst(TwoLayer(V, W, z), 1.0)
    assert bounds.low < bounds.high
    assert bounds.passes((bounds.low + bounds.high) / 2) is None
