from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from untrained.sims.images.bases import make_basis
from untrained.sims.images.datasets import dataset
from untrained.sims.operators import as_operator, make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import lasso_columns
from untrained.sims.recovery.baselines.lasso import LassoSettings, recover
from untrained.sims.recovery.baselines.lasso_solver import dual_value, feasible_scale
from untrained.sims.recovery.baselines.linear_systems import Grams, conjugate_gradients, factorised

SHAPE = (1, 6, 6)
WAYS = ("everything", "working set", "products only")


def measured(m=14, shape=SHAPE, seed=0, name="gaussian", **options):
    """An operator and measurements of an image with a few large cosines, a mean and some texture."""
    operator = make_operator(name, shape, m, seed, **options)
    x = stream(seed, "image").standard_normal(shape) * 0.1
    x += 0.5 * np.cos(np.arange(shape[-1])) - 0.4
    return operator, operator.forward(torch.from_numpy(x).float())


def matrix_of(operator, basis):
    atoms = torch.eye(basis.n, dtype=torch.float64).reshape(-1, *basis.shape)
    return operator.forward(basis.synthesis(atoms)).T.numpy()


def coordinate_descent(B, y, penalties, sweeps=4_000):
    """The slow twin: minimise over one coefficient after another, exactly, until none moves."""
    c, r, squares = np.zeros(B.shape[1]), y.copy(), (B**2).sum(0)
    for _ in range(sweeps):
        moved = 0.0
        for j in range(B.shape[1]):
            z = c[j] + B[:, j] @ r / squares[j]
            new = np.sign(z) * max(abs(z) - penalties[j] / squares[j], 0.0)
            r += B[:, j] * (c[j] - new)
            moved, c[j] = max(moved, abs(new - c[j])), new
        if moved < 1e-14:
            break
    return c, r @ r / 2 + penalties @ np.abs(c)


def value(B, y, penalties, c):
    r = y - B @ c
    return r @ r / 2 + penalties @ np.abs(c)


def choose(way, monkeypatch):
    """The three ways to hold A Psi: all columns, some of them beside float32 rows, and none."""
    if way != "everything":
        monkeypatch.setattr(lasso_columns, "SMALL_MATRIX", 0)
    if way == "products only":
        monkeypatch.setattr(lasso_columns, "worth_holding", lambda *_: False)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "settings",
    [
        LassoSettings(penalty=0.05, tolerance=1e-6),
        LassoSettings(penalty=1e-3, tolerance=1e-6),
        LassoSettings(penalty=0.02, penalise_mean=False, tolerance=1e-6),
        LassoSettings(penalty=0.01, frequency_weight=1.5, tolerance=1e-6),
        LassoSettings(basis="wavelet", wavelet="db2", penalty=0.01, tolerance=1e-6),
    ],
)
def test_the_minimum_is_that_of_coordinate_descent(settings, way, monkeypatch):
    choose(way, monkeypatch)
    operator, y = measured()
    basis = make_basis(settings.basis, SHAPE, settings.wavelet)
    f = basis.frequency().flatten().numpy()
    penalties = settings.penalty * (1 + f) ** settings.frequency_weight
    if not settings.penalise_mean:
        penalties[0] = 0
    B, y64 = matrix_of(operator, basis), y.double().numpy()
    _, least = coordinate_descent(B, y64, penalties)
    result = recover(operator, y, settings)
    assert result.outcome == "converged"
    objective = value(B, y64, penalties, basis.analysis(result.image.double()).flatten().numpy())
    proof = result.certificate
    # Coordinate descent stops where nothing moves by 1e-14, so its value is good to about 1e-14 of the first one's.
    assert proof["dual"] <= least * (1 + 1e-10)
    assert least * (1 - 1e-10) <= objective <= least * (1 + settings.tolerance * 1.01)
    assert objective == pytest.approx(proof["primal"], rel=1e-10)


@pytest.mark.parametrize("m", [5, 14, 30])
def test_the_solution_is_that_of_scikit_learn(m):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    operator, y = measured(m)
    basis = make_basis("dct", SHAPE)
    theirs = linear_model.Lasso(alpha=1e-3, fit_intercept=False, tol=1e-14, max_iter=10**6)
    theirs.fit(matrix_of(operator, basis), y.double().numpy())
    result = recover(operator, y, LassoSettings(penalty=m * 1e-3, tolerance=1e-6))
    ours = basis.analysis(result.image.double()).flatten()
    # The optimum is unique here; a gap of 1e-6 of a value of order 0.1 leaves some sqrt(1e-7) of freedom along B.
    np.testing.assert_allclose(ours, theirs.coef_, atol=1e-3)


