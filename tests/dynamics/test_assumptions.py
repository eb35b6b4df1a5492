import numpy as np
import pytest
import torch

from untrained.sims.dynamics.columns import StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trace import FLOOR, assumptions, rates
from untrained.theory.objects.relu_generator import jacobian, output_scale


@pytest.fixture
def case():
    """A run with all its weights at the start and the end."""
    n, d, k = 4, 300, 2
    rng = np.random.default_rng(3)
    V, W, y, z = (
        rng.standard_normal((n, d)),
        rng.standard_normal((d, k)),
        rng.standard_normal(n),
        rng.standard_normal(k),
    )
    norm = float(np.linalg.norm(z))
    columns = StoredColumns.of(torch.from_numpy(V), torch.from_numpy(W @ z / norm))
    step = float(d * n / ((np.sqrt(d) + 2 * np.sqrt(n)) * np.linalg.norm(y)) ** 2)
    trace = descend([columns], torch.from_numpy(y[None]), torch.tensor([step], dtype=torch.float64), 60, z_norm=norm)
    return V * float(output_scale(y, z, d)), W, y, z, step, trace


def test_alpha_beta_and_radius_are_those_of_the_actual_weights(case):
    V, W, y, z, step, trace = case
    terms = assumptions(trace, np.array([step]), np.array([np.linalg.norm(y)]))
    values = np.linalg.svd(jacobian(V, W, z), compute_uv=False)
    assert terms.alpha[0] == pytest.approx(values[-1] / 2, rel=1e-10)
    assert terms.beta[0] == pytest.approx(values[0], rel=1e-10)
    r = V @ np.maximum(W @ z, 0) - y
    assert terms.radius[0] == pytest.approx(5 * np.linalg.norm(r) / (values[-1] / 2), rel=1e-10)
    assert terms.stable_step[0] == pytest.approx(2 / values[0] ** 2, rel=1e-10)
    assert terms.promised[0] == pytest.approx(1 - step * (values[-1] / 2) ** 2 / 4, rel=1e-10)
    assert bool(terms.step_allowed[0]) == (step * values[0] ** 2 <= 1)
    assert terms.inside[0]
    assert terms.stable_step_end[0] >= terms.stable_step[0]
    assert terms.mean_factor[0] <= terms.worst[0] < terms.promised[0]


def test_a2_is_judged_by_how_far_the_jacobian_moved(case):
    *_, y, _, step, trace = case
    norm = np.array([np.linalg.norm(y)])
    terms = assumptions(trace, np.array([step]), norm)
    assert bool(terms.a2[0]) == (trace.spectra.change[0, -1] <= terms.alpha[0] / 3)
    trace.spectra.change[0, -1] = terms.alpha[0] / 3 * 0.999
    assert assumptions(trace, np.array([step]), norm).a2[0]
    trace.spectra.change[0, -1] = terms.alpha[0] / 3 * 1.001
    again = assumptions(trace, np.array([step]), norm)
    assert not again.a2[0]
    assert not again.all_held[0]
    trace.spectra.change[0, -1] = np.nan  # a run that diverged has no Jacobian at its end
    assert not assumptions(trace, np.array([step]), norm).a2[0]


def test_without_a_jacobian_of_full_rank_nothing_is_promised(case):
    *_, y, _, step, trace = case
    trace.spectra.smallest[0, 0] = 0.0
    terms = assumptions(trace, np.array([step]), np.array([np.linalg.norm(y)]))
    assert not terms.a1[0]
    assert not terms.all_held[0]
    assert np.isnan(terms.promised[0])
    assert terms.radius[0] == np.inf


def test_rates_are_those_of_the_misfits_above_rounding():
    misfits = np.array([[1.0, 0.5, 0.4, 0.1, FLOOR / 2, np.nan], [1.0, np.nan, np.nan, np.nan, np.nan, np.nan]])
    mean, worst = rates(misfits, np.array([1.0, 1.0]))
    assert mean[0] == pytest.approx(0.1 ** (1 / 3))
    assert worst[0] == pytest.approx(0.8)
    assert np.isnan(mean[1])
    assert np.isnan(worst[1])


def test_rates_of_a_run_that_diverged_end_before_infinity():
    mean, worst = rates(np.array([[1.0, 2.0, 8.0, np.inf]]), np.array([1.0]))
    assert mean[0] == pytest.approx(8**0.5)
    assert worst[0] == pytest.approx(4.0)


def test_numbers_that_are_not_one_a_run_are_refused(case):
    *_, trace = case
    with pytest.raises(ValueError, match=r"one number for each of 1 runs, got \(2,\) and \(1,\)"):
        assumptions(trace, np.ones(2), np.ones(1))
