import copy
import dataclasses
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from untrained.sims.networks.generators import architecture, dcgan, generator
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.network import Latent
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip, csdip_settings, fitting
from untrained.sims.recovery.combining import plausible_mean
from untrained.sims.recovery.csdip import PRESETS, CSDIPSettings, recover, recover_batch
from untrained.sims.recovery.total_variation import total_variation

SHAPE = (1, 8, 8)
SMALL = {"width": 4, "latent": 6}


def a_problem(seed=0, m=20, name="gaussian"):
    image = torch.from_numpy(stream(seed, "image").uniform(-1, 1, SHAPE).astype(np.float32))
    operator = make_operator(name, SHAPE, m, seed=seed)
    return operator, operator.forward(image), image


def few(**changes):
    return CSDIPSettings(**{"steps": 25, "network_options": SMALL, **changes})


def by_the_letter(operator, y, settings, seed, restart=0, gain=None):
    """One image, one restart, plain autograd and torch's own optimiser: every iterate with its misfit."""
    chosen = architecture("dcgan", operator.shape, **settings.network_options)
    network = chosen.build().train()
    initialise(network, stream(seed, "weights", restart))
    z = chosen.latent.draw(stream(seed, "latent", restart)).float()[None]
    optimiser = torch.optim.RMSprop(network.parameters(), lr=1e-3, momentum=0.9)
    iterates = []
    for step in range(settings.steps):
        optimiser.param_groups[0]["lr"] = 1e-3 * min(1, (step + 1) / (settings.warm_up + 1))
        optimiser.zero_grad()
        x = network(z)[0]
        misfit = (operator.forward(x) - y).square().sum()
        jumps = [x[:, i, j].sub(x[:, i, j - 1]).abs() for i in range(8) for j in range(1, 8)]
        jumps += [x[:, i, j].sub(x[:, i - 1, j]).abs() for i in range(1, 8) for j in range(8)]
        if s := settings.tv_scale:
            jumps = [s * torch.log(1 + d / s) for d in jumps]
        tv = torch.stack(jumps).sum()
        (misfit / (gain or operator.gain) + settings.tv_weight * tv).backward()
        iterates.append((x.detach().clone(), misfit.item()))
        optimiser.step()
    return iterates


@pytest.mark.parametrize(
    "changes",
    [{}, {"warm_up": 12}, {"network_options": {**SMALL, "slope": 0.3}}, {"tv_weight": 0.2, "tv_scale": 0.3}],
    ids=str,
)
def test_a_fit_is_the_loop_of_the_paper(changes):
    operator, y, _ = a_problem()
    settings = few(stopping="fixed", **changes)
    iterates = by_the_letter(operator, y, settings, seed=3)
    recovery = recover(operator, y, settings, seed=3)
    # 25 steps of float32 descent: rounding grows from 1e-7 by the steps' own conditioning, observed below 1e-5
    torch.testing.assert_close(recovery.image, iterates[-1][0], atol=1e-3, rtol=0)
    assert recovery.misfit == pytest.approx(iterates[-1][1], rel=1e-2)
    assert (iterates[0][0] - iterates[-1][0]).abs().max() > 0.1  # the comparison is of something that moved


@pytest.mark.parametrize("changes", [{}, {"optimiser": "adam"}, {"momentum": 0.0, "restarts": 3}], ids=str)
def test_a_step_on_all_weights_as_one_is_a_step_on_each(changes, monkeypatch):
    operator, y, _ = a_problem(6)
    together = recover(operator, y, few(**changes), seed=2)
    monkeypatch.setattr(fitting, "in_one", lambda weights: None)
    each = recover(operator, y, few(**changes), seed=2)
    assert torch.equal(together.image, each.image)


def test_weights_of_several_types_are_stepped_on_each_for_itself():
    weights = [torch.zeros(2, requires_grad=True), torch.zeros(3, dtype=torch.float64, requires_grad=True)]
    assert fitting.in_one(weights) is None
    assert fitting.in_one([]) is None


