"""Net-GD and Net-PGD against the loops of the paper, written out for one image."""

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from untrained.sims.networks.generators import architecture, pixelwise
from untrained.sims.networks.loading import as_network
from untrained.sims.operators import as_operator, make_operator
from untrained.sims.operators.row_subset import RowSubset
from untrained.sims.random.streams import stream
from untrained.sims.recovery import conv_decoder, net_gd, net_pgd
from untrained.sims.recovery.error_bar import error_bar
from untrained.sims.recovery.net_fit import FittedRows, Measured, centred_blob, spectral_estimate
from untrained.sims.recovery.net_settings import NetGDSettings, NetPGDSettings
from untrained.sims.recovery.total_variation import total_variation

SHAPE = (1, 8, 8)
WIDTHS = {"widths": "4,3,2"}


def a_problem(seed=0, m=24, name="gaussian", **options):
    image = torch.from_numpy(stream(seed, "image").uniform(-1, 1, SHAPE).astype(np.float32))
    operator = make_operator(name, SHAPE, m, seed=seed, **options)
    return operator, operator.forward(image), image


def gd(**changes):
    return NetGDSettings(**{"steps": 12, "network_options": WIDTHS, "witnesses": 0, **changes})


def pgd(**changes):
    return NetPGDSettings(**{"steps": 6, "inner_steps": 4, "network_options": WIDTHS, "witnesses": 0, **changes})


def normalised(x, weight, bias):
    mean, variance = x.mean((-2, -1), keepdim=True), x.var((-2, -1), correction=0, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * weight[:, None, None] + bias[:, None, None]


def in_the_codes_order(module, z):
    """Convolution, ReLU, norm, doubling; the last convolution comes after the last doubling, then a sigmoid."""
    x, last = z, None
    for layer in module:
        if isinstance(layer, nn.Conv2d):
            last = layer.weight[:, :, 0, 0]
            x = x if last.shape[0] == 1 and layer is module[-3] else torch.einsum("oi,bihw->bohw", last, x)
        elif isinstance(layer, nn.ReLU):
            x = x.clamp_min(0)
        elif isinstance(layer, nn.BatchNorm2d):
            x = normalised(x, layer.weight, layer.bias)
        elif isinstance(layer, nn.Upsample):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return 1 / (1 + torch.exp(-torch.einsum("oi,bihw->bohw", last, x)))


def started(seed, restart=0, widths=None):
    return pixelwise(SHAPE, **(widths or WIDTHS)).start(seed, restart, "torch-today")


def test_the_decoder_is_the_codes_in_the_codes_order_on_the_other_scale():
    module, z = pixelwise((1, 28, 28)).start(3, 0, "torch-today")
    for layer in module:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.bias, -1, 1, generator=torch.Generator().manual_seed(0))
    expected = in_the_codes_order(module, z)
    assert torch.allclose((module(z) + 1) / 2, expected, atol=1e-6)
    assert expected.shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("shape", "widths", "convolutions", "latent"),
    [
        ((1, 28, 28), None, 15 * 15 + 15 * 10 + 10, (15, 7, 7)),
        ((1, 28, 28), "25,15,10", 535, (25, 7, 7)),
        ((3, 64, 64), None, 120 * 15 + 15 * 15 + 15 * 10 + 30, (120, 8, 8)),
        ((3, 64, 64), "120,25,15,10", 120 * 25 + 25 * 15 + 150 + 30, (120, 8, 8)),
    ],
)
def test_decoders_have_the_papers_weights(shape, widths, convolutions, latent):
    chosen = pixelwise(shape, widths=widths)
    norms = 2 * sum(layer.num_features for layer in chosen.build() if isinstance(layer, nn.BatchNorm2d))
    assert chosen.size.weights - norms == convolutions
    assert chosen.latent.shape == latent


def test_widths_can_stand_in_a_reference():
    assert as_network("pixelwise@28x28,widths=25-15-10").size.weights == 535 + 2 * 25


