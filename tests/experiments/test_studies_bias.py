"""The studies of heckel20a's figures and of frequencies: rows, tables, and what is computed against its definition."""

import json
import math

import numpy as np
import pytest
import torch

from untrained.sims.experiments.studies import (
    fits,
    frequencies,
    image_noise,
    jacobian_norms,
    kernel_spectra,
    line_jacobian,
    load_study,
    warm_up,
)
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import row_from_text, row_to_text
from untrained.sims.networks.generators import architecture
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.record.store import CHANGED, pick, read_record
from untrained.theory.objects.convolution_generator import circulant_rows, convolution_jacobian, half_signs
from untrained.theory.objects.dual_kernels import dual_spectrum, triangle_kernel

SMALL = {
    "heckel20a-fig4": {
        "architecture": "deep decoder", "width": 6, "size": 16, "target": "shepp-logan", "optimiser": "sgd", "steps": 9,
    },
    "heckel20a-fig5": {"n": 12, "power": 3.0, "gradient": "published", "step": 0.25, "steps": 40},
    "heckel20a-fig6": {"kernel": "triangle-3", "n": 12, "channels": 50},
    "heckel20a-fig7": {"n": 32, "channels": 4, "steps": 3},
    "heckel20a-fig12": {
        "network": "conv-decoder", "width": 4, "size": 16, "image": "camera", "noise": "uniform", "draws": 3,
    },
    "frequencies": {
        "network": "conv-generator", "width": 4, "size": 16, "target": "camera", "optimiser": "adam", "steps": 4,
        "bands": 3,
    },
}  # fmt: skip


def cell(name, seed=0, **changes):
    parameters = load_study(name).fit_all(SMALL[name] | changes)
    return StoredRow(parameters, seed, load_study(name).row(parameters, seed, "cpu"))


@pytest.mark.parametrize("name", SMALL)
def test_a_row_is_json_scalars_that_depend_on_parameters_and_seed_alone(name):
    parameters, _, row = cell(name)
    text = row_to_text(row, parameters)
    assert row_from_text(text).keys() == row.keys()
    assert row_to_text(cell(name)[2], parameters) == text
    assert row_to_text(cell(name, seed=1)[2], parameters) != text


@pytest.mark.parametrize("name", SMALL)
def test_a_table_has_one_set_of_columns_and_the_names_that_a_figure_needs(name):
    rows = load_study(name).table([cell(name), cell(name, seed=1)])
    assert len({frozenset(row) for row in rows}) == 1
    assert {"source", "quantity", "value"} <= set(rows[0])
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if row["low"] is not None)
    json.dumps(rows, allow_nan=False)


def test_checkpoints_begin_with_the_start_and_end_with_the_last_step():
    assert fits.checkpoints(1) == (0, 1)
    assert fits.checkpoints(10, 3) == (0, 1, 2, 5, 10)
    assert {0, 1, 1000} <= set(fits.checkpoints(1000)) <= set(range(1001))
    assert {0, 1, 300} <= set(fits.thinned(300, 3)) <= set(fits.checkpoints(300))
    assert len(fits.thinned(300, 3)) < len(fits.checkpoints(300)) / 2


@pytest.mark.parametrize(("optimiser", "make"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)])
def test_a_fit_is_that_of_the_module_by_its_optimiser(optimiser, make):
    network, y = architecture("conv-decoder", (1, 16, 16), channels=4), fits.picture("noise", 16, 3)
    options = {"lr": 0.1, "momentum": 0.9} if optimiser == "sgd" else {"lr": 0.01}
    module, z = network.start(2)
    descent, goal = make(module.parameters(), **options), torch.from_numpy(y).float()
    for output, copies in fits.fitted_outputs(network, y, 2, optimiser, 4):
        own = module(z).reshape(-1)
        assert output == pytest.approx(own.detach().numpy(), abs=2e-5)
        assert len(copies.copy_of(0)) == len(list(module.parameters()))
        descent.zero_grad()
        (((own + 1) / 2 - (goal + 1) / 2) ** 2).mean().backward()
        descent.step()