def test_the_default_penalty_is_that_of_scikit_learns_alpha_of_1e_minus_5():
    operator, y = measured(14)
    assert recover(operator, y).certificate["penalty"] == pytest.approx(14e-5)
    doubled = make_operator("superres", (1, 8, 8), factor=2)
    x = torch.full((1, 8, 8), 0.5)
    penalty = recover(doubled, doubled.forward(x)).certificate["penalty"]
    assert penalty == pytest.approx(1e-5 * doubled.m * doubled.gain)


@pytest.mark.parametrize("settings", [LassoSettings(), LassoSettings(penalise_mean=False), LassoSettings("wavelet")])
def test_the_certificate_follows_from_the_image_and_the_dual_variable(settings):
    operator, y = measured(20, (3, 8, 8))
    result = recover(operator, y, settings)
    basis = make_basis(settings.basis, (3, 8, 8))
    B, y64 = matrix_of(operator, basis), y.double().numpy()
    paid = np.ones(192, dtype=bool) if settings.penalise_mean else basis.frequency().flatten().numpy() > 0
    penalties = np.where(paid, 20e-5, 0.0)
    u = np.array(result.trace["dual"])
    u -= B[:, ~paid] @ np.linalg.pinv(B[:, ~paid]) @ u if (~paid).any() else 0
    u *= min(1.0, (penalties[paid] / np.abs(B[:, paid].T @ u)).min())
    assert np.abs(B.T @ u).max() <= 20e-5 * (1 + 1e-12)
    primal = value(B, y64, penalties, basis.analysis(result.image.double()).flatten().numpy())
    proof = result.certificate
    assert proof["primal"] == pytest.approx(primal, rel=1e-9)
    assert proof["dual"] == pytest.approx(u @ y64 - u @ u / 2, rel=1e-6)
    assert proof["relative_gap"] == pytest.approx((proof["primal"] - proof["dual"]) / proof["primal"])
    assert 0 <= proof["relative_gap"] <= settings.tolerance
    assert result.misfit == pytest.approx(
        ((B @ basis.analysis(result.image.double()).flatten().numpy() - y64) ** 2).sum()
    )


def test_a_dual_variable_left_unscaled_would_prove_too_much():
    operator, y = measured()
    basis = make_basis("dct", SHAPE)
    B, y64 = matrix_of(operator, basis), y.double().numpy()
    penalties = np.full(36, 0.05)
    _, least = coordinate_descent(B, y64, penalties)
    u, p = torch.from_numpy(y64 / 2), torch.from_numpy(penalties)
    correlations = torch.from_numpy(B.T) @ u
    assert dual_value(u, u * 2, correlations, p) <= least < float(u @ (2 * u) - u @ u / 2)
    s = feasible_scale(u, u * 2, correlations, p)
    assert float((s * correlations).abs().max()) == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["gaussian", "scrambled-dct", "inpainting"])
@pytest.mark.parametrize("m", [9, 25])
def test_no_correlation_of_the_residual_exceeds_the_penalty(m, name):
    operator, y = measured(m, name=name)
    settings = LassoSettings(penalty=0.01, tolerance=1e-6)
    result = recover(operator, y, settings)
    basis = make_basis("dct", SHAPE)
    B = matrix_of(operator, basis)
    c = basis.analysis(result.image.double()).flatten().numpy()
    correlations = B.T @ (y.double().numpy() - B @ c)
    # The data term is strongly convex in A x: ||r - u||^2/2 is at most the gap, 1e-6 of the value; columns are < 2.
    slack = 2 * np.sqrt(2e-6 * result.certificate["primal"])
    active = np.abs(c) > 1e-3
    assert active.any()
    assert np.abs(correlations).max() <= 0.01 + slack
    np.testing.assert_allclose(correlations[active], 0.01 * np.sign(c[active]), atol=slack)


def test_a_large_penalty_gives_the_zero_image_and_no_gap():
    operator, y = measured()
    B = matrix_of(operator, make_basis("dct", SHAPE))
    largest = np.abs(B.T @ y.double().numpy()).max()
    assert not recover(operator, y, LassoSettings(penalty=1.01 * largest)).image.any()
    below = recover(operator, y, LassoSettings(penalty=0.99 * largest))
    assert int((make_basis("dct", SHAPE).analysis(below.image).abs() > 1e-6).sum()) == 1