def test_the_iterate_of_least_misfit_in_the_window_is_returned():
    operator, y, _ = a_problem(1)
    settings = few(stopping="last-window", window=10)
    misfits = [misfit for _, misfit in by_the_letter(operator, y, settings, seed=0)]
    recovery = recover(operator, y, settings, seed=0)
    assert recovery.steps == 16 + int(np.argmin(misfits[15:]))


@pytest.mark.parametrize(
    "changes",
    [{}, {"combine": "mean"}, {"combine": "plausible"}, {"average": 0.9}, {"restarts": 1, "input_noise": 0.1}],
)
def test_the_misfit_in_the_result_is_that_of_the_returned_image(changes):
    operator, y, _ = a_problem(2)
    recovery = recover(operator, y, few(restarts=3) if not changes else few(**{"restarts": 3, **changes}))
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-5)


def test_the_restart_of_least_misfit_is_taken_and_the_mean_is_the_mean():
    operator, y, _ = a_problem(4)
    best = recover(operator, y, few(restarts=3), seed=5)
    assert best.misfit == pytest.approx(min(best.trace["restart_misfits"]), rel=1e-4)
    fixed = few(restarts=3, combine="mean", stopping="fixed")
    mean = recover(operator, y, fixed, seed=5).image
    alone = [by_the_letter(operator, y, fixed, 5, restart)[-1][0] for restart in range(3)]
    torch.testing.assert_close(mean, sum(alone) / 3, atol=1e-3, rtol=0)


def test_plausible_restarts_give_the_mean_that_is_so_weighed(monkeypatch):
    operator, y, _ = a_problem(4)
    settings = few(restarts=3, combine="plausible", stopping="fixed")
    alone = torch.stack([by_the_letter(operator, y, settings, 5, restart)[-1][0] for restart in range(3)])
    expected = plausible_mean(operator, y, alone).float()
    torch.testing.assert_close(recover(operator, y, settings, seed=5).image, expected, atol=2e-3, rtol=0)
    monkeypatch.setattr(csdip, "plausible_mean", lambda operator, y, images: images[1] + y.sum() / operator.m)
    second = alone[1] + y.sum() / operator.m
    torch.testing.assert_close(recover(operator, y, settings, seed=5).image, second.float(), atol=2e-3, rtol=0)


def test_images_in_a_batch_do_not_see_their_neighbours():
    problems = [a_problem(seed) for seed in range(3)]
    settings = few(restarts=2, stopping="fixed")
    together = recover_batch([p[0] for p in problems], torch.stack([p[1] for p in problems]), settings, seeds=[7, 8, 9])
    for (operator, y, _), seed, recovery in zip(problems, (7, 8, 9), together, strict=True):
        torch.testing.assert_close(recovery.image, recover(operator, y, settings, seed=seed).image, atol=1e-3, rtol=0)


def test_groups_on_threads_give_what_one_program_gives(monkeypatch):
    """One copy at a time, on two threads: the same images, and progress over all groups."""
    problems = [a_problem(seed) for seed in range(2)]
    operators, ys = [p[0] for p in problems], torch.stack([p[1] for p in problems])
    settings = few(restarts=2, stopping="fixed")
    together = recover_batch(operators, ys, settings, seeds=[1, 2])
    monkeypatch.setattr(csdip_settings, "CACHE", 1)
    apart = recover_batch(operators, ys, settings, seeds=[1, 2])
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one.image, other.image, atol=1e-3, rtol=0)
        assert one.trace["restart_misfits"] == pytest.approx(other.trace["restart_misfits"], rel=1e-2)


def test_an_interrupt_between_groups_keeps_what_was_begun(monkeypatch):
    operator, y, _ = a_problem()
    monkeypatch.setattr(csdip_settings, "CACHE", 1)

    def interrupt(step, total, loss):
        assert total == 3 * 100_000
        if step > 20:
            raise KeyboardInterrupt

    recovery = recover(operator, y, few(steps=100_000, restarts=3), watch=interrupt)
    assert recovery.outcome == "interrupted"
    assert 1 <= len(recovery.trace["restart_misfits"]) <= 3