def test_an_unknown_optimiser_is_refused():
    network = architecture("conv-decoder", (1, 16, 16), channels=4)
    with pytest.raises(ValueError, match="optimiser must be one of sgd, adam, got 'lbfgs'"):
        next(fits.fitted_outputs(network, np.zeros(256), 0, "lbfgs", 1))


def test_pictures_are_pixels_on_minus_one_to_one_and_noise_is_of_its_seed():
    image, noise = fits.picture("shepp-logan", 16, 0), fits.picture("noise", 16, 0)
    assert np.abs(image).max() <= 1.0
    assert np.abs(noise).max() <= 1.0
    assert np.mean(noise**2) == pytest.approx(1 / 3, abs=0.06)
    assert (image == fits.picture("shepp-logan", 16, 1)).all()
    assert not (noise == fits.picture("noise", 16, 1)).any()


@pytest.mark.parametrize("name", load_study("heckel20a-fig4").domain["architecture"])
def test_layers_of_the_four_architectures_have_about_as_many_weights(name):
    module = image_noise.fitting_network(name, 96, 32).module
    sizes = [w.numel() for w in module.parameters() if w.ndim == 4 and w.shape[0] == w.shape[1]]
    assert sizes
    assert set(sizes) == {96**2}


def test_steps_of_noise_that_is_never_fitted_are_those_followed():
    assert fits.first_at([3.0, 1.0, 2.0], 1.0) == 1
    assert fits.first_at([3.0], 1.0) is None
    parameters = dict(load_study("heckel20a-fig4").fit_all(SMALL["heckel20a-fig4"] | {"steps": 100}))
    losses = {f"loss_{step}": 2.0 for step in fits.thinned(100, 2)}
    image = {"weights": 5, **losses, "steps_to_0.5": 4, "steps_to_0.1": 10, "steps_to_0.01": None}
    noise = image | {"steps_to_0.5": 8, "steps_to_0.1": None}
    cells = [StoredRow(parameters, 0, image), StoredRow(parameters | {"target": "noise"}, 0, noise)]
    table = image_noise.IMAGE_NOISE_STUDY.table(cells)
    rows = {row["quantity"]: row for row in table if row["target"] == "shepp-logan"}
    assert rows["ratio at 0.5, at least"]["value"] == 2
    assert rows["ratio at 0.1, at least"]["value"] == 10
    assert rows["ratio at 0.01, at least"]["value"] is None
    assert [rows[f"noise fitted to {x}"]["value"] for x in image_noise.LOSSES] == [1, 0, 0]


def test_the_warm_up_follows_its_filters_and_the_published_gradient_half_of_them():
    published, exact = cell("heckel20a-fig5")[2], cell("heckel20a-fig5", gradient="exact", step=0.125)[2]
    assert max(published["largest_difference"], exact["largest_difference"]) < 1e-12
    assert published == exact
    A, x, z = warm_up.warm_up_problem(12, 3.0, 0)
    s = np.linalg.svd(A, compute_uv=False)
    assert (s[0], np.linalg.norm(x), np.linalg.norm(z)) == pytest.approx((1, 1, 1))
    assert np.linalg.norm(A.T @ x) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"step must be at most 1 with the exact gradient, got 1\.5"):
        load_study("heckel20a-fig5").fit_all(SMALL["heckel20a-fig5"] | {"gradient": "exact", "step": 1.5})


PUBLISHED = {
    "delta": (0.16667, 0.16667),
    "triangle-10": (0.004870, 1.957451),
    "triangle-30": (0.0015585, 5.896219),
    "gaussian-0.005": (0.021092, 0.496047),
    "gaussian-0.01": (0.0091485, 0.982988),
    "gaussian-0.05": (0.0017704, 4.900697),
}
"""Least and largest value that the published notebook prints, at n = 300."""