def test_measurements_of_nothing_give_the_zero_image():
    operator, y = measured()
    result = recover(operator, torch.zeros_like(y))
    assert not result.image.any()
    assert (result.outcome, result.certificate["gap"]) == ("converged", 0.0)


def test_a_free_mean_is_the_mean_of_a_constant_image_and_a_penalised_one_is_smaller():
    operator = make_operator("gaussian", SHAPE, 20)
    y = operator.forward(torch.full(SHAPE, 0.7))
    free = recover(operator, y, LassoSettings(penalty=0.5, penalise_mean=False))
    torch.testing.assert_close(free.image, torch.full(SHAPE, 0.7), atol=1e-5, rtol=0)
    assert free.outcome == "converged"
    assert float(recover(operator, y, LassoSettings(penalty=0.5)).image.mean()) < 0.69


@pytest.mark.parametrize("way", WAYS)
def test_a_free_mean_that_is_not_measured_is_zero_and_hides_no_measurement(way, monkeypatch):
    choose(way, monkeypatch)
    rows = stream(0, "test", "differences").standard_normal((14, 36))
    operator = as_operator(rows - rows.mean(1, keepdims=True), SHAPE)
    y = operator.forward(0.3 * torch.from_numpy(stream(1, "image").standard_normal(SHAPE)).float())
    free = recover(operator, y, LassoSettings(penalty=0.5, penalise_mean=False))
    paid = recover(operator, y, LassoSettings(penalty=0.5))
    assert (free.outcome, paid.outcome) == ("converged", "converged")
    # Whatever the mean costs it is 0, as nothing measures it; each value is within a tolerance of 1e-4 of the least.
    assert free.certificate["primal"] == pytest.approx(paid.certificate["primal"], rel=2e-4)
    assert abs(float(free.image.mean())) < 1e-6


def test_the_smaller_the_tolerance_the_smaller_the_gap():
    operator, y = measured(30, (1, 12, 12))
    gaps = [recover(operator, y, LassoSettings(tolerance=t)).certificate["relative_gap"] for t in (1e-1, 1e-3, 1e-6)]
    assert gaps[0] <= 1e-1
    assert gaps[1] <= 1e-3
    assert gaps[2] <= 1e-6


def test_running_out_of_steps_is_told_with_a_gap_that_still_holds():
    operator, y = measured(30, (1, 12, 12))
    short = recover(operator, y, LassoSettings(max_steps=3))
    full = recover(operator, y)
    assert (short.outcome, short.steps, len(short.trace["loss"])) == ("steps ended", 3, 3)
    assert short.certificate["dual"] <= full.certificate["primal"] <= short.certificate["primal"]
    assert short.certificate["relative_gap"] > 1e-4


def test_an_interrupt_returns_the_last_image():
    def stop(step, total, loss):
        if step == 10:
            raise KeyboardInterrupt

    operator, y = measured(30, (1, 12, 12))
    result = recover(operator, y, watch=stop)
    assert (result.outcome, result.steps) == ("interrupted", 10)
    assert result.image.any()
    assert result.certificate["gap"] >= 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_measurements_that_are_not_finite_are_an_outcome(bad):
    operator, y = measured()
    y[3] = bad
    for settings in (LassoSettings(), LassoSettings(penalise_mean=False)):
        result = recover(operator, y, settings)
        assert result.outcome == "diverged at step 0"
        assert not result.image.any()


def test_an_operator_that_breaks_on_the_way_is_an_outcome_with_the_last_finite_image(monkeypatch):
    choose("products only", monkeypatch)
    operator, y = measured(30, (1, 12, 12))
    calls = iter(range(10**9))
    product = operator._product
    monkeypatch.setattr(operator, "_product", lambda x: product(x) * (float("nan") if next(calls) > 40 else 1.0))
    result = recover(operator, y)
    assert result.outcome == f"diverged at step {result.steps}"
    assert result.steps > 0
    assert result.image.any()
    assert torch.isfinite(result.image).all()


def test_the_watch_sees_every_step_and_the_trace_ends_at_the_value():
    reports = []
    operator, y = measured(30, (1, 12, 12))
    result = recover(operator, y, watch=lambda *report: reports.append(report))
    assert [step for step, _, _ in reports] == list(range(1, result.steps + 1))
    assert [loss for _, _, loss in reports] == result.trace["loss"]
    assert {total for _, total, _ in reports} == {1000}
    assert result.certificate["primal"] <= min(result.trace["loss"]) * (1 + 1e-3)