def test_an_interrupt_after_the_best_restart_is_told(monkeypatch):
    operator, y, _ = a_problem()
    monkeypatch.setattr(csdip_settings, "CACHE", 1)
    monkeypatch.setattr(csdip, "run_fit", interrupted_from_the_second_on(csdip.run_fit))
    recovery = recover(operator, y, few(restarts=3))
    misfits = recovery.trace["restart_misfits"]
    assert recovery.misfit == pytest.approx(misfits[0], rel=1e-4)
    assert misfits[0] == min(misfits)
    assert recovery.outcome == "interrupted"


def interrupted_from_the_second_on(run_fit):
    """The fit of a group of restarts, which ends at the first step in all groups but the first."""
    begun = iter((few().steps, 1, 1))

    def run(fit, chooser, steps, tell, end):
        steps = next(begun)
        course = run_fit(fit, chooser, steps, tell, end)
        course.interrupted = steps == 1
        return course

    return run


def test_fitted_weights_are_those_of_the_fit():
    operator, y, _ = a_problem()
    weights = csdip.fitted_weights(operator, y, few(stopping="fixed"), seed=3)
    network, z = dcgan(SHAPE, **SMALL).build().train(), dcgan(SHAPE, **SMALL).start(3)[1][0]
    network.load_state_dict(weights, strict=False)
    after = recover(operator, y, few(stopping="fixed", steps=26), seed=3).image
    torch.testing.assert_close(network(z[None])[0].detach(), after, atol=1e-3, rtol=0)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    operator, y, _ = a_problem()
    again = [recover(operator, y, few(), seed=seed).image for seed in (1, 1, 2)]
    assert torch.equal(again[0], again[1])
    assert (again[0] - again[2]).abs().max() > 1e-2


def test_a_longer_fit_has_a_smaller_misfit():
    operator, y, _ = a_problem()
    assert recover(operator, y, few(steps=150)).misfit < 0.5 * recover(operator, y, few(steps=5)).misfit


def test_more_total_variation_gives_a_flatter_image():
    operator, y, _ = a_problem()
    rough, flat = (recover(operator, y, few(steps=60, tv_weight=w)).image for w in (0.0, 10.0))
    assert total_variation(flat) < 0.5 * total_variation(rough)


def test_the_data_term_is_divided_by_the_operators_gain():
    """Orthonormal rows shrink ||A x||^2 to (m/n)||x||^2: undivided, TV would weigh n/m times more."""
    operator, y, _ = a_problem(name="dct", m=16)
    assert operator.gain == pytest.approx(0.25)
    settings = few(stopping="fixed", tv_weight=0.1)
    image = recover(operator, y, settings).image
    torch.testing.assert_close(image, by_the_letter(operator, y, settings, 0)[-1][0], atol=1e-3, rtol=0)
    undivided = by_the_letter(operator, y, settings, 0, gain=1.0)[-1][0]
    assert (image - undivided).abs().max() > 0.01


@pytest.mark.parametrize(("noise", "weight"), [(0.0, 0.1), (0.2, 0.1), (2.0, 0.5 * 2.0 / 2.0)], ids=str)
def test_the_penalty_weighs_no_less_than_the_noise_says(noise, weight):
    """Of 16 orthonormal rows in 64 the pixels of A^T eta / gain^(1/2) have the deviation noise/(16/4)^(1/2)."""
    operator, y, _ = a_problem(name="dct", m=16)
    settings = few(stopping="fixed", tv_weight=0.1, tv_by_noise=0.5, noise=noise)
    assert settings.penalty_weight(operator.m, operator.gain) == pytest.approx(weight)
    by_hand = by_the_letter(operator, y, few(tv_weight=weight), 0)[-1][0]
    torch.testing.assert_close(recover(operator, y, settings).image, by_hand, atol=1e-3, rtol=0)


