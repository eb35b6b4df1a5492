"""The mixture: what it holds out, how it weighs, and that what it returns is the candidates' own images so weighed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from untrained.sims.networks.forecast import Estimate
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.operators.row_subset import RowSubset
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip, mixture
from untrained.sims.recovery.combining import plausible_mean
from untrained.sims.recovery.methods import checked_settings, default_method, settings_for
from untrained.sims.recovery.mixture import MixtureSettings, folds_of, simplex_weights

SHAPE = (1, 12, 12)
CHEAP = MixtureSettings("tv,damp,lasso-dct", folds=2)


def blocks() -> torch.Tensor:
    """A picture of two flat squares, (1, 12, 12)."""
    image = torch.full(SHAPE, -0.8)
    image[:, 2:8, 3:9], image[:, 6:11, 6:11] = 0.5, -0.1
    return image


def problem(name: str = "gaussian", m: int | None = 60, **options: int):
    operator = make_operator(name, SHAPE, m, 3, torch.device("cpu"), **options)
    return operator, measure(blocks(), operator).y


@pytest.fixture(scope="module")
def recovered():
    operator, y = problem()
    return operator, y, mixture.recover(operator, y, CHEAP, seed=4)


@pytest.mark.parametrize(
    ("name", "m", "options"),
    [("gaussian", 30, {}), ("gaussian-seeded", 30, {}), ("dct", 30, {}), ("fourier-radial", None, {"lines": 4})],
)
@pytest.mark.parametrize("consecutive", [True, False])
def test_a_row_subset_is_the_rows_of_the_matrix(name, m, options, consecutive):
    whole, _ = problem(name, m, **options)
    A = whole.adjoint(torch.eye(whole.m, dtype=torch.float64)).flatten(1)
    rows = torch.arange(2, 9) if consecutive else torch.tensor([0, 3, 4, 11])
    part = RowSubset(whole, rows)
    x = torch.from_numpy(stream(0, "x").standard_normal((3, *SHAPE)))
    y = torch.from_numpy(stream(0, "y").standard_normal((3, len(rows))))
    assert torch.allclose(part.forward(x), x.flatten(1) @ A[rows].T, atol=1e-6)
    assert torch.allclose(part.adjoint(y).flatten(1), y @ A[rows], atol=1e-6)
    residual, gradient = part.residual_and_gradient(x, y)
    assert torch.allclose(residual, x.flatten(1) @ A[rows].T - y, atol=1e-6)
    assert torch.allclose(gradient.flatten(1), (x.flatten(1) @ A[rows].T - y) @ A[rows], atol=1e-5)
    assert part.gain == pytest.approx(whole.gain * len(rows) / whole.m)
    assert part.fingerprint() != RowSubset(whole, rows[:-1]).fingerprint()


def test_consecutive_rows_of_a_matrix_are_a_view_of_it():
    whole, _ = problem()
    assert RowSubset(whole, torch.arange(50)).matrix.data_ptr() == whole.matrix.data_ptr()


@pytest.mark.parametrize("rows", [[], [60], [-1]])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ValueError, match="rows must be at least one of the 60 there are"):
        RowSubset(problem()[0], torch.tensor(rows, dtype=torch.int64))


@pytest.mark.parametrize(("m", "rows", "folds"), [(25, 5, 5), (75, 15, 5), (120, 20, 5), (144, 20, 5)])
def test_folds_hold_out_more_of_few_measurements_and_no_row_twice(m, rows, folds):
    operator, y = problem(m=m)
    parts = folds_of(operator, y, replace(CHEAP, folds=None), 0)
    every = torch.cat(parts)
    assert [len(part) for part in parts] == [rows] * folds
    assert len(every.unique()) == len(every)
    assert all((part.diff() > 0).all() for part in parts)


def test_one_fold_of_independent_rows_leaves_a_view():
    (rows,) = folds_of(*problem(m=100), replace(CHEAP, folds=1), 0)
    assert rows.tolist() == list(range(80, 100))
    (drawn,) = folds_of(*problem("dct", 100), replace(CHEAP, folds=1), 0)
    assert drawn.tolist() != rows.tolist()


@pytest.mark.parametrize("folds", [1, 3, None])
def test_large_coefficients_are_fitted_by_every_fold(folds):
    operator, y = problem("dct", 90)
    rows = torch.cat(folds_of(operator, y, replace(CHEAP, folds=folds), 0))
    assert y[rows].abs().max() < y.abs().sort(descending=True).values[8]
    assert len(rows) == len(rows.unique())


def smooth_problem(name, **options):
    operator = make_operator(name, (1, 48, 48), None, 3, torch.device("cpu"), **options)
    waves = torch.linspace(0, 2, 48).sin()
    return operator, measure((waves[:, None] * waves)[None], operator).y


@pytest.mark.parametrize(
    ("name", "options", "each", "folds"),
    [
        ("fourier-radial", {"lines": 10}, 1, 3),
        ("fourier-radial", {"lines": 30}, 3, 1),
        ("multicoil", {"coils": 2, "acceleration": 2}, 2, 2),
    ],
)
def test_groups_of_rows_are_held_out_whole_but_for_large_measurements(name, options, each, folds):
    operator, y = smooth_problem(name, **options)
    groups = operator.row_groups
    parts = folds_of(operator, y, replace(CHEAP, folds=None), 0)
    lines = [groups[part].unique().tolist() for part in parts]
    assert [len(some) for some in lines] == [each] * folds
    assert len({line for some in lines for line in some}) == each * folds
    largest = y.abs().argsort(descending=True)[: round(0.1 * operator.m)].tolist()
    for part, some in zip(parts, lines, strict=True):
        mine = torch.isin(groups, torch.tensor(some)).nonzero().squeeze(-1).tolist()
        assert part.tolist() == [row for row in mine if row not in largest]


def test_groups_that_are_too_large_are_taken_apart():
    operator, y = smooth_problem("fourier-radial", lines=3)
    (rows,) = folds_of(operator, y, replace(CHEAP, folds=1), 0)
    assert len(rows) == round(operator.m * max(0.1, 20 / operator.m))
    assert len(operator.row_groups[rows].unique()) == 3


def test_folds_of_several_sizes_are_fitted_one_by_one():
    operator, y = smooth_problem("fourier-radial", lines=8)
    settings = MixtureSettings("csdip/sharp,tv", folds=3)
    assert len({len(part) for part in folds_of(operator, y, settings, 0)}) > 1
    short = replace(csdip.PRESETS["sharp"], steps=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(csdip.PRESETS, "sharp", short)
        image = mixture.recover(operator, y, settings).image
    assert image.isfinite().all()


def slow_weights(residuals: np.ndarray) -> np.ndarray:
    """The same minimum by a solver for anything."""
    K, rows = residuals.shape
    shrinkage = min(np.sum(r**2) for r in residuals) * K / rows
    value = lambda w: np.sum((w @ residuals) ** 2) + shrinkage * np.sum((w - 1 / K) ** 2)  # noqa: E731
    options = {"bounds": [(0, 1)] * K, "constraints": {"type": "eq", "fun": lambda w: w.sum() - 1}}
    return minimize(value, np.full(K, 1 / K), method="SLSQP", options={"ftol": 1e-14}, **options).x


@pytest.mark.parametrize("seed", range(6))
def test_weights_are_those_of_least_held_out_error(seed):
    rng = stream(seed, "residuals")
    residuals = rng.standard_normal((4, 30)) * rng.uniform(0.3, 3, (4, 1)) + rng.standard_normal(30)
    weights = simplex_weights(residuals)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights == pytest.approx(slow_weights(residuals), abs=1e-4)


def test_a_candidate_that_is_right_has_all_the_weight_and_one_that_diverged_none():
    residuals = np.stack([np.zeros(9), np.ones(9), np.full(9, np.nan)])
    assert simplex_weights(residuals) == pytest.approx([1, 0, 0], abs=1e-6)
    with pytest.raises(ValueError, match="candidates must have one whose prediction is finite"):
        simplex_weights(residuals[2:])


def test_candidates_that_are_alike_share_the_weight():
    r = stream(1, "r").standard_normal(20)
    assert simplex_weights(np.stack([r, r, 5 * r])) == pytest.approx([0.5, 0.5, 0], abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_fits_has_the_steady_share_of_their_mean_error(seed):
    rng = stream(seed, "fits")
    images = torch.from_numpy(rng.standard_normal((4, *SHAPE)) * 0.3 + rng.standard_normal(SHAPE) * 0.5) + blocks()
    error = float((images - blocks()).square().mean())
    whole = float((images.mean(0) - blocks()).square().mean())
    assert mixture.steady_share(error, images) == pytest.approx(whole / error, rel=1e-5)
    assert mixture.steady_share(error, images[:1]) == 1
    for other in (0.01 * error, 0.0, float("nan")):
        assert mixture.steady_share(other, images) == mixture.LEAST_STEADY


def run_of(operator, y, images):
    """A run in which each candidate has given images for the folds of `CHEAP`."""
    run = mixture._Run(operator, y, CHEAP, 4, None)
    with pytest.MonkeyPatch.context() as patch:
        for name, each in images.items():
            recoveries = [mixture.Recovery(image, name, {}, "steps ended", 0.0, 1, 0.0, {}, {}) for image in each]
            patch.setattr(mixture, "_recovered", lambda *rest, recoveries=recoveries: recoveries)
            run.hold_out(name)
    return run


def test_what_errs_by_the_part_it_is_fitted_to_counts_for_more_than_what_always_errs():
    noise = torch.from_numpy(stream(2, "errors").standard_normal((3, *SHAPE))).float()
    images = {"tv": blocks() + 0.3 * noise[:2], "damp": (blocks() + 0.3 * noise[2]).expand(2, *SHAPE)}
    operator, y = problem(m=140)
    run = run_of(operator, y, images)
    errors = {name: run.error_of(r) for name, r in run.residuals.items()}
    half = 1 - float((0.3 * noise[:2]).var(0, correction=0).mean()) / errors["tv"]
    assert run.steady == pytest.approx({"tv": half, "damp": 1.0}, rel=1e-5)
    assert 0.3 < half < 0.7
    expected = slow_weights(np.stack([np.sqrt(half) * run.residuals["tv"], run.residuals["damp"]]))
    assert list(run.weights().values()) == pytest.approx(expected, abs=1e-4)
    assert run.weights()["tv"] > simplex_weights(np.stack(list(run.residuals.values())))[0] + 0.05
    dct, z = problem("dct", m=140)
    assert run_of(dct, z, images).steady == {"tv": 1.0, "damp": 1.0}


def test_the_image_is_the_candidates_images_so_weighed(recovered):
    operator, y, result = recovered
    weights = {name: result.certificate[f"weight of {name}"] for name in CHEAP.names()}
    whole = {name: mixture.candidate_settings(name, operator, 0.0) for name, weight in weights.items() if weight}
    images = {name: mixture.method(name).recover()(operator, y, chosen, seed=4).image for name, chosen in whole.items()}
    assert sum(weights.values()) == pytest.approx(1)
    assert torch.allclose(result.image, sum(weights[name] * image for name, image in images.items()), atol=1e-6)
    assert result.misfit == pytest.approx(float((operator.forward(result.image) - y).square().sum()), rel=1e-4)


def test_the_errors_reported_are_of_rows_that_no_fit_saw(recovered):
    operator, y, result = recovered
    total = 0.0
    for rows in folds_of(operator, y, CHEAP, 4):
        others = torch.tensor([row for row in range(operator.m) if row not in rows.tolist()])
        settings = mixture.candidate_settings("tv", operator, 0.0)
        image = mixture.method("tv").recover()(RowSubset(operator, others), y[others], settings, seed=4).image
        total += float((operator.forward(image) - y)[rows].square().sum())
    rows = sum(map(len, folds_of(operator, y, CHEAP, 4)))
    assert result.certificate["error of tv"] == pytest.approx(total / rows * operator.m / operator.n, rel=1e-4)


def test_it_is_no_worse_than_its_best_candidate_by_much_and_mends_a_bad_one(recovered):
    *_, result = recovered
    errors = {name: float((image - blocks()).square().mean()) for name, image in result.others.items()}
    assert float((result.image - blocks()).square().mean()) < 1.15 * min(errors.values()) < 0.5 * max(errors.values())


def test_total_variation_keeps_to_the_scale_of_pixels():
    operator, y = problem()
    assert mixture.candidate_settings("tv", operator, 0.0) == settings_for("tv", {"box": "true"})
    result = mixture.recover(operator, 3 * y, MixtureSettings("tv"), seed=4)
    assert result.others["tv"].abs().max() <= 1


def test_noise_is_told_to_the_candidates_that_ask():
    operator, _ = problem()
    assert mixture.candidate_settings("tv", operator, 0.3).noise == 0.3
    networks = mixture.candidate_settings("csdip/smooth", operator, 0.0, restarts=4)
    assert (networks.restarts, networks.combine) == (4, "plausible")


@pytest.mark.parametrize("diverging", [("tv",), ("tv", "damp", "lasso-dct")])
def test_what_diverges_on_all_measurements_has_no_weight_unless_all_do(diverging, recovered, monkeypatch):
    def recover(name, operators, *rest):
        recoveries = original(name, operators, *rest)
        if len(operators) > 1 or name not in diverging:
            return recoveries
        return [replace(one, image=one.image + 9.0, outcome="diverged at step 1") for one in recoveries]

    original = mixture._recovered
    monkeypatch.setattr(mixture, "_recovered", recover)
    operator, y, whole = recovered
    result = mixture.recover(operator, y, CHEAP, seed=4)
    weights = {name: result.certificate[f"weight of {name}"] for name in CHEAP.names()}
    before = {name: whole.certificate[f"weight of {name}"] for name in CHEAP.names()}
    assert before["tv"] > 0.9
    if len(diverging) == 3:
        assert weights == before
        return
    others = mixture.recover(operator, y, replace(CHEAP, candidates="damp,lasso-dct"), seed=4)
    assert weights["tv"] == 0
    assert sum(weights.values()) == pytest.approx(1)
    assert torch.allclose(result.image, others.image, atol=1e-6)
    assert result.certificate["error of tv"] == whole.certificate["error of tv"]


@pytest.mark.parametrize(
    ("diverging", "sound"), [((), ("tv", "damp")), (("tv",), ("damp",)), (("tv", "damp"), ("tv", "damp"))]
)
def test_what_is_joined_is_one_candidate_of_what_is_plausible_and_did_not_diverge(diverging, sound, monkeypatch):
    def recover(part, *rest):
        recoveries = original(part, *rest)
        return [replace(one, outcome="diverged at step 1") if part in diverging else one for one in recoveries]

    original = mixture._recovered_by_part
    monkeypatch.setattr(mixture, "_recovered_by_part", recover)
    operator, y = problem()
    result = mixture.recover(operator, y, replace(CHEAP, candidates="tv + damp"), seed=4)
    alone = {
        name: mixture.method(name).recover()(operator, y, mixture.candidate_settings(name, operator, 0.0), seed=4)
        for name in ("tv", "damp")
    }
    expected = plausible_mean(operator, y, torch.stack([alone[name].image for name in sound]))
    assert list(result.others) == ["tv+damp"]
    assert torch.allclose(result.image, expected, atol=1e-6)
    assert result.certificate["weight of tv+damp"] == 1
    assert result.steps == sum(one.steps for one in alone.values())


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_an_interrupt_keeps_the_mixture_of_what_there_is(steps, monkeypatch):
    operator, y = problem()
    calls = []

    def recover(*_, **__):
        calls.append(1)
        if len(calls) > steps:
            raise KeyboardInterrupt
        return original(*_, **__)

    original = mixture._recovered
    monkeypatch.setattr(mixture, "_recovered", lambda *a: recover(*a))
    if not steps:
        with pytest.raises(KeyboardInterrupt):
            mixture.recover(operator, y, CHEAP)
        return
    result = mixture.recover(operator, y, CHEAP)
    assert result.outcome == "interrupted"
    assert set(result.others) == set(CHEAP.names()[:steps])
    assert torch.isfinite(result.image).all()


def test_an_interrupt_in_the_first_fit_keeps_its_image_and_begins_no_other(monkeypatch):
    module, calls = mixture.method("tv").load(), []

    def recover(operator, y, settings, *, seed, watch):
        calls.append(1)
        return replace(original(operator, y, settings, seed=seed), outcome="interrupted")

    original = module.recover
    monkeypatch.setattr(module, "recover", recover)
    operator, y = problem()
    settings = replace(CHEAP, candidates="tv,damp", folds=2)
    result = mixture.recover(operator, y, settings, seed=4)
    run = mixture._Run(operator, y, settings, 4, None)
    rows, chosen = run.parts[0].rows, mixture.candidate_settings("tv", operator, 0.0)
    assert (result.outcome, result.certificate, calls) == ("interrupted", {}, [1])
    assert torch.equal(result.image, original(run.parts[0], y[rows], chosen, seed=4).image)


def test_an_estimate_counts_what_can_tell_and_names_what_cannot(monkeypatch):
    operator, y = problem()
    assert mixture.estimate(operator, y, replace(CHEAP, candidates="tv,damp")) is None
    one = Estimate(2.0, 3_000_000_000)
    monkeypatch.setattr("untrained.sims.recovery.csdip.estimate", lambda *_, **__: one)
    settings = replace(CHEAP, candidates="csdip/fast,tv,damp/block-matching", folds=3)
    words = str(mixture.estimate(operator, y, settings))
    assert words == "at most about 8 s and 3 GB, besides what tv, damp/block-matching will take"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidates": "tv,tv"}, "candidates must be named once each, got tv,tv"),
        ({"candidates": "damp, tv+damp"}, r"candidates must be named once each, got damp, tv\+damp"),
        ({"candidates": "tv+"}, "method must be one of .*, got ''"),
        ({"candidates": "mixture"}, "candidates must be methods that recover by themselves, got mixture"),
        ({"candidates": "tvv"}, "method must be one of"),
        ({"candidates": "csdip/slow"}, "preset of csdip must be one of"),
        ({"held_out": 0.7}, "held_out must be above 0 and at most 0.5, got 0.7"),
        ({"folds": 0}, "folds must be at least 1, got 0"),
        ({"restarts": -1}, "restarts must be at least 0, got -1"),
        ({"noise": -1.0}, "noise must be at least 0, got -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(CHEAP, **changes)


def test_presets_leave_out_what_an_operator_has_no_use_for():
    def names(preset, name, side, m=None, **options):
        operator = make_operator(name, (1, side, side), m, 0, torch.device("cpu"), **options)
        return mixture.preset(preset, operator).names()

    small = ["csdip/smooth+csdip/fast", "csdip/sharp", "tv", "damp", "damp/block-matching"]
    assert names("auto", "gaussian", 64, 1000) == small
    assert names("best", "gaussian", 64, 1000) == [*small, "csdip/crisp", "damp/nlm"]
    assert names("auto", "gaussian", 72, 200) == small[1:]
    assert names("auto", "gaussian", 72, 50) == small
    lines = ["csdip/smooth+csdip/fast", "csdip/sharp", "csdip/steady", "tv", "damp"]
    assert names("auto", "fourier-radial", 64, lines=5) == lines
    assert names("auto", "fourier-radial", 128, lines=10) == lines[1:]


@pytest.mark.parametrize(("name", "side"), [("gaussian", 64), ("gaussian", 72), ("dct", 16)])
def test_where_no_preset_is_named_it_is_auto_for_the_operator(name, side):
    operator = make_operator(name, (1, side, side), 200, 0, torch.device("cpu"))
    auto = mixture.preset("auto", operator)
    assert settings_for("mixture", {}, None, operator) == checked_settings("mixture", {}, None, operator) == auto
    assert settings_for("mixture", {"folds": "2"}, None, operator) == replace(auto, folds=2)


@pytest.mark.parametrize(("preset", "restarts"), [("auto", (0, 0)), ("best", (5, 3))])
def test_restarts_of_large_images_are_fewer(preset, restarts):
    operators = [make_operator("dct", (1, 64, width), 40, 0, torch.device("cpu")) for width in (64, 65)]
    assert tuple(mixture.preset(preset, operator).restarts for operator in operators) == restarts


def test_a_single_measurement_cannot_be_held_out():
    operator, y = problem(m=1)
    with pytest.raises(ValueError, match="held_out must leave measurements on both sides"):
        mixture.recover(operator, y, CHEAP)


@pytest.mark.parametrize(
    ("preset", "network", "keys", "name"),
    [
        (None, None, (), "mixture"),
        ("best", None, ("candidates",), "mixture"),
        ("fast", None, (), "csdip"),
        (None, "decoder", (), "csdip"),
        (None, None, ("steps",), "csdip"),
    ],
)
def test_the_mixture_is_meant_unless_something_of_csdip_is(preset, network, keys, name):
    assert default_method(preset, network, keys) == name
