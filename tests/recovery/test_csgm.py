import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.sims.networks import vae
from untrained.sims.networks.vae import Generator, load_generator, save_generator, train_generator, untrained_generator
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines.csgm import CSGMSettings, recover

SHAPE = (1, 8, 8)


def spots(count, seed):
    """Round spots anywhere on a dark ground: images of two degrees of freedom, (count, 1, 8, 8)."""
    rows, columns = stream(seed, "spots").uniform(1, 6, (2, count, 1, 1, 1)).astype(np.float32)
    i, j = np.mgrid[:8, :8].astype(np.float32)
    return torch.from_numpy(2 * np.exp(-((i - rows) ** 2 + (j - columns) ** 2) / 3) - 1)


@pytest.fixture(scope="module")
def trained():
    return train_generator(spots(400, 0), latent=4, hidden=48, epochs=40)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "generator.npz"
    save_generator(path, untrained_generator(SHAPE, latent=3, hidden=5))
    return path


def everything():
    """Every pixel, as 64 measurements."""
    return make_operator("dct", SHAPE, 64)


def error(recovery, image):
    return float((recovery.image - image).square().mean())


FREE = CSGMSettings(latent_weight=0.0, restarts=5, steps=200)
BLANK = untrained_generator(SHAPE, latent=4, hidden=48)


def test_training_makes_an_image_never_seen_representable(trained):
    operator, image = everything(), spots(1, 1)[0]
    before, after = (
        error(recover(operator, operator.forward(image), FREE, generator=g), image) for g in (BLANK, trained)
    )
    assert after < 0.1 * before
    assert after < 0.1 * float(image.var())


def test_the_image_is_recovered_from_a_quarter_of_the_measurements(trained):
    operator, image = make_operator("gaussian", SHAPE, 16, seed=1), spots(1, 1)[0]
    y = operator.forward(image)
    recovery = recover(operator, y, CSGMSettings(steps=200), generator=trained)
    assert error(recovery, image) < 0.1 * float(image.square().mean())  # that of the zero image
    least_norm = torch.linalg.pinv(operator.forward(torch.eye(64).reshape(64, *SHAPE)).T) @ y
    assert error(recovery, image) < 0.2 * float((least_norm.reshape(SHAPE) - image).square().mean())


def test_the_error_never_falls_below_that_of_the_range(trained):
    image = spots(2, 2).amax(0)  # two spots: outside what the generator was shown
    operator = everything()
    floor = error(recover(operator, operator.forward(image), replace(FREE, restarts=20), generator=trained), image)
    assert floor > 0.01
    for m in (16, 32, 64):
        operator = make_operator("gaussian", SHAPE, m, seed=m)
        recovery = recover(operator, operator.forward(image), FREE, generator=trained)
        # The floor is a minimum found by descent from 20 starts; a tenth is left for a better one.
        assert error(recovery, image) > 0.9 * floor
    # ... although so many measurements determine the image.
    assert np.linalg.matrix_rank(operator.forward(torch.eye(64).reshape(64, *SHAPE)).numpy()) == 64


def by_the_letter(G, operator, y, settings, seed, restart):
    """One start, plain autograd through the measurement: objectives, misfits and images, step by step."""
    z = torch.from_numpy(stream(seed, "latent", restart).standard_normal(G.latent, dtype=np.float32))[None]
    z.requires_grad_()
    optimiser, steps = torch.optim.Adam([z], settings.learning_rate), []
    for _ in range(settings.steps):
        optimiser.zero_grad()
        x = z
        for i, (w, b) in enumerate(G.layers):
            x = x @ w.T + b if i == len(G.layers) - 1 else torch.clamp_min(x @ w.T + b, 0)
        x = (2 * torch.sigmoid(x) - 1).reshape(G.shape)
        misfit = (operator.forward(x) - y).square().sum()
        objective = misfit / operator.gain + settings.latent_weight * z.square().sum()
        objective.backward()
        steps.append((float(objective.detach()), float(misfit.detach()), x.detach()))
        optimiser.step()
    return steps