def test_measurements_that_are_not_finite_end_as_an_outcome():
    operator, y, _ = a_problem()
    y[3] = torch.nan
    recovery = recover(operator, y, few())
    assert recovery.outcome == "diverged at step 1"
    assert recovery.image.isfinite().all()


def test_a_diverging_image_leaves_its_neighbours_alone():
    problems = [a_problem(seed) for seed in range(2)]
    ys = torch.stack([p[1] for p in problems])
    ys[0, 0] = torch.inf
    recoveries = recover_batch([p[0] for p in problems], ys, few(stopping="fixed"), seeds=[0, 1])
    assert recoveries[0].outcome.startswith("diverged")
    alone = recover(problems[1][0], ys[1], few(stopping="fixed"), seed=1)
    torch.testing.assert_close(recoveries[1].image, alone.image, atol=1e-3, rtol=0)


def test_an_interrupt_keeps_the_best_image_so_far():
    operator, y, _ = a_problem()

    def interrupt(step, total, loss):
        if step == 10:
            raise KeyboardInterrupt

    recovery = recover(operator, y, few(), watch=interrupt)
    assert recovery.outcome == "interrupted"
    assert recovery.steps <= 10
    torch.testing.assert_close(
        recovery.image, by_the_letter(operator, y, few(), 0)[recovery.steps - 1][0], atol=1e-3, rtol=0
    )


def test_progress_is_told_at_the_first_every_tenth_and_the_last_step():
    operator, y, _ = a_problem()
    reports = []
    recover(operator, y, few(), watch=lambda *said: reports.append(said))
    assert [step for step, _, _ in reports] == [1, 10, 20, 25]
    assert all(total == 25 for _, total, _ in reports)
    assert reports[-1][2] < reports[0][2]


def test_held_out_measurements_are_not_fitted():
    operator, y, _ = a_problem(m=40)
    settings = few(stopping="held-out", held_out=0.3)
    mask = torch.from_numpy(stream(0, "held out").random(40) >= 0.3)
    other = y.clone()
    other[~mask] += 5.0
    first, second = (recover(operator, target, dataclasses.replace(settings, steps=1)) for target in (y, other))
    assert first.trace["misfit"] == second.trace["misfit"]
    assert 5 < (~mask).sum() < 20


def test_stopping_by_discrepancy_stops_early_and_the_oracle_needs_the_truth():
    operator, y, image = a_problem()
    recovery = recover(operator, y, few(steps=200, stopping="discrepancy", noise=3.0))
    assert recovery.outcome == "stopped early"
    assert recovery.misfit <= 9.0
    with pytest.raises(ValueError, match="oracle needs the true image"):
        recover(operator, y, few(stopping="oracle"))
    best = recover(operator, y, few(stopping="oracle"), truth=image).image
    last = recover(operator, y, few(stopping="fixed")).image
    assert (best - image).square().mean() <= (last - image).square().mean()


class AnyModule(nn.Module):
    """A user's own network: no sequence, a shared weight, one output."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, z):
        hidden = torch.relu(self.first(z))
        return torch.tanh(self.second(hidden) + 0.1 * hidden.mean(1, keepdim=True))


def test_a_users_own_network_is_fitted():
    operator, y, _ = a_problem()
    own = generator("own", SHAPE, AnyModule, Latent((2, 8, 8)))
    recovery = recover(operator, y, few(restarts=2, steps=60), network=own)
    assert recovery.misfit < 0.9 * recovery.trace["misfit"][0]


class Unbatched(nn.Module):
    """Takes (2, 8, 8) and gives (1, 8, 8)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 3, padding=1), nn.Tanh())

    def forward(self, z):
        return self.layers(z) if z.ndim == 3 else 1 / 0


def at_rest():
    """Batch norm that goes by statistics of other inputs."""
    module = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 1, 1), nn.Tanh())
    for _ in range(3):
        module(1 + torch.randn(2, 2, 8, 8))
    return module.eval()


def coordinates():
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 8), indexing="ij")
    return torch.stack([rows, columns], -1).reshape(-1, 2)