@pytest.mark.parametrize("widths", [(25, 15, 10), [25, 15, 10]])
def test_widths_may_be_numbers(widths):
    assert pixelwise((1, 28, 28), widths=widths).size.weights == 535 + 2 * 25


@pytest.mark.parametrize(
    ("shape", "widths", "message"),
    [
        ((1, 26, 28), None, "image must have sides that 4 divides, for 2 doublings of widths 15,15,10, got 26x28"),
        ((1, 28, 28), "15", "widths must be at least two whole numbers above 0, such as 15,15,10, got '15'"),
        ((1, 28, 28), (15, 2.5), "widths must be at least two whole numbers above 0, such as 15,15,10, got (15, 2.5)"),
        ((1, 28, 28), "15,0", "widths must be at least two whole numbers above 0, such as 15,15,10, got '15,0'"),
        ((1, 28, 28), "a,b", "widths must be at least two whole numbers above 0, such as 15,15,10, got 'a,b'"),
    ],
)
def test_a_decoder_that_cannot_be_is_refused(shape, widths, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        architecture("pixelwise", shape, **({} if widths is None else {"widths": widths}))


def unit(module, z):
    return (module(z)[0] + 1) / 2


def matrix_of(operator):
    return operator.forward(torch.eye(operator.n).reshape(-1, *operator.shape)).T


def optimiser_by_name(settings, weights):
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, settings.learning_rate)
    return torch.optim.SGD(weights, settings.learning_rate, settings.momentum)


def net_gd_by_the_letter(operator, y, settings, seed, restart=0, rows=slice(None)):
    """Every iterate on [0, 1], by torch's own optimiser and autograd."""
    A = matrix_of(operator)
    u_y = (y + A.sum(1)) / 2
    module, z = started(seed, restart)
    optimiser, iterates = optimiser_by_name(settings, list(module.parameters())), []
    for step in range(1, settings.steps + 1):
        optimiser.param_groups[0]["lr"] = settings.rate(step)
        optimiser.zero_grad()
        u = unit(module, z)
        loss = ((A @ u.flatten() - u_y)[rows].square().sum() + settings.tv_weight * total_variation(u)) / operator.m
        loss.backward()
        iterates.append(u.detach())
        optimiser.step()
    return iterates


@pytest.mark.parametrize(
    "changes",
    [{}, {"tv_weight": 0.1}, {"optimiser": "adam", "learning_rate": 0.05, "decay": True, "warm_up": 3}],
    ids=str,
)
def test_net_gd_is_the_loop_of_the_paper(changes):
    operator, y, _ = a_problem()
    settings = gd(**changes)
    recovery = net_gd.recover(operator, y, settings, seed=3)
    expected = net_gd_by_the_letter(operator, y, settings, 3)[-1]
    assert torch.allclose((recovery.image + 1) / 2, expected, atol=2e-5)
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-4)
    assert (recovery.outcome, recovery.steps, recovery.method) == ("steps ended", 12, "net-gd")


def net_pgd_by_the_letter(operator, y, settings, seed):
    """Algorithm 1 with momentum in the gradient step; a projection is so many steps from the weights at hand."""
    A = matrix_of(operator)
    u_y = (y + A.sum(1)) / 2
    module, z = started(seed)
    optimiser = optimiser_by_name(settings, list(module.parameters()))
    eta = 20 / operator.m if settings.eta is None else settings.eta
    u, velocity = unit(module, z).detach().flatten(), torch.zeros(operator.n)
    for step in range(1, settings.steps + 1):
        velocity = settings.outer_momentum * velocity - eta * A.T @ (A @ u - u_y)
        v = u + velocity
        optimiser.param_groups[0]["lr"] = settings.rate(step)
        for _ in range(settings.inner_steps):
            optimiser.zero_grad()
            now = unit(module, z)
            tv = eta * settings.tv_weight * total_variation(now)
            (((now.flatten() - v) ** 2).sum() + tv).div(operator.n).backward()
            optimiser.step()
        u = unit(module, z).detach().flatten()
    return u.reshape(operator.shape)


