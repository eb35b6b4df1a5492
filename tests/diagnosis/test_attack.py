import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnosis.worst_case import passed_at, worst
from tests.ntk.networks import make_network
from untrained.sims.diagnosis.adversarial import search
from untrained.sims.diagnosis.adversarial.difference import Difference
from untrained.sims.diagnosis.adversarial.perturbations import activations, nearest_flips, sign_flips, smoothed
from untrained.sims.diagnosis.adversarial.search import search_ball
from untrained.sims.diagnosis.two_layer import TwoLayer
from untrained.sims.lanczos import leading_vector
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.initialisation import initialise
from untrained.sims.random.streams import stream


def normal(*shape, seed=0):
    return torch.from_numpy(stream(seed, "attack test").standard_normal(shape))


class TwoLayers(nn.Module):
    def __init__(self, V, W):
        super().__init__()
        self.W = nn.Parameter(W)
        self.register_buffer("V", V)

    def forward(self, z):
        return self.V @ F.relu(self.W @ z)


def two_layers(n, d, k=3, seed=0):
    V, W, z = normal(n, d, seed=seed) / math.sqrt(d), normal(d, k, seed=seed + 100), normal(k, seed=seed + 200)
    return make_network("two layers", TwoLayers(V, W), z), TwoLayer(V.numpy(), W.numpy(), z.numpy())


def dcgan(side=8, width=2):
    chosen = architecture("dcgan", (1, side, side), width=width, latent=4)
    network = chosen.build()
    initialise(network, stream(1, "weights"))
    return make_network("dcgan", network, normal(1, *chosen.latent.shape))


def dense(examined):
    """J (n, count), row by row."""
    y, weights = examined.output(), [examined.parameter(name) for name in examined.weights]
    rows = [torch.autograd.grad(one, weights, retain_graph=True) for one in y]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [0.3, 1.0, 2.0])
def test_at_least_half_of_the_exact_worst_case_is_found_and_never_more(seed, radius):
    examined, known = two_layers(3, 10, seed=seed)
    exact = worst(known, radius)
    outcome = search_ball(examined, radius, bound=100.0)
    assert 0.5 * exact.low <= outcome.change <= exact.high * (1 + 1e-9)
    assert not outcome.refuted
    assert outcome.passed_at is None


@pytest.mark.parametrize("seed", range(4))
def test_a2_is_passed_near_the_least_radius_that_is_possible(seed):
    examined, known = two_layers(3, 12, seed=seed)
    bound = known.beta / 2
    holds, fails = passed_at(known, bound)
    outcome = search_ball(examined, 50.0, bound=bound)
    assert outcome.refuted
    assert holds <= outcome.passed_at <= 2 * fails
    assert outcome.change == pytest.approx(known.beta, rel=0.5)
    assert outcome.largest <= known.beta * (1 + 1e-9)


@pytest.mark.parametrize(("n", "d"), [(8, 64), (16, 200)])
def test_a_single_flip_breaks_a2_for_wide_generators_and_is_found(n, d):
    examined, known = two_layers(n, d)
    bound = known.alpha / 3
    holds, fails = passed_at(known, bound)
    outcome = search_ball(examined, known.radius(1.0), bound=bound, effort=1)
    # Rectifiers are pushed 2 % past zero, or the distance is bisected to 5 %.
    assert holds * (1 - 1e-9) <= outcome.passed_at <= 1.06 * fails
    assert outcome.passed_at < 1e-2 * outcome.radius


def test_a_linear_network_is_never_moved():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Flatten())
    examined = make_network("linear", network, normal(1, 1, 5, 5))
    outcome = search_ball(examined, 1e3, bound=1e-6)
    # Both Jacobians come from the same input, by the same operations: the difference is rounding.
    assert outcome.change <= 1e-13 * outcome.largest
    assert outcome.passed_at is None
    assert not outcome.refuted