OWN = {
    "one program": lambda: (AnyModule(), torch.randn(1, 2, 8, 8)),
    "unbatched": lambda: (Unbatched(), torch.randn(2, 8, 8)),
    "eval mode": lambda: (at_rest(), torch.randn(1, 2, 8, 8)),
    "a row of pixels": lambda: (nn.Sequential(nn.Linear(4, 64), nn.Tanh()), torch.randn(1, 4)),
    "coordinates": lambda: (nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 1)), coordinates()),
    "batch norm over pixels": lambda: (
        nn.Sequential(nn.Linear(2, 9), nn.BatchNorm1d(9), nn.Linear(9, 1)),
        coordinates(),
    ),
    "a tuple": lambda: (Several(), torch.randn(1, 4)),
    "hooks": lambda: (hooked(), torch.randn(1, 4)),
    "a hook on gradients within": lambda: (Watched(4, 64), torch.randn(1, 4)),
}


class Watched(nn.Linear):
    """Asks for gradients in its forward, and casts itself without a word."""

    def forward(self, z):
        y = super().forward(z)
        y.register_hook(lambda g: None)
        return torch.tanh(y)

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)


class Several(nn.Linear):
    def __init__(self):
        super().__init__(4, 64)

    def forward(self, z):
        return torch.tanh(super().forward(z)), z


def hooked():
    module = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
    module.register_forward_hook(lambda layer, inputs, output: 0.5 * output)
    return module


@pytest.mark.parametrize("kind", OWN)
def test_a_module_at_hand_is_fitted_as_plain_autograd_fits_it(kind):
    module, z = OWN[kind]()
    operator, y, _ = a_problem()
    settings = few(stopping="fixed", tv_weight=0.0)
    recovery = recover(operator, y, settings, network=(module, z))
    assert recovery.settings["network"] == type(module).__name__
    twin = copy.deepcopy(module)
    optimiser = torch.optim.RMSprop(twin.parameters(), lr=1e-3, momentum=0.9)
    for _ in range(settings.steps):
        output = twin(z)
        x = (output if isinstance(output, torch.Tensor) else output[0]).reshape(SHAPE)
        optimiser.zero_grad()
        ((operator.forward(x) - y).square().sum() / operator.gain).backward()
        optimiser.step()
    torch.testing.assert_close(recovery.image, x.detach(), atol=1e-3, rtol=0)


def test_restarts_of_a_module_at_hand_are_redrawn_and_each_is_itself():
    operator, y, _ = a_problem()
    for kind in ("one program", "unbatched"):
        module, z = OWN[kind]()
        one, two = (recover(operator, y, few(restarts=r), network=(module, z)) for r in (1, 2))
        assert two.trace["restart_misfits"][0] == pytest.approx(one.trace["restart_misfits"][0], rel=1e-4)
        assert two.trace["restart_misfits"][1] != two.trace["restart_misfits"][0]


def test_what_starts_from_the_same_weights_each_time_has_no_restarts():
    operator, y, _ = a_problem()

    def fixed():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 64)), torch.ones(1, 4)

    assert recover(operator, y, few(), network=fixed, seed=3).steps
    with pytest.raises(ValueError, match="restarts must be 1 for fixed, which starts from the same weights each time"):
        recover(operator, y, few(restarts=2), network=fixed)
    with pytest.raises(ValueError, match=r"restarts of AnyParameter must be 1, got more: weights of AnyParameter"):
        recover(operator, y, few(restarts=2), network=(AnyParameter(), torch.ones(1)))


def test_noise_cannot_be_added_to_an_input_of_whole_numbers():
    operator, y, _ = a_problem()
    words = nn.Sequential(nn.Embedding(8, 8), nn.Flatten()), torch.arange(8)[None]
    assert recover(operator, y, few(), network=words).steps
    with pytest.raises(
        ValueError, match=r"^input_noise must be 0 for Sequential, whose input is of whole .*, got 0\.1$"
    ):
        recover(operator, y, few(input_noise=0.1), network=words)