def test_two_runs_give_the_same_numbers_whatever_the_seed():
    operator, y = measured()
    first, second = recover(operator, y, seed=0), recover(operator, y, seed=1)
    assert torch.equal(first.image, second.image)
    assert first.image.dtype == torch.float32
    assert first.settings == asdict(LassoSettings())
    assert first.method == "lasso-dct"


@pytest.mark.parametrize(("side", "levels"), [(28, 2), (27, 0), (8, 1)])
def test_the_certificate_says_how_many_levels_the_wavelets_have(side, levels):
    operator, y = measured(20, (1, side, side))
    assert recover(operator, y, LassoSettings("wavelet", penalty=0.1)).certificate["levels"] == levels


def test_penalties_that_grow_with_frequency_recover_natural_images_better():
    images = images_or_skip()[:4]
    operator = make_operator("gaussian", (1, 28, 28), 75)
    flat, weighted = (
        np.mean([float((recover(operator, operator.forward(x), s).image - x).square().mean()) for x in images])
        for s in (LassoSettings(), LassoSettings(frequency_weight=1.0))
    )
    assert weighted < 0.8 * flat


@pytest.mark.parametrize("m", [25, 200])
def test_digits_converge_in_both_bases(m):
    x = images_or_skip()[0]
    operator = make_operator("gaussian", (1, 28, 28), m)
    for name in ("dct", "wavelet"):
        result = recover(operator, operator.forward(x), LassoSettings(name))
        assert result.outcome == "converged"
        assert result.steps < 200


def images_or_skip():
    try:
        return dataset("mnist")
    except (ValueError, OSError) as error:
        pytest.skip(f"the digits are not here: {error}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"basis": "fourier"}, "basis must be dct or wavelet, got 'fourier'"),
        ({"wavelet": "sym4"}, "wavelet must be haar or db1 to db15, got 'sym4'"),
        ({"penalty": 0.0}, "penalty must be above 0, got 0.0"),
        ({"penalty": float("nan")}, "penalty must be above 0, got nan"),
        ({"frequency_weight": -1.0}, "frequency_weight must be at least 0, got -1.0"),
        ({"tolerance": 1.0}, "tolerance must be above 0 and below 1, got 1.0"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"basis": "wavelet", "penalise_mean": False}, "penalise_mean must be true for wavelets"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(LassoSettings(), **change)


def test_measurements_of_another_operator_are_refused():
    operator, y = measured()
    with pytest.raises(ValueError, match="y must have the operator's 14 entries, got shape"):
        recover(operator, y[:5])


def test_grams_kept_from_step_to_step_are_the_inner_products():
    rng = stream(0, "rows")
    rows = torch.from_numpy(rng.standard_normal((5, 60)))
    grams = Grams(rows)
    for size in (3, 20, 40, 4, 9, 30):
        numbers = torch.from_numpy(rng.choice(60, size, replace=False))
        wanted = rows[:, numbers].T @ rows[:, numbers]
        torch.testing.assert_close(grams.of(numbers), wanted, atol=1e-12, rtol=0)


def test_a_factor_solves_and_survives_a_matrix_that_rounding_made_indefinite():
    b = torch.tensor([1.0, 2.0], dtype=torch.float64)
    matrix = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    torch.testing.assert_close((matrix + torch.eye(2)) @ factorised(matrix.clone(), 1.0)(b), b)
    indefinite = torch.tensor([[1.0, 1.0], [1.0, 1.0 - 1e-12]], dtype=torch.float64)
    assert torch.isfinite(factorised(indefinite, 0.0)(b)).all()


def test_conjugate_gradients_solve_in_as_many_products_as_there_are_dimensions():
    rng = stream(0, "system")
    root = torch.from_numpy(rng.standard_normal((6, 6)))
    matrix, b = root @ root.T + torch.eye(6), torch.from_numpy(rng.standard_normal(6))
    x = conjugate_gradients(lambda p: matrix @ p, b, lambda r: r.norm() < 1e-9, lambda r: r, 20)
    torch.testing.assert_close(matrix @ x, b, atol=1e-8, rtol=0)
    assert not conjugate_gradients(lambda p: matrix @ p, 0 * b, lambda r: r.norm() < 0, lambda r: r, 20).any()
