import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from untrained.sims.dynamics.columns import Mixed
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trajectory import follow
from untrained.sims.evidence.counts import clopper_pearson
from untrained.sims.experiments.studies import (
    STUDIES,
    load_study,
    noise,
    phase,
    rate,
    sensing,
    sigma,
    signs,
    step,
)
from untrained.sims.experiments.studies.common import (
    columns,
    directions,
    entry,
    quantiles,
    seeds_of_runs,
    share,
    width_of,
)
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import row_from_text, row_to_text
from untrained.theory.objects.width import factor_printed, factor_proof, step_proof

SMALL = {
    "phase": {"n": 4, "ratio": 12.0, "runs": 3, "steps": 400},
    "rate": {"n": 4, "ratio": 12.0, "runs": 3, "steps": 400},
    "step": {"n": 4, "ratio": 12.0, "multiple": 2.0, "runs": 3, "steps": 200},
    "sigma": {"n": 4, "ratio": 12.0, "trials": 50},
    "sigma_min": {"n": 4, "ratio": 12.0, "trials": 50},
    "signs": {"n": 4, "ratio": 12.0, "runs": 3, "steps": 200},
    "sensing": {"matrix": "cosine", "n": 12, "m": 4, "ratio": 12.0, "runs": 3, "steps": 200},
    "heckel20a-fig1": {
        "network": "conv-decoder", "target": "noisy image", "size": 16, "channels": 4, "sigma": 40.0, "steps": 4,
    },
    "noise": {
        "generator": "smooth", "signal": "noisy picture", "n": 9, "ratio": 12.0, "runs": 3, "steps": 200, "errors": 20,
    },
}  # fmt: skip


def cell(name, seed=0, **changes):
    parameters = load_study(name).fit_all(SMALL[name] | changes)
    return StoredRow(parameters, seed, load_study(name).row(parameters, seed, "cpu"))


def test_every_study_is_registered_under_its_name() -> None:
    assert set(SMALL) <= set(STUDIES)
    assert {name: load_study(name).name for name in SMALL} == {name: name for name in SMALL}


@pytest.mark.parametrize("name", SMALL)
def test_a_row_is_json_scalars_that_depend_on_parameters_and_seed_alone(name: str) -> None:
    parameters, _, row = cell(name)
    text = row_to_text(row, parameters)
    assert row_from_text(text).keys() == row.keys()
    assert row_to_text(cell(name)[2], parameters) == text
    assert row_to_text(cell(name, seed=1)[2], parameters) != text


@pytest.mark.parametrize("name", SMALL)
def test_a_table_has_one_set_of_columns_and_says_where_a_value_is_from(name: str) -> None:
    rows = load_study(name).table([cell(name), cell(name, seed=1)])
    assert len({frozenset(row) for row in rows}) == 1
    sources = {"simulation", "theorem", "proof", "printed", "exact law", "edge", "worst case", "lemma", "threshold"}
    assert {row["source"] for row in rows} <= sources
    json.dumps(rows, allow_nan=False)


def test_seeds_of_runs_differ_between_runs_cells_and_sizes() -> None:
    drawn = [*seeds_of_runs(0, 5, "columns", 4, 8), *seeds_of_runs(0, 5, "columns", 4, 9), *seeds_of_runs(1, 5, "a")]
    assert len(set(drawn)) == 15
    assert seeds_of_runs(0, 5, "columns", 4, 8)[:3] == seeds_of_runs(0, 3, "columns", 4, 8)


def test_quantiles_leave_out_what_is_not_finite() -> None:
    assert quantiles("x", [1.0, math.nan, 3.0, math.inf, 2.0]) == {"x": 2.0, "x_low": 1.5, "x_high": 2.5}
    assert quantiles("x", [math.nan]) == {"x": None, "x_low": None, "x_high": None}


def test_entries_keep_six_digits_and_shares_their_interval() -> None:
    assert entry("proof", "rate", {"n": 3}, 1 / 3)["value"] == 0.333333
    row = share("simulation", "converged", {"n": 3}, 3, 10)
    assert (row["value"], row["count"]) == (0.3, 10)
    assert (row["low"], row["high"]) == pytest.approx(clopper_pearson(3, 10, 0.05), rel=1e-5)


