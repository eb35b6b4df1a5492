import math

import numpy as np
import pytest

from untrained.sims.dynamics.trajectory import follow
from untrained.theory.objects import relu_generator as rg
from untrained.theory.objects import width
from untrained.theory.objects.sign_changes import alignments


def instance(seed, batch, n, d, k=3):
    """Unit-variance V, W_0, z (one for the whole batch) and y."""
    rng = np.random.default_rng([90, seed, n, d])
    V, W = rng.standard_normal((batch, n, d)), rng.standard_normal((batch, d, k))
    return V, W, rng.standard_normal(k), rng.standard_normal((batch, n))


def in_full(V, W, z, y, step, steps):
    """Gradient descent on the d x k matrix, one run, as printed."""
    d = V.shape[-1]
    V = float(rg.output_scale(y, z, d)) * V
    start, misfits, distances = W, [], []
    for t in range(steps + 1):
        misfits.append(np.linalg.norm(rg.residual(V, W, z, y)))
        distances.append(np.linalg.norm(W - start))
        if t < steps:
            W = W - step * rg.gradient(V, W, z, y)
    changed = (rg.activation_pattern(W, z) != rg.activation_pattern(start, z)).sum()
    return misfits, distances, changed


def first_bad_step(V, g, y, step, steps):
    """First step of one run at which the misfit is not finite, or -1, with z of norm 1."""
    n, d = V.shape
    nu, h = np.linalg.norm(y) / math.sqrt(d * n), g.copy()
    with np.errstate(all="ignore"):
        for t in range(steps + 1):
            r = nu * V @ np.maximum(h, 0) - y
            if not math.isfinite(np.linalg.norm(r)):
                return t
            h = h - step * nu * (V.T @ r) * (h >= 0)
    return -1


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 8), (8, 3), (5, 40)])
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_reduced_iteration_is_the_full_one(n, d, scale):
    V, W, z, y = instance(0, 4, n, d)
    for i in range(4):
        step = scale * width.step_proof(float(np.linalg.norm(y[i])), n, d)
        one = (V[i : i + 1], alignments(W[i : i + 1], z), y[i : i + 1])
        run = follow(*one, step=step, steps=60, z_norm=float(np.linalg.norm(z)))
        misfits, distances, changed = in_full(V[i], W[i], z, y[i], step, 60)
        # Sixty steps that do not expand, each adding a few dozen units of rounding to numbers of order one.
        np.testing.assert_allclose(run.misfits[0], misfits, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(run.distances[0], distances, rtol=1e-10, atol=1e-12)
        assert run.sign_changes[0] == changed
        assert run.diverged_at[0] == -1


def test_some_runs_change_signs():
    V, W, z, y = instance(1, 6, 5, 40)
    run = follow(V, alignments(W, z), y, step=2.0, steps=60, z_norm=1.0)
    assert run.sign_changes.max() > 0


def test_batches_agree_with_loops():
    V, W, z, y = instance(2, 5, 4, 9)
    g = alignments(W, z)
    together = follow(V, g, y, step=0.3, steps=30, z_norm=1.7)
    for i in range(5):
        alone = follow(V[i : i + 1], g[i : i + 1], y[i : i + 1], step=0.3, steps=30, z_norm=1.7)
        np.testing.assert_allclose(together.misfits[i], alone.misfits[0], rtol=1e-10)
        np.testing.assert_allclose(together.distances[i], alone.distances[0], rtol=1e-10)
        assert together.sign_changes[i] == alone.sign_changes[0]
        assert together.diverged_at[i] == alone.diverged_at[0]


def test_shapes_and_starting_values():
    V, W, z, y = instance(3, 2, 4, 9)
    run = follow(V, alignments(W, z), y, step=0.1, steps=7, z_norm=1.0)
    assert run.misfits.shape == run.distances.shape == (2, 8)
    assert run.sign_changes.shape == run.diverged_at.shape == (2,)
    np.testing.assert_array_equal(run.distances[:, 0], 0.0)


def test_no_steps_measure_the_start_only():
    V, W, z, y = instance(4, 2, 4, 9)
    run = follow(V, alignments(W, z), y, step=0.1, steps=0, z_norm=1.0)
    assert run.misfits.shape == (2, 1)
    np.testing.assert_array_equal(run.sign_changes, 0)


def test_the_norm_of_z_only_rescales_step_and_distance():
    V, W, z, y = instance(5, 3, 4, 9)
    g = alignments(W, z)
    one = follow(V, g, y, step=0.2, steps=25, z_norm=1.0)
    two = follow(V, g, y, step=0.2, steps=25, z_norm=2.0)
    # nu carries 1/||z||, so the output and its Jacobian in W do not depend on ||z|| at all.
    np.testing.assert_allclose(two.misfits, one.misfits, rtol=1e-10)
    np.testing.assert_allclose(two.distances, one.distances, rtol=1e-10, atol=1e-12)


def test_scaling_the_target_scales_the_misfit_when_the_step_follows():
    V, W, z, y = instance(6, 3, 4, 9)
    g = alignments(W, z)
    one = follow(V, g, y, step=0.2, steps=25, z_norm=1.0)
    ten = follow(V, g, 10 * y, step=0.002, steps=25, z_norm=1.0)
    np.testing.assert_allclose(ten.misfits, 10 * one.misfits, rtol=1e-10)


@pytest.mark.parametrize("step", [50.0, 1e10, 1e155, 1e200, 1e300])
@pytest.mark.parametrize("steps", [1, 2, 40])
def test_divergence_is_recorded_at_the_step_where_it_happens(step, steps):
    V, W, z, y = instance(7, 20, 3, 6)
    g = alignments(W, z)
    run = follow(V, g, y, step=step, steps=steps, z_norm=1.0)
    expected = [first_bad_step(V[i], g[i], y[i], step, steps) for i in range(20)]
    np.testing.assert_array_equal(run.diverged_at, expected)
    assert not np.isnan(run.misfits).any()
    np.testing.assert_array_equal(np.isinf(run.misfits).any(axis=-1), run.diverged_at >= 0)


def test_huge_steps_do_diverge_and_small_ones_do_not():
    V, W, z, y = instance(8, 20, 3, 6)
    g = alignments(W, z)
    assert (follow(V, g, y, step=1e200, steps=3, z_norm=1.0).diverged_at >= 0).any()
    assert (follow(V, g, y, step=0.1, steps=3, z_norm=1.0).diverged_at == -1).all()


def test_arguments_are_left_as_they_were():
    V, W, z, y = instance(9, 2, 3, 6)
    g = alignments(W, z)
    before = [x.copy() for x in (V, g, y)]
    follow(V, g, y, step=0.5, steps=10, z_norm=1.0)
    for x, old in zip((V, g, y), before, strict=True):
        np.testing.assert_array_equal(x, old)


def test_integer_arrays_are_taken():
    V, g, y = np.array([[[1, 2], [0, 1]]]), np.array([[1, -1]]), np.array([[3, 4]])
    whole = follow(V, g, y, step=0.1, steps=5, z_norm=1.0)
    real = follow(V * 1.0, g * 1.0, y * 1.0, step=0.1, steps=5, z_norm=1.0)
    np.testing.assert_array_equal(whole.misfits, real.misfits)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"V": np.full((2, 3, 4), math.nan)}, "V must be finite"),
        ({"g": np.full((2, 4), math.inf)}, "g must be finite"),
        ({"y": np.full((2, 3), math.nan)}, "y must be finite"),
        ({"y": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])}, "y must not be the zero vector"),
        ({"V": np.ones((2, 3, 4), dtype=complex)}, "V must be an array of real numbers"),
        ({"V": np.ones((3, 4))}, "V must have at least 3 axes"),
        ({"g": np.ones(4)}, "g must have at least 2 axes"),
        ({"y": np.ones(3)}, "y must have at least 2 axes"),
        ({"g": np.ones((2, 5))}, "columns of V and g must agree"),
        ({"y": np.ones((2, 4))}, "rows of V and y must agree"),
        ({"g": np.ones((3, 4))}, "batch of V and batch of g must agree"),
        ({"y": np.ones((1, 3))}, "batch of V and batch of y must agree"),
        ({"step": 0.0}, "step and z_norm must be > 0"),
        ({"step": -0.1}, "step and z_norm must be > 0"),
        ({"step": math.nan}, "step and z_norm must be > 0"),
        ({"z_norm": 0.0}, "step and z_norm must be > 0"),
        ({"z_norm": math.nan}, "step and z_norm must be > 0"),
        ({"steps": -1}, "steps must be an integer >= 0"),
        ({"steps": 1.5}, "steps must be an integer >= 0"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {"V": np.ones((2, 3, 4)), "g": np.ones((2, 4)), "y": np.ones((2, 3))}
    with pytest.raises(ValueError, match=message):
        follow(**{**good, "step": 0.1, "steps": 3, "z_norm": 1.0, **change})