def test_weights_that_are_filtered_out_stay_as_they_start():
    operator, y, _ = a_problem()
    last = as_network("decoder@8x8,width=4,latent=6", param_filter=r"^11\.")
    (start, _), copies = last.start(0), last.copies(SHAPE, [(0, 0)])
    weights = csdip.fitted_weights(operator, y, few(), network=last)
    moved = [name for name, weight in start.named_parameters() if not torch.equal(weights[name], weight)]
    assert moved == ["11.weight"] == [name for name, weight in copies.weights.items() if weight.requires_grad]


class AnyParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.pixels = nn.Parameter(torch.randn(8, 8))

    def forward(self, z):
        return self.pixels * z


def test_a_reference_is_the_network_it_stands_for(tmp_path):
    operator, y, _ = a_problem()
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make():\n    return nn.Sequential(nn.Linear(4, 64), nn.Tanh()), (1, 4)\n"
        "def few():\n    return nn.Linear(4, 63), (1, 4)\n"
    )
    reference = f"{tmp_path / 'net.py'}:make"
    settings = CSDIPSettings(steps=15, network=reference)
    recovery = recover(operator, y, settings, seed=2)
    assert torch.equal(recovery.image, recover(operator, y, few(steps=15), network=reference, seed=2).image)
    assert recovery.settings["network"] == reference
    shapes = {name: tuple(weight.shape) for name, weight in csdip.fitted_weights(operator, y, settings).items()}
    assert shapes == {"0.weight": (64, 4), "0.bias": (64,)}
    named = CSDIPSettings(steps=15, network="decoder@width=4,latent=6")
    plain = CSDIPSettings(steps=15, network="decoder", network_options=SMALL)
    assert torch.equal(recover(operator, y, named).image, recover(operator, y, plain).image)
    with pytest.raises(ValueError, match=r"network_options must be left out for .*, whose file has them"):
        recover(operator, y, dataclasses.replace(settings, network_options=SMALL))
    with pytest.raises(ValueError, match=r"shape \(1, 8, 8\), got an output of shape \(1, 63\)"):
        recover(operator, y, CSDIPSettings(network=reference.replace("make", "few")))


@pytest.mark.parametrize("name", ["gaussian", "dct"])
def test_an_average_of_iterates_is_that_of_their_definition_and_so_is_its_misfit(name):
    operator, y, _ = a_problem(name=name)
    settings = few(stopping="fixed", average=0.8)
    iterates = [x for x, _ in by_the_letter(operator, y, settings, seed=3)]
    weights = torch.tensor([0.8 ** (len(iterates) - 1 - k) for k in range(len(iterates))])
    mean = torch.stack([w * x for w, x in zip(weights / weights.sum(), iterates, strict=True)]).sum(0)
    recovery = recover(operator, y, settings, seed=3)
    torch.testing.assert_close(recovery.image, mean, atol=1e-3, rtol=0)
    # float32 sums of the residuals of 25 iterates
    assert recovery.trace["restart_misfits"][0] == pytest.approx(recovery.misfit, rel=1e-4)


def test_presets_know_small_images_and_few_measurements_from_large_ones():
    def network(name, side, m):
        return csdip.preset(name, make_operator("dct", (1, side, side), m)).network

    assert [network("fast", 28, 100), network("fast", 64, 4000)] == ["decoder", "decoder"]
    assert [network("fast", 128, 327), network("fast", 128, 328)] == ["decoder", "dcgan"]
    assert csdip.preset("paper", make_operator("dct", (1, 128, 128), 328)) == PRESETS["paper"]
    with pytest.raises(ValueError, match="preset must be one of paper, fast, smooth, crisp, sharp, steady, got 'slow'"):
        csdip.preset("slow", make_operator("dct", SHAPE, 5))