def dense(seed: int, runs: int, n: int, d: int):
    """V (runs, n, D) and h_0 of the same columns as the study's, padded by neurons that are off."""
    held = columns(seed, runs, n, d, "cpu")
    V, h = np.zeros((runs, n, d)), np.full((runs, d), -1.0)
    for b, each in enumerate(held):
        V[b, :, : each.count], h[b, : each.count] = each.V.numpy(), each.h0.numpy()
    return V, h


def test_phase_counts_what_following_every_neuron_finds() -> None:
    parameters, _, row = cell("phase", ratio=5.0, runs=8, steps=600)
    n, d = 4, width_of(parameters)
    V, h = dense(0, 8, n, d)
    path = follow(V, h, directions(0, 8, n).numpy(), step=step_proof(1.0, n, d), steps=600, z_norm=1.0)
    first = np.array([np.argmax(m <= 1e-8) if (m <= 1e-8).any() else 601 for m in path.misfits])
    assert 0 < row["converged"] < 8
    assert row["converged"] == (first <= 600).sum()
    assert row["converged_quarter"] == (first <= 150).sum()


def test_the_exact_law_of_a_fit_is_that_of_the_cone_of_the_columns() -> None:
    generator, n, d, trials = np.random.default_rng(5), 3, 11, 600
    hits = 0
    for _ in range(trials):
        V, on = generator.standard_normal((n, d)), generator.standard_normal(d) >= 0
        hits += bool(on.any()) and nnls(V[:, on], np.eye(n)[0])[1] < 1e-9
    low, high = clopper_pearson(hits, trials, 1e-6)
    assert low < phase.fit_exists(n, d) < high
    assert high - low < 0.25


def test_no_run_converges_where_no_fit_exists() -> None:
    n, d, runs = 4, 16, 24
    held, y = columns(0, runs, n, d, "cpu"), directions(0, runs, n)
    eta = torch.full((runs,), step_proof(1.0, n, d), dtype=torch.float64)
    trace = descend(held, y, eta, 3000, tolerance=1e-8)
    exists = [nnls(each.V.numpy(), x)[1] < 1e-9 for each, x in zip(held, y.numpy(), strict=True)]
    done = [outcome == "converged" for outcome in trace.outcomes]
    assert 0 < sum(done) < sum(exists) < runs
    assert not any(d and not e for d, e in zip(done, exists, strict=True))


def test_half_of_the_fits_exist_from_about_four_columns_a_row_on() -> None:
    for n in (1, 5, 40):
        ratio = phase._half_exact(n)
        assert phase.fit_exists(n, round(ratio * n)) >= 0.5 > phase.fit_exists(n, round(ratio * n) - 1)
        assert abs(ratio - 4) < 2 / n


def test_phase_finds_a_threshold_between_failing_and_converging_widths() -> None:
    cells = [cell("phase", seed, ratio=ratio, runs=16) for ratio in (2.0, 6.0, 10.0, 30.0) for seed in (0, 1)]
    rows = phase.PHASE_STUDY.table(cells)
    (half,) = (r for r in rows if r["quantity"] == "half converged" and r["source"] == "simulation")
    assert 2 < half["low"] < half["value"] < half["high"] < 30
    assert half["count"] == 128


def test_late_factor_is_that_of_the_last_half() -> None:
    class Trace:
        ends = np.array([8, 4])
        misfits = np.full((2, 10), np.nan)

    Trace.misfits[0, :9] = [1, 0.9, 0.8, 0.7, *(0.6 * 0.5 ** np.arange(5))]
    Trace.misfits[1, :5] = 0.25 ** np.arange(5)
    assert rate.late_factor(Trace) == pytest.approx([0.5, 0.25])


def test_rate_is_that_of_the_linearised_descent_where_few_neurons_switch() -> None:
    _, _, row = cell("rate", n=8, ratio=3000.0, steps=2000)
    assert row["converged"] == 3
    assert row["rate"] == pytest.approx(row["rate_linear_end"], rel=0.05)
    assert rate.edge_rate(8, 24_000) == pytest.approx(row["rate_linear_start"], rel=0.05)
    assert rate.edge_rate(8, 16) == 0.0
    rows = rate.RATE_STUDY.table([(SMALL["rate"], 0, row | {"d": 24_000})])
    promised = {(r["source"], r["quantity"]): r["value"] for r in rows}
    assert promised["proof", "rate"] == pytest.approx(1 - factor_proof(4, 24_000), rel=1e-5)
    assert promised["printed", "rate"] == pytest.approx(1 - factor_printed(4, 24_000), rel=1e-5)