@pytest.mark.parametrize(("kernel", "printed"), PUBLISHED.items())
def test_a_third_of_the_recorded_spectra_is_what_the_notebook_prints(kernel, printed):
    rows = pick(read_record("study", "heckel20a-fig6")["rows"], source="published code", kernel=kernel)
    assert [row["value"] for row in rows if row["quantity"] in ("least", "largest")] == pytest.approx(printed, rel=3e-4)


def test_a_drawn_spectrum_is_that_of_the_jacobian_and_near_its_mean():
    kernel = triangle_kernel(12, 3)
    C = kernel_spectra.stream(4, "channels", 50, 12).standard_normal((12, 50))
    J = convolution_jacobian(circulant_rows(kernel), C, half_signs(50))
    assert kernel_spectra.drawn_spectrum(kernel, 50, 4) == pytest.approx(np.linalg.eigvalsh(J @ J.T), abs=1e-12)
    wide = kernel_spectra.drawn_spectrum(kernel, 200_000, 0)
    assert wide == pytest.approx(np.sort(dual_spectrum(kernel)), abs=0.02)


def test_norms_are_those_of_the_whole_jacobian_by_the_convolutions():
    network = jacobian_norms.convolutions_only(architecture("conv-decoder", (1, 16, 16), channels=2))
    here = network.draw(5)
    named = {name: here.parameter(name).detach() for name in here.weights}
    assert all(weight.ndim == 4 for weight in named.values())
    assert set(named) == {name for name, weight in here.module.named_parameters() if weight.ndim == 4}
    parts = torch.func.jacrev(here.output_at)(named)
    J = torch.cat([part.reshape(256, -1) for part in parts.values()], dim=1).numpy()
    u = fits.picture("camera", 16, 0)
    (norm,) = jacobian_norms.adjoint_norms(network, 5, [u])
    assert norm == pytest.approx(np.linalg.norm(J.T @ u))


@pytest.mark.parametrize(("kind", "mean"), [("uniform", 0.5), ("centred", 0.0)])
def test_noise_has_the_norm_asked_for_and_its_mean(kind, mean):
    noise = jacobian_norms.noise_of_norm(kind, 7.0, 10_000, 0, 1)
    assert np.linalg.norm(noise) == pytest.approx(7)
    deviation = 1 / math.sqrt(12)
    assert noise.mean() / noise.std() == pytest.approx(mean / deviation, abs=0.06)


def test_singular_values_are_the_roots_of_the_gram_matrix():
    network = line_jacobian.line_generator(32, 4).draw(1)
    values, U = line_jacobian.singular_values_and_vectors(network)
    K = jacobian_gram(network).numpy()
    assert (U * values**2) @ U.T == pytest.approx(K, abs=1e-9 * np.abs(K).max())
    assert (np.diff(values) <= 0).all()


def test_turns_of_a_wave_are_its_frequency():
    j = np.arange(32)
    for frequency in (0, 3, 16):
        assert line_jacobian.turns(np.cos(2 * np.pi * frequency * j / 32)) == pytest.approx(frequency)
    mixed = np.cos(2 * np.pi * 2 * j / 32) + np.cos(2 * np.pi * 6 * j / 32)
    assert line_jacobian.turns(mixed) == pytest.approx(4)


def test_lines_that_four_doublings_do_not_meet_are_refused():
    with pytest.raises(ValueError, match="n must be a multiple of 16, got 40"):
        load_study("heckel20a-fig7").fit_all(SMALL["heckel20a-fig7"] | {"n": 40})


def test_a_wave_lies_in_the_ring_of_its_length():
    ring, j = frequencies.rings(16, 4), np.arange(16)
    for a, b in ((1, 0), (2, 3), (0, 8), (7, 7)):
        wave = np.cos(2 * np.pi * (a * j[:, None] + b * j[None, :]) / 16)
        energies = frequencies.ring_energies(wave.reshape(-1), ring)
        place = min(3, int(math.hypot(a, b) / 16 / 0.5 * 4))
        assert energies[place] == pytest.approx(np.sum(wave**2))
        assert np.delete(energies, place) == pytest.approx(np.zeros(3), abs=1e-12)