@pytest.mark.parametrize(("restarts", "at_once"), [(1, 9), (3, 9), (3, 1)])
def test_an_estimate_says_what_a_fit_takes(restarts, at_once, monkeypatch):
    monkeypatch.setattr(csdip, "copies_at_once", lambda *_: at_once)
    operator, y, _ = a_problem()
    settings = few(restarts=restarts, steps=400)
    expected = csdip.estimate(operator, y, settings)
    assert (
        expected.memory
        == csdip_settings.need([operator], architecture("dcgan", SHAPE, **SMALL), settings, y.device).memory
    )
    shorter = csdip.estimate(operator, y, dataclasses.replace(settings, steps=4))
    assert expected.seconds > shorter.seconds > 0
    assert not expected.at_most
    may_stop = csdip.estimate(operator, y, dataclasses.replace(settings, steps=4, stopping="windowed-variance"))
    assert str(may_stop).startswith("at most about ")


def test_the_preset_paper_holds_the_papers_numbers():
    paper = PRESETS["paper"]
    assert (paper.optimiser, paper.learning_rate, paper.momentum, paper.steps) == ("rmsprop", 1e-3, 0.9, 1000)
    assert (paper.tv_weight, paper.stopping, paper.window, paper.prior_weight) == (0.01, "last-window", None, 0.0)
    assert paper.initialisation == "torch-0.4.1"
    assert all(preset.stopping != "oracle" for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": "gan"}, "network must be one of .*got 'gan'"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"restarts": 0}, "restarts must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"average": 1.0}, "average must be at least 0 and below 1, got 1.0"),
        ({"tv_weight": -1.0}, "tv_weight must be at least 0, got -1.0"),
        ({"tv_scale": -1.0}, "tv_scale must be at least 0, got -1.0"),
        ({"tv_by_noise": -1.0}, "tv_by_noise must be at least 0, got -1.0"),
        ({"stopping": "never"}, "stopping must be one of"),
        ({"combine": "median"}, "combine must be one of best, mean, plausible"),
        ({"optimiser": "sgd"}, "optimiser must be one of rmsprop, adam"),
        ({"prior_weight": 1.0}, "prior_weight needs a learned prior"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        CSDIPSettings(**change)


def test_measurements_of_another_length_and_networks_of_another_shape_are_refused():
    operator, y, _ = a_problem()
    with pytest.raises(ValueError, match="y must have the operator's 20 entries, got shape"):
        recover(operator, y[:19], few())
    with pytest.raises(ValueError, match=r"images of the operator's shape \(1, 8, 8\), got an output"):
        recover(operator, y, few(), network=dcgan((1, 28, 28)))


def test_what_cannot_fit_in_memory_is_refused_before_it_starts(monkeypatch):
    operator, y, _ = a_problem()
    monkeypatch.setattr(csdip_settings, "memory_available", lambda device: 10_000)
    with pytest.raises(ValueError, match="ask for fewer restarts"):
        recover(operator, y, few(restarts=10))


def test_the_estimate_counts_weights_activations_and_products():
    operator, _, _ = a_problem()
    chosen = dcgan((1, 28, 28))
    activations, products = chosen.size.activations, chosen.size.products
    # conv outputs, batch norms and relus at the sizes of the page: 2, 4 (up), 7, 7, 14 (up), 14, 28 (up), 28
    assert products == 128 * 512 * 4 + 16 * 512 * 256 * 16 + 49 * 256 * 128 * 9 + 196 * 128 * 64 * 9 + 784 * 64 * 9
    assert activations > 3 * (512 * 4 + 256 * 49 + 128 * 49 + 64 * 196)
    cpu = torch.device("cpu")
    one, four = (csdip_settings.need([operator], chosen, few(restarts=r), cpu) for r in (1, 4))
    assert four.products == 4 * one.products
    assert csdip_settings.need([operator], dcgan((1, 28, 28), width=32), few(), cpu).memory < one.memory
    assert one.memory > 4 * 5 * chosen.size.weights


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
@pytest.mark.filterwarnings("ignore")  # of torch itself, while it compiles
def test_compiled_steps_change_nothing_but_speed():
    operator, y, _ = a_problem()
    plain, compiled = (recover(operator, y, few(stopping="fixed", steps=5, compile=c)).image for c in (False, True))
    torch.testing.assert_close(plain, compiled, atol=1e-3, rtol=0)