def test_the_printed_step_is_beyond_the_edge_of_stability_which_draws_confirm() -> None:
    for d in (16, 64, 4096, 10**9):
        assert 8 - 1e-3 <= step.printed_multiple(16, d) <= 16
        assert step.edge_multiple(16, d) < step.printed_multiple(16, d)
    _, _, row = cell("step", n=32, ratio=30.0, steps=2)
    assert row["edge_multiple"] == pytest.approx(step.edge_multiple(32, 960), rel=0.1)
    assert row["sharpness"] == pytest.approx(2 * 2.0 / row["edge_multiple"], rel=0.05)


def test_every_step_meets_the_same_columns() -> None:
    edges = {cell("step", multiple=multiple)[2]["edge_multiple"] for multiple in (0.5, 2.0, 8.0)}
    assert len(edges) == 1


def test_share_below_half_is_that_of_dense_draws_and_of_the_exact_law() -> None:
    n, d, generator = 4, 60, np.random.default_rng(3)
    V = generator.standard_normal((1500, n, d)) * (generator.standard_normal((1500, 1, d)) >= 0)
    smallest = np.linalg.svd(V, compute_uv=False)[:, -1] / math.sqrt(d)
    exact = sigma.probability_below(n, d, Fraction(1, 2))
    for below in (int((smallest < 0.5).sum()), cell("sigma", ratio=15.0, trials=1500)[2]["below_half"]):
        low, high = clopper_pearson(below, 1500, 1e-6)
        assert low < exact < high
    median = sigma.exact_median(n, d)
    low, high = clopper_pearson(int((smallest < median).sum()), 1500, 1e-6)
    assert low < 0.5 < high


def test_sigma_tables_the_exact_width_at_which_the_median_is_a_half() -> None:
    rows = sigma.SIGMA_STUDY.table([cell("sigma", ratio=ratio, trials=400) for ratio in (10.0, 16.0, 25.0)])
    by_source = {r["source"]: r for r in rows if r["quantity"] == "median reaches half"}
    assert by_source["simulation"]["low"] < by_source["exact law"]["value"] < by_source["simulation"]["high"]
    d = round(4 * by_source["exact law"]["value"])
    assert sigma.probability_below(4, d, Fraction(1, 2)) <= 0.5 < sigma.probability_below(4, d - 1, Fraction(1, 2))


def test_no_path_switches_more_than_the_worst_case_of_its_ball() -> None:
    for ratio in (6.0, 30.0, 200.0):
        _, _, row = cell("signs", n=6, ratio=ratio)
        assert 0 < row["off"] <= row["worst_on"] <= row["worst_all"] <= row["d"]
        assert row["change"] <= row["worst_change"] < signs.change_bound(6, row["d"], row["radius"])
        assert row["worst_all"] <= signs.count_bound(row["d"], row["radius"])


def test_lemma_b2_is_silent_where_its_logarithm_is_negative() -> None:
    assert signs.change_bound_printed(4, 40, 10.0) is None
    d, R = 10**9, 10.0
    x = (2 * d * R) ** (2 / 3)
    by_hand = (4 + math.sqrt(6 * x * math.log(d / (3 * x)))) / math.sqrt(d)
    assert signs.change_bound_printed(4, d, R) == pytest.approx(by_hand)
    assert signs.count_bound(40, 10.0) == 40


@pytest.mark.parametrize("n", [1, 2, 7, 16])
def test_fourier_is_an_orthonormal_basis_ordered_by_frequency(n: int) -> None:
    F = sensing.fourier(n)
    assert pytest.approx(np.eye(n), abs=1e-12) == F @ F.T
    assert np.ptp(F[0]) == 0


@pytest.mark.parametrize("kind", sensing.MATRICES)
def test_sensing_matrices_have_orthonormal_rows_or_the_energy_said(kind: str) -> None:
    A = sensing.sensing_matrix(kind, 40, 400, np.random.default_rng(0))
    assert A.shape == (40, 400)
    if kind in sensing.ORTHONORMAL:
        assert pytest.approx(np.eye(40), abs=1e-12) == A @ A.T
    else:
        assert (A**2).sum(1).mean() == pytest.approx(10 if kind == "gaussian 1/m" else 1, rel=0.05)