@pytest.mark.parametrize("changes", [{}, {"eta": 0.1, "outer_momentum": 0.0, "tv_weight": 0.1}], ids=str)
def test_net_pgd_is_algorithm_1(changes):
    operator, y, _ = a_problem()
    settings = pgd(**changes)
    recovery = net_pgd.recover(operator, y, settings, seed=2)
    assert torch.allclose((recovery.image + 1) / 2, net_pgd_by_the_letter(operator, y, settings, 2), atol=5e-5)


def test_the_published_length_of_a_gradient_step_is_ten_on_the_mean_of_squares():
    u, y, m = torch.randn(5, generator=torch.Generator().manual_seed(0)), torch.ones(3), 3
    A = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    u.requires_grad_(True)
    F.mse_loss(A @ u, y).backward()
    assert torch.allclose(10 * u.grad, NetPGDSettings().length(m) * A.T @ (A @ u.detach() - y), atol=1e-4)


def test_projections_say_how_exactly_they_were_solved():
    operator, y, _ = a_problem()
    loose = net_pgd.recover(operator, y, pgd(inner_steps=50, tolerance=0.02), seed=2).certificate
    never = net_pgd.recover(operator, y, pgd(), seed=2).certificate
    assert loose["projections_solved"] == 1.0
    assert 1 < loose["inner_steps"] < 50
    assert abs(loose["projection_last_decrease"]) <= 0.02
    assert (never["projections_solved"], never["inner_steps"]) == (0.0, 4.0)


@pytest.mark.parametrize("module", [net_gd, net_pgd], ids=["net-gd", "net-pgd"])
@pytest.mark.parametrize("name", ["gaussian", "dct"])
def test_images_side_by_side_give_what_each_gives_alone(module, name):
    problems = [a_problem(seed, name=name) for seed in range(3)]
    settings = (gd if module is net_gd else pgd)(restarts=2, combine="mean")
    together = module.recover_batch(
        [p[0] for p in problems], torch.stack([p[1] for p in problems]), settings, seeds=[5, 6, 7]
    )
    for (operator, y, _), one, seed in zip(problems, together, (5, 6, 7), strict=True):
        alone = module.recover(operator, y, settings, seed=seed)
        assert torch.allclose(one.image, alone.image, atol=2e-4)


def test_restarts_are_joined_as_the_settings_say():
    operator, y, _ = a_problem()
    singles = [2 * net_gd_by_the_letter(operator, y, gd(), 4, r)[-1] - 1 for r in range(3)]
    losses = torch.tensor([float((operator.forward(x) - y).square().sum()) / 4 for x in singles])
    images = {how: net_gd.recover(operator, y, gd(restarts=3, combine=how), seed=4).image for how in ("best", "mean")}
    images["weighted"] = net_gd.recover(operator, y, gd(restarts=3, combine="weighted"), seed=4).image
    weights = torch.softmax(-losses / (0.1 * losses.min() + 0.01), 0)
    assert torch.allclose(images["best"], singles[int(losses.argmin())], atol=1e-4)
    assert torch.allclose(images["mean"], torch.stack(singles).mean(0), atol=1e-4)
    assert torch.allclose(images["weighted"], sum(w * x for w, x in zip(weights, singles, strict=True)), atol=1e-3)


def test_an_average_of_iterates_is_what_its_decay_says():
    operator, y, _ = a_problem()
    iterates = net_gd_by_the_letter(operator, y, gd(), 3)
    weights = [0.8 ** (len(iterates) - 1 - k) for k in range(len(iterates))]
    expected = sum(w * u for w, u in zip(weights, iterates, strict=True)) / sum(weights)
    recovery = net_gd.recover(operator, y, gd(average=0.8), seed=3)
    assert torch.allclose((recovery.image + 1) / 2, expected, atol=2e-5)