@pytest.mark.parametrize(("rate", "weight"), [(0.1, 0.1), (1.0, 5.0)])
@pytest.mark.parametrize("name", ["gaussian", "scrambled-dct"])
def test_the_descent_is_that_of_the_paper(name, rate, weight):
    operator = make_operator(name, SHAPE, 20, seed=1)
    y = operator.forward(spots(1, 1)[0])
    settings = CSGMSettings(restarts=6, steps=15, learning_rate=rate, latent_weight=weight)
    recovery = recover(operator, y, settings, seed=4, generator=BLANK)
    runs = [by_the_letter(BLANK, operator, y, settings, 4, r) for r in range(6)]
    minima = [min(run, key=lambda step: step[0]) for run in runs]
    if rate == 1.0:  # long steps, so that it matters which step is kept, and by what
        assert any(run[-1][0] > best[0] for run, best in zip(runs, minima, strict=True))
        assert any(
            min(run, key=lambda step: step[1])[1] < 0.99 * best[1] for run, best in zip(runs, minima, strict=True)
        )
    # Fifteen steps of Adam in float32: 1e-7 grows by the steps' conditioning, seen below 1e-5.
    np.testing.assert_allclose(recovery.trace["restart_misfits"], [misfit for _, misfit, _ in minima], rtol=1e-3)
    best = min(minima, key=lambda s: s[1])
    torch.testing.assert_close(recovery.image, best[2], atol=1e-3, rtol=0)
    assert recovery.misfit == pytest.approx(best[1], rel=1e-3)


def test_the_misfit_told_is_that_of_the_image_returned(trained):
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y = operator.forward(spots(1, 1)[0])
    recovery = recover(operator, y, CSGMSettings(steps=30, restarts=4), generator=trained)
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-4)
    assert recovery.misfit == min(recovery.trace["restart_misfits"])
    assert len(recovery.trace["restart_misfits"]) == 4
    assert (recovery.method, recovery.outcome, recovery.steps) == ("csgm", "steps ended", 30)
    assert recovery.image.shape == SHAPE


def test_the_start_of_least_misfit_is_chosen_though_its_latent_is_long():
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y, settings = operator.forward(spots(1, 1)[0]), CSGMSettings(restarts=8, steps=1, latent_weight=10.0)
    starts = [by_the_letter(BLANK, operator, y, settings, 0, r)[0] for r in range(8)]
    least, other = min(starts, key=lambda step: step[1]), min(starts, key=lambda step: step[0])
    recovery = recover(operator, y, settings, generator=BLANK)
    assert recovery.misfit == pytest.approx(least[1], rel=1e-5)
    assert least[1] < 0.99 * other[1]


def test_more_starts_keep_the_first_ones():
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y = operator.forward(spots(1, 1)[0])
    few, many = (recover(operator, y, CSGMSettings(steps=10, restarts=r), generator=BLANK) for r in (2, 6))
    np.testing.assert_allclose(few.trace["restart_misfits"], many.trace["restart_misfits"][:2], rtol=1e-4)
    assert len(set(many.trace["restart_misfits"])) == 6


def test_the_same_seed_gives_the_same_image():
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y = operator.forward(spots(1, 1)[0])
    one, again, other = (recover(operator, y, replace(FREE, steps=5), seed=s, generator=BLANK).image for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_an_interrupt_gives_the_best_image_so_far():
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y, reports = operator.forward(spots(1, 1)[0]), []

    def watch(step, total, loss):
        reports.append((step, total))
        if step == 20:
            raise KeyboardInterrupt

    recovery = recover(operator, y, CSGMSettings(steps=50), watch=watch, generator=BLANK)
    assert recovery.outcome == "interrupted"
    assert recovery.steps == 20
    assert reports == [(1, 50), (10, 50), (20, 50)]
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-4)


def test_numbers_that_are_not_finite_are_an_outcome():
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y = operator.forward(spots(1, 1)[0])
    broken = Generator(SHAPE, (*BLANK.layers[:-1], (BLANK.layers[-1][0] * math.nan, BLANK.layers[-1][1])))
    recovery = recover(operator, y, FREE, generator=broken)
    assert recovery.outcome == "diverged at step 1"
    assert torch.equal(recovery.image, torch.zeros(SHAPE))
    assert recovery.misfit == pytest.approx(float(y.square().sum()))