def test_rings_hold_all_of_an_image_but_its_mean():
    image = fits.picture("camera", 16, 0)
    energies = frequencies.ring_energies(image, frequencies.rings(16, 5))
    assert energies.sum() == pytest.approx(np.sum((image - image.mean()) ** 2))


def unrecorded(fresh, record):
    """Rows of which the record has other numbers, or none; the record has six digits."""
    words = lambda row: tuple((k, v) for k, v in sorted(row.items()) if k not in ("value", "low", "high"))  # noqa: E731
    known = {words(row): row for row in record}
    numbers = lambda row: [math.nan if row[k] is None else row[k] for k in ("value", "low", "high")]  # noqa: E731
    same = lambda row: numbers(known[words(row)]) == pytest.approx(numbers(row), rel=1e-4, nan_ok=True)  # noqa: E731
    return [row for row in fresh if words(row) not in known or not same(row)]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("heckel20a-fig5", {"n": 100, "gradient": "exact", "steps": 1000}),
        ("heckel20a-fig6", {"kernel": "triangle-10", "n": 300, "channels": 4096}),
    ],
)
def test_recorded_numbers_are_those_of_cells_computed_now(name, parameters):
    study, data = load_study(name), read_record("study", name)
    fresh = study.table([cell(name, seed, **parameters) for seed in range(study.seeds)])
    assert data["version"] == study.version
    assert len(fresh) > 10
    assert unrecorded(fresh, data["rows"]) == [], CHANGED.format(name)
    moved = [row | {"value": None if row["value"] is None else 1.001 * row["value"]} for row in data["rows"]]
    assert len(unrecorded(fresh, moved)) > 10


def recorded(study, quantity, **where):
    (row,) = pick(read_record("study", study)["rows"], quantity=quantity, **where)
    return row


@pytest.mark.parametrize("width", [24, 48, 96])
def test_fixed_kernels_alone_keep_noise_behind_an_image(width):
    at = {"quantity": "ratio at 0.5, at least", "width": width}
    ratio = lambda name: recorded("heckel20a-fig4", architecture=name, **at)  # noqa: E731
    deep, fixed, deconvolutions, trained = map(ratio, image_noise.IMAGE_NOISE_STUDY.axes["architecture"])
    assert deep["low"] > 13
    assert deep["low"] > fixed["high"]
    assert fixed["low"] > 3.5
    assert trained["high"] < min(1.5, deconvolutions["low"])


def test_the_mean_of_the_noise_is_half_of_the_ratio_of_the_deep_decoder():
    for image in ("shepp-logan", "camera"):
        at = {"quantity": "ratio", "network": "conv-decoder", "image": image}
        uniform, centred = (recorded("heckel20a-fig12", noise=noise, **at) for noise in ("uniform", "centred"))
        assert 1.9 < uniform["value"] / centred["value"] < 2.1


def test_a_step_lies_in_the_leading_vectors_and_noise_does_not():
    for steps in (75, 3500):
        for when in ("before", "after"):
            step, noise = (recorded("heckel20a-fig7", name, steps=steps, when=when) for name in ("step", "noise"))
            assert step["low"] > 3 * noise["high"]


def test_only_fixed_kernels_fit_noise_band_by_band_and_every_network_a_photograph():
    halves = lambda network, target: [  # noqa: E731
        recorded("frequencies", "steps to half", network=network, target=target, band=band)["value"]
        for band in (0, 1, 2)
    ]
    for network in ("conv-decoder", "conv-generator", "skip-unet"):
        low, middle, high = halves(network, "noise")
        assert low < middle / 2 < high
    for network in ("dcgan", frequencies.NO_MIXING):
        assert max(halves(network, "noise")) <= 1.1 * min(halves(network, "noise"))
    for network in frequencies.FITTED_FIRST:
        low, middle, high = halves(network, "camera")
        assert low < middle < high