def test_witnesses_bound_the_error_and_leave_the_image_as_it_is():
    operator, y, _ = a_problem()
    without = net_gd.recover(operator, y, gd(), seed=3)
    bounded = net_gd.recover(operator, y, gd(witnesses=1, held_out=0.25), seed=3)
    assert torch.allclose(without.image, bounded.image, atol=1e-5)
    unseen = torch.from_numpy(stream(3, "held out").permutation(24))[:6]
    rows = torch.ones(24, dtype=torch.bool)
    rows[unseen] = False
    witness = 2 * net_gd_by_the_letter(operator, y, gd(), 3, restart=1, rows=rows)[-1] - 1
    bar = error_bar((operator.forward(witness) - y)[unseen], 24, 64)
    assert bounded.certificate["error"] == pytest.approx(bar.estimate, rel=1e-3)
    assert bounded.certificate["error_high"] >= bar.high * 0.999
    assert "error" not in without.certificate


def test_with_the_rule_held_out_one_half_chooses_and_the_other_bounds():
    operator, y, _ = a_problem()
    recovery = net_gd.recover(operator, y, gd(stopping="held-out", held_out=0.25, restarts=2), seed=3)
    order = torch.from_numpy(stream(3, "held out").permutation(24))
    bar = error_bar((operator.forward(recovery.image) - y)[order[3:6]], 24, 64)
    assert recovery.certificate["error_high"] == pytest.approx(bar.high, rel=1e-3)


def test_other_operators_have_no_error_bar():
    operator, y, _ = a_problem(name="dct")
    assert "error" not in net_gd.recover(operator, y, gd(witnesses=1), seed=0).certificate


def test_rows_that_are_held_out_are_apart():
    rows = FittedRows(20, 0.3, [1, 1, 2], [False, True, True], split=False)
    assert rows.fitted.sum(1).tolist() == [20, 14, 14]
    assert torch.equal(rows.bounding, ~rows.fitted)
    halves = FittedRows(20, 0.3, [1], [True], split=True)
    assert (halves.choosing.sum(), halves.bounding.sum()) == (3, 3)
    assert not (halves.choosing & halves.bounding).any()