def test_what_is_found_is_a_lower_bound_on_the_change_of_the_jacobian():
    examined = dcgan()
    step = 0.1 * normal(examined.count)
    wanted = dense(examined.moved(step)) - dense(examined)
    top = float(torch.linalg.matrix_norm(wanted, 2))
    difference = Difference(examined)
    one, many = (difference.at(step, normal(examined.n), steps) for steps in (1, 30))
    assert one.norm <= many.norm * (1 + 1e-12)
    assert many.norm == pytest.approx(top, rel=1e-6)  # 30 of 64 steps
    assert one.norm == pytest.approx(float((wanted.T @ one.u).norm()), rel=1e-12)


def test_normalised_layers_shrunk_to_zero_blow_the_jacobian_up():
    examined = dcgan()
    outcome = search_ball(examined, 100.0, bound=1.0, effort=1)
    shrunk = [value for name, value in outcome.changes.items() if name.startswith("shrinking")]
    assert max(shrunk) > 10 * outcome.changes["random"]
    assert outcome.refuted
    assert outcome.largest > 10 * float(torch.linalg.matrix_norm(dense(examined), 2))


def test_the_bound_is_really_passed_where_the_attack_says(monkeypatch):
    examined = dcgan()
    alpha = float(torch.linalg.svdvals(dense(examined))[0]) / 20
    trials, steps, at = [], [], search._Search.at

    def noting(self, name, *arguments):
        candidate = at(self, name, *arguments)
        trials.append((name, candidate.distance, candidate.change.norm))
        return candidate

    monkeypatch.setattr(search._Search, "at", noting)
    outcome = search_ball(examined, 30.0, bound=alpha, effort=1, progress=lambda *step: steps.append(step))
    assert [step[0] for step in steps] == list(range(1, len(trials) + 1))
    assert (outcome.passed_by, outcome.passed_at) in [(n, t) for n, t, change in trials if change > alpha]
    assert outcome.passed_at < 30.0
    assert max(t for _, t, _ in trials) <= 30.0 * (1 + 1e-12)
    assert max(change for _, _, change in trials) == outcome.change == max(outcome.changes.values())
    assert set(outcome.further) >= {"random"}


def test_ascent_finds_more_than_random_directions_in_a_smooth_network():
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 6), nn.Tanh()).double()
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            weight.copy_(normal(*weight.shape, seed=number))
    examined = make_network("smooth", network, normal(1, 3))
    without, through = (search_ball(examined, 0.1, bound=100.0, effort=effort) for effort in (0, 4))
    assert through.direction == "ascent"
    assert through.change > 3 * without.change
    # Restarted from 20 random places, with full singular value decompositions, the same ascent finds 0.3197.
    assert through.change > 0.9 * 0.3197