def test_unknown_or_too_tall_sensing_matrices_are_refused() -> None:
    for kind, m, n in (("hadamard", 2, 4), ("cosine", 5, 4)):
        with pytest.raises(ValueError, match="kind must be one of"):
            sensing.sensing_matrix(kind, m, n, np.random.default_rng(0))
    with pytest.raises(ValueError, match="m must be at most n, got 20 and 12"):
        load_study("sensing").fit_all(SMALL["sensing"] | {"m": 20})


def test_a_whole_orthonormal_basis_changes_nothing() -> None:
    rows = [cell("sensing", matrix=kind, n=6, m=6)[2] for kind in sensing.ORTHONORMAL]
    assert rows[0]["rate"] == pytest.approx(rows[1]["rate"], rel=1e-9)
    smallest = [np.linalg.svd(each.V.numpy(), compute_uv=False)[-1] for each in columns(0, 3, 6, 72, "cpu")]
    assert rows[0]["sigma_min"] == pytest.approx(np.median(smallest) / math.sqrt(72), rel=1e-9)


def test_turning_signal_and_columns_together_changes_no_misfit() -> None:
    held, y = columns(2, 2, 5, 60, "cpu"), directions(2, 2, 5)
    Q = torch.linalg.qr(torch.from_numpy(np.random.default_rng(1).standard_normal((5, 5))))[0]
    eta = torch.full((2,), step_proof(1.0, 5, 60), dtype=torch.float64)
    turned = descend([Mixed(each, Q) for each in held], y @ Q.T, eta, 60)
    assert turned.misfits == pytest.approx(descend(held, y, eta, 60).misfits, rel=1e-9)


def test_smooth_map_keeps_the_energy_and_favours_low_frequencies() -> None:
    A = noise.smooth_map(25)
    assert pytest.approx(A.T, abs=1e-12) == A
    assert (A**2).sum() == pytest.approx(25)
    flat, checks = np.full(25, 0.2), (-1.0) ** np.arange(25) / 5
    assert pytest.approx(np.linalg.norm(A, 2) * flat) == A @ flat
    assert np.linalg.norm(A @ checks) < 0.5 * np.linalg.norm(A @ flat)
    with pytest.raises(ValueError, match="n must be a square number, got 24"):
        noise.smooth_map(24)
    with pytest.raises(ValueError, match="n must be a square number, got 24"):
        load_study("noise").fit_all(SMALL["noise"] | {"n": 24})


def test_signals_have_norm_one_and_the_noise_said() -> None:
    for kind in noise.SIGNALS:
        x, y = noise.signals(kind, 16, 3, 0)
        assert np.linalg.norm(y, axis=1) == pytest.approx(np.ones(3))
        share = np.linalg.norm(y - x, axis=1) / np.linalg.norm(x, axis=1)
        assert share == pytest.approx(np.full(3, noise.NOISE if kind == "noisy picture" else 0.0))


def test_errors_to_y_itself_are_the_misfits() -> None:
    (held,), y = columns(1, 1, 9, 90, "cpu"), directions(1, 1, 9)
    mixed, eta = Mixed(held, torch.from_numpy(noise.smooth_map(9))), step_proof(1.0, 9, 90) / 2
    trace = descend([mixed], y, torch.tensor([eta], dtype=torch.float64), 40)
    assert noise.errors(mixed, y[0].numpy(), y[0].numpy(), eta, 40) == pytest.approx(trace.misfits[0], rel=1e-8)


def test_first_below_is_the_first_step_or_nothing() -> None:
    misfits = np.array([[3.0, 1.0, 2.0, 0.5], [3.0, 2.0, np.nan, np.nan]])
    assert noise.first_below(misfits, 1.0)[0] == 1
    assert np.isnan(noise.first_below(misfits, 1.0)[1])


def test_the_first_failing_step_follows_one_that_half_of_the_runs_took() -> None:
    rows = step.STEP_STUDY.table(
        [cell("step", ratio=40.0, steps=600, multiple=multiple) for multiple in (0.001, 2.0, 3.0, 400.0, 800.0)]
    )
    (threshold,) = (row for row in rows if row["quantity"] == "first failing")
    assert (threshold["low"], threshold["value"]) == (3.0, 400.0)
    none = step.STEP_STUDY.table([cell("step", ratio=40.0, steps=600, multiple=multiple) for multiple in (2.0, 3.0)])
    assert [row for row in none if row["quantity"] == "first failing"] == []