def test_measurements_are_those_of_images_on_0_to_1():
    operator, y, image = a_problem()
    data = Measured([operator], y[None], 2)
    u = ((image + 1) / 2).expand(2, -1, -1, -1)
    assert data.residuals(u).abs().max() < 1e-5
    r = torch.randn(2, 24, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(data.adjoint(r).flatten(1), r @ matrix_of(operator), atol=1e-5)


def test_blobs_have_the_energy_that_was_measured():
    energy = torch.tensor([3.0, 6.0])
    blobs = centred_blob((1, 28, 28), energy)
    assert torch.allclose(blobs.square().sum((1, 2, 3)), energy, rtol=0.05)
    assert torch.allclose(blobs, blobs.flip(-1).flip(-2), atol=1e-6)


def test_a_spectral_estimate_is_the_leading_eigenvector_and_points_to_the_image_once_much_is_measured():
    operator, y, image = a_problem(m=1000, name="magnitude")
    u = ((image + 1) / 2).flatten()
    estimate = spectral_estimate(Measured([operator], y[None], 1), [0])[0].flatten()
    rows = operator.matrix[y >= y.quantile(2 / 3)]
    leading = torch.linalg.eigh(rows.T @ rows).eigenvectors[:, -1]
    assert abs(float(estimate @ leading)) == pytest.approx(float(y.norm()), rel=1e-3)
    assert float(estimate @ u / (estimate.norm() * u.norm())) > 0.8


def test_an_image_of_zeros_is_no_bad_input():
    operator, _, _ = a_problem()
    black = operator.forward(-torch.ones(SHAPE))
    recovery = net_gd.recover(operator, black, gd(steps=300, optimiser="adam", learning_rate=0.05), seed=0)
    assert float((recovery.image + 1).square().mean()) < 0.05


def test_less_tv_where_more_is_measured():
    weights = [net_gd.preset("best", make_operator("gaussian", (1, 28, 28), m)).tv_weight for m in (40, 78, 157, 784)]
    assert weights[0] == 0.03
    assert weights[1:] == pytest.approx([0.03 * min(1, 78.4 / m) ** 1.5 for m in (78, 157, 784)])
    with pytest.raises(ValueError, match="preset must be one of paper, best, got 'fast'"):
        net_gd.preset("fast", make_operator("gaussian", SHAPE, 9))


REFUSED = {
    "optimiser": ({"optimiser": "lbfgs"}, "optimiser must be one of sgd, adam, got 'lbfgs'"),
    "start": ({"start": "warm"}, "start must be one of random, centred, spectral, got 'warm'"),
    "steps": ({"steps": 0}, "steps must be at least 1, got 0"),
    "rate": ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
    "held out": ({"held_out": 1.0}, "held_out must be above 0 and below 1, got 1.0"),
    "network": ({"network": "unet"}, "network must be one of"),
    "momentum": ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_cannot_be_are_refused(case):
    changes, message = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        gd(**changes)
    with pytest.raises(ValueError, match="eta must be above 0, got 0"):
        pgd(eta=0.0)


def test_measurements_that_do_not_fit_are_refused():
    operator, y, _ = a_problem()
    with pytest.raises(ValueError, match="y must have the operator's 24 entries"):
        net_gd.recover(operator, y[:-1], gd())
    with pytest.raises(ValueError, match="y must be finite"):
        net_gd.recover(operator, y * torch.nan, gd())
    with pytest.raises(ValueError, match="ys and seeds must be one per operator"):
        net_gd.recover_batch([operator], y[None], gd(), seeds=[1, 2])
    magnitude, z, _ = a_problem(name="magnitude")
    with pytest.raises(ValueError, match="operator must be linear for this method, got magnitude: see net-pgd-phase"):
        net_pgd.recover(magnitude, z, pgd())
    with pytest.raises(ValueError, match="image must have sides that 4 divides"):
        net_gd.recover(make_operator("gaussian", (1, 9, 9), 5), y[:5], gd())


def test_what_was_reached_before_an_interruption_is_returned():
    operator, y, _ = a_problem()

    def stop(step, steps, loss):
        if step == 10:
            raise KeyboardInterrupt

    recovery = net_gd.recover(operator, y, gd(steps=100), seed=1, watch=stop)
    assert (recovery.outcome, recovery.steps) == ("interrupted", 10)


def test_settings_are_reported_whole():
    operator, y, _ = a_problem()
    settings = pgd()
    assert net_pgd.recover(operator, y, settings).settings == dataclasses.asdict(settings)


def test_the_estimate_is_what_comes_before_and_so_many_steps(monkeypatch):
    """By a clock of ours: 3 s before the first step has ended, and 0.2 s a step; four of them are time enough."""
    now, tried = [0.0], []
    monkeypatch.setattr(net_gd.time, "perf_counter", lambda: now[0])

    def recover(operator, y, settings, *, seed, watch):
        tried.append((settings.steps, settings.stopping, seed))
        for step in range(1, settings.steps + 1):
            now[0] += 0.2 if step > 1 else 3.0
            if step in (1, settings.steps):
                watch(step, settings.steps, 0.0)
        return SimpleNamespace(outcome=outcomes[-1])

    outcomes = ["steps ended"]
    operator = make_operator("gaussian", (1, 8, 8), 20)
    settings = NetGDSettings(network_options={"widths": "4,3"}, steps=100, stopping="held-out")
    said = net_gd.descent_estimate(recover, operator, torch.zeros(20), settings, seed=4)
    assert said.seconds == pytest.approx(3.0 + 100 * 0.2)
    assert (said.at_most, tried) == (True, [(5, "fixed", 4)])
    assert said.memory > operator.memory
    outcomes.append("interrupted")
    with pytest.raises(KeyboardInterrupt):
        net_gd.descent_estimate(recover, operator, torch.zeros(20), settings, seed=4)


class Products:
    """A matrix as an object of a user's."""

    def __init__(self, matrix):
        self.matrix = matrix

    def forward(self, x):
        return self.matrix @ x.reshape(-1)

    def adjoint(self, y):
        return (self.matrix.T @ y).reshape(SHAPE)


MATRIX = stream(3, "own").standard_normal((30, 64)) / 3
FITS = {
    "net-gd": lambda **changes: net_gd.recover(settings=gd(optimiser="adam", tv_weight=0.1), **changes),
    "two": lambda **changes: net_gd.recover(
        settings=gd(restarts=2, combine="weighted", stopping="held-out"), **changes
    ),
    "net-pgd": lambda **changes: net_pgd.recover(settings=pgd(eta=0.2, tv_weight=0.05), **changes),
    "conv-decoder": lambda **changes: conv_decoder.recover(
        settings=conv_decoder.ConvDecoderSettings(network_options={"channels": 4}, steps=6), **changes
    ),
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("make", [lambda A: A, Products], ids=["matrix", "object"])
def test_a_fit_has_no_units_of_ones_own_operator(fit, make):
    x = torch.from_numpy(stream(1, "image").uniform(-1, 1, SHAPE).astype(np.float32))

    def recovered(scale):
        operator = as_operator(make((MATRIX * scale).astype(np.float32)), SHAPE)
        return FITS[fit](operator=operator, y=operator.forward(x), seed=2)

    one = recovered(1.0)
    assert one.misfit > 0
    # Powers of two leave every rounding as it is; other factors change roundings, which few steps of descent enlarge.
    for scale, error in ((2.0**-10, 0), (2.0**10, 0), (1e-3, 1e-3), (1e3, 1e-3)):
        other = recovered(scale)
        torch.testing.assert_close(other.image, one.image, rtol=0, atol=error)
        assert other.misfit == pytest.approx(one.misfit * scale**2, rel=max(error, 1e-6))
        misfits = np.array(other.trace["misfit"]) / scale**2
        np.testing.assert_allclose(misfits, one.trace["misfit"], rtol=max(error, 1e-6))


def test_a_fit_stops_by_the_noise_level_in_the_users_units():
    x = torch.from_numpy(stream(1, "image").uniform(-1, 1, SHAPE).astype(np.float32))

    def recovered(scale, **changes):
        operator = as_operator((MATRIX * scale).astype(np.float32), SHAPE)
        return net_gd.recover(operator, operator.forward(x), gd(steps=40, **changes))

    first, *_, last = recovered(1.0).trace["misfit"]
    level = ((first + last) / 2) ** 0.5
    one, other = (recovered(scale, stopping="discrepancy", noise=level * scale) for scale in (1.0, 2.0**-10))
    assert one.outcome == "stopped early"
    assert 1 < one.steps < 40
    assert one.misfit <= level**2
    assert (other.outcome, other.steps) == (one.outcome, one.steps)


def test_held_out_rows_of_ones_own_operator_have_its_units():
    x = torch.full((1, *SHAPE), 0.3)
    for name, unit in (("user", float(np.sqrt((MATRIX**2).sum() / 64))), ("superres", 1.0)):
        whole = as_operator(MATRIX, SHAPE) if name == "user" else make_operator("superres", SHAPE, factor=2)
        part = RowSubset(whole, torch.tensor([1, 4, 5]))
        expected = whole.forward(x)[..., [1, 4, 5]] / unit
        torch.testing.assert_close(Measured([part], torch.zeros(1, 3), 1).product(x)[0], expected)


def test_a_step_is_as_long_as_what_is_seen_of_brightness_allows():
    pairs = np.kron(np.eye(4), np.ones((1, 2)))
    means = 7 * np.kron(pairs, pairs) / 4

    def steepness(operator):
        return Measured([operator], torch.zeros(1, operator.m), 2).steepness()

    # A 1 is 7 at 16 places, ||1||^2 is 64, and 16 rows of squared length 49/4 make a gain of 49/16.
    torch.testing.assert_close(steepness(as_operator(means, SHAPE)), torch.full((2, 1, 1, 1), 4.0))
    blind = MATRIX - MATRIX.mean(1, keepdims=True)
    torch.testing.assert_close(steepness(as_operator(blind, SHAPE)), torch.ones(2, 1, 1, 1))
    assert steepness(make_operator("superres", SHAPE, factor=2)) == 1.0