class Steps(torch.autograd.Function):
    """A rectifier whose derivative cannot be differentiated again."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient * (ctx.saved_tensors[0] > 0)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 12), nn.Linear(12, 5)

    def forward(self, z):
        return self.last(Steps.apply(self.first(z)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # of torch's own forward mode
def test_a_network_without_second_derivatives_is_attacked_by_what_it_has():
    examined = make_network("own", Own(), normal(3))
    outcome = search_ball(examined, 10.0, bound=0.01)
    assert outcome.refuted
    whole = float(torch.linalg.matrix_norm(dense(examined), 2))
    assert outcome.change > 0.5 * whole


@pytest.mark.parametrize("name", ["flips nearest to zero", "flips worth most"])
def test_pushed_rectifiers_change_their_sign_at_the_distance_named(name):
    examined, known = two_layers(3, 40)
    push = next(p for p in sign_flips(examined, 1.0, normal(3)) if p.name == name)
    before, after = (
        activations(s).before[0] > 0 for s in (examined, examined.moved(push.distances[0] * push.direction))
    )
    flipped = int((before != after).sum())
    assert flipped > 0
    assert push.distances[0] <= 1.0
    # The cheapest flips of all, less 5 % of their number and 2 % of the distance.
    most = worst(known, 1.0).count
    assert flipped <= most
    if name == "flips nearest to zero":
        assert flipped >= 0.9 * worst(known, 1.0 / 1.02).count - 1


def test_rectifiers_that_start_at_zero_break_a2_at_once():
    network = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 4))
    nn.init.zeros_(network[0].weight)
    nn.init.zeros_(network[0].bias)
    outcome = search_ball(make_network("at zero", network, normal(3)), 1.0, bound=1e-3, effort=1)
    assert outcome.passed_at < 1e-12


def test_first_flips_flip_one_rectifier_each_the_nearest_first():
    examined, known = two_layers(3, 40)
    pushes = list(nearest_flips(examined))
    np.testing.assert_allclose(
        [push.distances[0] / 1.02 for push in pushes], np.sort(np.abs(known.alignment))[:4], rtol=1e-9
    )
    start = activations(examined).before[0] > 0
    for push in pushes:
        short, past = (examined.moved(t * push.distances[0] * push.direction) for t in (0.97, 1))
        assert [int((start != (activations(s).before[0] > 0)).sum()) for s in (short, past)] == [0, 1]


class Ways(nn.Module):
    """Rectifiers written in all ways."""

    def __init__(self):
        super().__init__()
        self.lin, self.act = nn.Linear(4, 4), nn.LeakyReLU(0.3)

    def forward(self, z):
        h = F.relu(self.lin(z))
        h = torch.relu(self.lin(h)) + F.leaky_relu(self.lin(h), 0.1)
        h = self.lin(h).relu_()
        return torch.tanh(self.act(self.lin(h)).clamp_min(0))


def test_rectifiers_are_seen_however_they_are_written():
    examined = make_network("ways", Ways(), normal(1, 4))
    layers = activations(examined)
    assert len(layers.before) == 6
    torch.testing.assert_close(layers.output, examined.output())
    torch.testing.assert_close(smoothed(examined, 1e-9)(), examined.output(), rtol=1e-6, atol=1e-8)
    assert not torch.allclose(smoothed(examined, 0.5)(), examined.output())


def test_a_network_of_smooth_layers_has_no_rectifiers_to_flip():
    examined = make_network("smooth", nn.Sequential(nn.Linear(3, 4), nn.GELU()), normal(1, 3))
    assert activations(examined).before == ()
    assert list(sign_flips(examined, 1.0, normal(4))) == []


def test_ritz_vectors_are_those_of_the_largest_eigenvalue():
    A = normal(20, 20)
    u = leading_vector(lambda x: A @ (A.T @ x), normal(20, seed=5), 20)
    assert float((A.T @ u).norm()) == pytest.approx(float(torch.linalg.matrix_norm(A, 2)), rel=1e-12)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"radius": 0.0}, "radius must be finite and above 0, got 0.0"),
        ({"radius": math.inf}, "radius must be finite and above 0, got inf"),
        ({"bound": math.nan}, "bound must be a finite number >= 0, got nan"),
        ({"paths": {"fit": torch.ones(3)}}, r"path 'fit' must have shape \(30,\), got \(3,\)"),
    ],
)
def test_what_cannot_be_attacked_is_refused(changed, message):
    examined, _ = two_layers(3, 10)
    arguments = {"radius": 1.0, "bound": 1.0, **changed}
    with pytest.raises(ValueError, match=message):
        search_ball(examined, **arguments)


def test_a_given_path_is_tried_and_the_same_seed_finds_the_same():
    examined, known = two_layers(3, 30)
    path = torch.from_numpy(np.outer(-2 * known.alignment, known.z).ravel())
    first, again = (search_ball(examined, 100.0, bound=1e3, effort=1, paths={"descent": path}) for _ in range(2))
    assert first.changes["descent"] == pytest.approx(known.beta, rel=1e-3)
    assert first == again