def test_the_objective_of_training_is_minus_the_evidence_bound():
    x = (spots(7, 3).flatten(1) + 1) / 2
    rng = stream(0, "test")
    encoder, decoder = (vae._draw(rng, sizes) for sizes in ((64, 9, 9, 6), (3, 9, 9, 64)))
    loss = vae._minus_evidence(encoder, decoder, x, stream(0, "noise"))
    mean, log_variance = vae._network(encoder, x).split(3, 1)
    law = torch.distributions.Normal(mean, (log_variance / 2).exp())
    z = mean + law.scale * torch.from_numpy(stream(0, "noise").standard_normal((7, 3), dtype=np.float32))
    p = (Generator(SHAPE, decoder)(z).flatten(1) + 1) / 2
    evidence = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    divergence = torch.distributions.kl_divergence(law, torch.distributions.Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(loss, (divergence - evidence).mean(), rtol=1e-4, atol=0)


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    batches = vae._batches(250, 2, stream(0, "batches"))
    assert [len(b) for b in batches] == [100, 100, 50] * 2
    first, second = torch.cat(batches[:3]), torch.cat(batches[3:])
    assert torch.equal(first.sort().values, torch.arange(250))
    assert torch.equal(second.sort().values, torch.arange(250))
    assert not torch.equal(first, second)


def test_training_belongs_to_its_seed_and_is_watched():
    reports, few = [], {"latent": 2, "hidden": 6, "epochs": 4}
    one = train_generator(spots(250, 0), **few, seed=1, watch=lambda *report: reports.append(report))
    again, other = (train_generator(spots(250, 0), **few, seed=seed) for seed in (1, 2))
    assert all(
        torch.equal(a, b) for p, q in zip(one.layers, again.layers, strict=True) for a, b in zip(p, q, strict=True)
    )
    assert not torch.equal(one.layers[0][0], other.layers[0][0])
    assert [(step, total) for step, total, _ in reports] == [(1, 12), (10, 12), (12, 12)]
    assert reports[-1][2] < reports[0][2]
    assert not any(t.requires_grad for layer in one.layers for t in layer)


def test_an_interrupted_training_gives_no_generator():
    def watch(step, total, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_generator(spots(10, 0), latent=2, hidden=3, epochs=1, watch=watch)


def test_colours_are_generated():
    images = spots(20, 0).expand(-1, 3, -1, -1)
    generator = train_generator(images, latent=2, hidden=4, epochs=1)
    assert generator.shape == (3, 8, 8)
    assert generator(torch.zeros(5, 2)).shape == (5, 3, 8, 8)
    assert generator(torch.randn(5, 2, generator=torch.Generator().manual_seed(0))).abs().max() <= 1


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (torch.zeros(1, 8, 8), {}, r"images must be of shape \(N, C, H, W\) with N of at least 1, got \(1, 8, 8\)"),
        (torch.zeros(0, 1, 8, 8), {}, r"images must be of shape .* got \(0, 1, 8, 8\)"),
        (torch.full((1, 1, 8, 8), 1.5), {}, "images must have pixels between -1 and 1, got others"),
        (torch.full((1, 1, 8, 8), math.nan), {}, "images must have pixels between -1 and 1, got others"),
        (torch.zeros(1, 1, 8, 8), {"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        (torch.zeros(1, 1, 8, 8), {"latent": 0}, "latent must be an integer >= 1, got 0"),
        (torch.zeros(1, 1, 8, 8), {"hidden": 2.5}, "hidden must be an integer >= 1, got 2.5"),
    ],
)
def test_bad_training_is_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        train_generator(images, **options)


def test_layers_that_do_not_follow_on_each_other_are_refused():
    (w, b), second, last = BLANK.layers
    for layers in (((w, b), second), (last, second), ((w, b[1:]), second, last), ((w, w), second, last)):
        with pytest.raises(ValueError, match="layers must be a chain that ends at 64 pixels, got weights"):
            Generator(SHAPE, layers)
    with pytest.raises(ValueError, match="layers must be a chain that ends at 192 pixels"):
        Generator((3, 8, 8), BLANK.layers)


def test_a_file_gives_the_generator_back(tmp_path):
    path, again = tmp_path / "one.npz", tmp_path / "two.npz"
    save_generator(path, BLANK)
    save_generator(again, BLANK)
    loaded = load_generator(path)
    assert loaded.shape == BLANK.shape
    assert loaded.latent == 4
    z = torch.linspace(-2, 2, 12).reshape(3, 4)
    assert torch.equal(loaded(z), BLANK(z))
    assert path.read_bytes() == again.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.npz", "two.npz"]
    with np.load(path, allow_pickle=False) as archive:
        assert json.loads(str(archive["header"]))["kind"] == "untrained generator"


def test_the_generator_is_read_from_the_file_that_the_settings_name(saved):
    operator = make_operator("gaussian", SHAPE, 16, seed=1)
    y = operator.forward(spots(1, 1)[0])
    recovery = recover(operator, y, CSGMSettings(generator=str(saved), steps=3))
    twin = recover(operator, y, CSGMSettings(steps=3), generator=load_generator(saved))
    assert torch.equal(recovery.image, twin.image)
    assert recovery.settings["generator"] == str(saved)


def rewritten(path, **changes):
    """Write the file again with other fields (None: without them), and the checksum as it was."""
    with np.load(path) as archive:
        fields = {**{k: archive[k] for k in archive.files}, **changes}
    np.savez(path, **{k: v for k, v in fields.items() if v is not None})


def test_a_file_that_is_no_generator_is_refused(saved, tmp_path):
    with pytest.raises(ValueError, match="path must name a file that exists"):
        load_generator(tmp_path / "none.npz")
    for name, content in (("text.npz", b"weights"), ("half.npz", saved.read_bytes()[:200])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            ValueError, match="generator must be a file from `untrained train-generator`, got the other"
        ):
            load_generator(tmp_path / name)
    np.savez(tmp_path / "other.npz", y=np.zeros(3))
    with pytest.raises(ValueError, match="generator must be a file of the kind 'untrained generator', format 1"):
        load_generator(tmp_path / "other.npz")
    np.savez(tmp_path / "pickled.npz", header=np.array([{"kind": vae.GENERATOR_FILE}], dtype=object))
    with pytest.raises(ValueError, match="path must name a file that can be read whole"):
        load_generator(tmp_path / "pickled.npz")


class Planted:
    """An object whose unpickling writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def test_nothing_in_a_file_is_unpickled(saved, tmp_path):
    rewritten(saved, w0=np.array([Planted(tmp_path / "planted")], dtype=object))
    with pytest.raises(ValueError, match="path must name a file that can be read whole"):
        load_generator(saved)
    assert not (tmp_path / "planted").exists()
    np.load(saved, allow_pickle=True)["w0"]
    assert (tmp_path / "planted").exists()  # the trap does spring


def test_a_damaged_file_is_refused(saved):
    whole = saved.read_bytes()
    place = len(whole) // 2
    saved.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(
        ValueError, match=r"path must name a file that can be read whole|generator must be a whole file"
    ):
        load_generator(saved)


@pytest.mark.parametrize("change", [{"b0": np.ones(5, dtype=np.float32)}, {"w2": None}, {"extra": np.zeros(1)}])
def test_a_file_of_another_content_than_its_checksum_is_refused(saved, change):
    rewritten(saved, **change)
    with pytest.raises(
        ValueError, match=r"generator must be a whole file, got .* with another content than its checksum"
    ):
        load_generator(saved)


def test_a_file_of_another_format_is_refused(saved):
    rewritten(saved, header=json.dumps({"kind": vae.GENERATOR_FILE, "format": 2}))
    with pytest.raises(ValueError, match="format 1, got another in"):
        load_generator(saved)


def test_recovery_without_a_fitting_generator_is_refused(saved):
    operator = make_operator("gaussian", (1, 4, 4), 5)
    with pytest.raises(
        ValueError, match=r"generator must name a trained generator, got none: .*`untrained train-generator`"
    ):
        recover(operator, torch.zeros(5))
    with pytest.raises(ValueError, match=r"generator must give images of shape \(1, 4, 4\), got one of \(1, 8, 8\)"):
        recover(operator, torch.zeros(5), CSGMSettings(generator=str(saved)))


def test_bad_measurements_are_refused():
    operator = make_operator("gaussian", SHAPE, 10)
    for y in (torch.zeros(9), torch.zeros(1, 10), torch.full((10,), math.nan)):
        with pytest.raises(ValueError, match=r"y must (be finite|have the operator.s 10 entries)"):
            recover(operator, y, generator=BLANK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"restarts": 0}, "restarts must be an integer of at least 1, got 0"),
        ({"steps": 1.5}, "steps must be an integer of at least 1, got 1.5"),
        ({"steps": True}, "steps must be an integer of at least 1, got True"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and finite, got 0.0"),
        ({"learning_rate": math.inf}, "learning_rate must be above 0 and finite, got inf"),
        ({"latent_weight": -1.0}, "latent_weight must be at least 0 and finite, got -1.0"),
        ({"latent_weight": math.nan}, "latent_weight must be at least 0 and finite, got nan"),
    ],
)
def test_bad_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        CSGMSettings(**change)
