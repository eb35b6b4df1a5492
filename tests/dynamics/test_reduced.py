import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.sims.dynamics import columns as room
from untrained.sims.dynamics import reduced
from untrained.sims.dynamics.columns import Half, Mixed, Regenerated, StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trace import CONVERGED, DIVERGED, ENDED, STALLED
from untrained.sims.dynamics.trajectory import follow
from untrained.theory.objects.relu_generator import jacobian, output_scale


def network(n, d, k, seed, runs=1):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(k)
    shapes = ((runs, n, d), (runs, d, k), (runs, n))
    return (*(rng.standard_normal(shape) for shape in shapes), z)


def proof_step(y, n, d):
    norms = np.linalg.norm(y, axis=-1)
    return d * n / ((np.sqrt(d) + 2 * np.sqrt(n)) * norms) ** 2


def in_full(V, W, y, z, step, steps):
    """All d x k weights by autograd on the loss itself: misfits, ||W - W_0||, rows switched off, and every W."""
    nu = float(output_scale(y, z, V.shape[1]))
    V, y, z = (torch.from_numpy(a) for a in (V, y, z))
    start = torch.from_numpy(W)
    w, weights, misfits = start.clone().requires_grad_(), [], []
    for _ in range(steps + 1):
        r = nu * V @ torch.relu(w @ z) - y
        weights.append(w.detach().clone())
        misfits.append(float(r.detach().norm()))
        (gradient,) = torch.autograd.grad(0.5 * r.square().sum(), w)
        w = (w - step * gradient).detach().requires_grad_()
    first = start @ z >= 0
    off = [int((first & (w @ z < 0)).sum()) for w in weights]
    return np.array(misfits), np.array([float((w - start).norm()) for w in weights]), off, weights, nu


def run_of(V, W, y, z, step, steps, **options):
    norm = np.linalg.norm(z)
    columns = [StoredColumns.of(torch.from_numpy(v), torch.from_numpy(w @ z / norm)) for v, w in zip(V, W, strict=True)]
    step = torch.as_tensor(np.broadcast_to(step, len(V)).copy(), dtype=torch.float64)
    return descend(columns, torch.from_numpy(y), step, steps, z_norm=float(norm), **options)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 6),
    aspect=st.sampled_from([1, 3, 10, 60]),
    k=st.integers(1, 3),
    seed=st.integers(0, 10**6),
    factor=st.sampled_from([0.3, 1.0, 4.0, 10.0]),
)
def test_the_reduction_is_the_descent_of_all_weights(n, aspect, k, seed, factor):
    d, steps = n * aspect, 25
    V, W, y, z = network(n, d, k, seed)
    step = factor * float(proof_step(y[0], n, d)) / float(z @ z) * float(z @ z)
    misfits, distances, off, _, _ = in_full(V[0], W[0], y[0], z, step, steps)
    trace = run_of(V, W, y, z, step, steps, tolerance=0.0)
    end = int(trace.ends[0])
    # Unstable steps double an error of 1e-16 at most a few ten times in 25 steps.
    scale = max(1.0, misfits.max() / misfits[0]) * misfits[0]
    np.testing.assert_allclose(trace.misfits[0, : end + 1], misfits[: end + 1], rtol=0, atol=1e-7 * scale)
    np.testing.assert_allclose(trace.distances[0, : end + 1], distances[: end + 1], rtol=1e-6, atol=1e-7)
    assert trace.switched[0, : end + 1].tolist() == off[: end + 1]
    if end < steps:  # a stalled run would have gone nowhere
        assert trace.outcomes[0] == STALLED
        assert misfits[-1] == pytest.approx(misfits[end], rel=1e-6)


@pytest.mark.parametrize(("near", "share"), [(1 << 26, 16), (1, 10**9), (1 << 13, 1)])
@pytest.mark.parametrize(("n", "d", "factor"), [(16, 400, 1.0), (16, 400, 6.0), (8, 64, 8.0), (3, 4, 1.0)])
def test_a_batch_follows_what_plain_iteration_on_h_does(n, d, factor, near, share, monkeypatch):
    monkeypatch.setattr(reduced, "NEAR_BYTES", near)
    monkeypatch.setattr(reduced, "NEAR_SHARE", share)
    V, W, y, z = network(n, d, 2, 5, runs=3)
    step = factor * float(proof_step(y[0], n, d))
    norm = float(np.linalg.norm(z))
    plain = follow(V, W @ z / norm, y, step=step, steps=80, z_norm=norm)
    trace = run_of(V, W, y, z, step, 80, tolerance=0.0)
    for b in range(3):
        end = trace.ends[b] + 1
        np.testing.assert_allclose(
            trace.misfits[b, :end], plain.misfits[b, :end], rtol=0, atol=1e-9 * plain.misfits.max()
        )
        np.testing.assert_allclose(trace.distances[b, :end], plain.distances[b, :end], rtol=1e-8, atol=1e-9)
    assert trace.final(trace.switched).tolist() == plain.sign_changes.tolist()
    assert np.isnan(trace.misfits[np.arange(81) > trace.ends[:, None]]).all()


def test_the_spectrum_is_that_of_the_jacobian_in_full():
    V, W, y, z = network(5, 60, 3, 1)
    step = 5 * float(proof_step(y[0], 5, 60))
    *_, off, weights, nu = in_full(V[0], W[0], y[0], z, step, 20)
    trace = run_of(V, W, y, z, step, 20, tolerance=0.0, watch=[3, 20])
    assert off[-1] > 2
    at = {t: jacobian(nu * V[0], weights[t].numpy(), z) for t in (0, 3, 20)}
    assert trace.spectra.steps[0].tolist() == [0, 3, 20, 20]
    for column, t in enumerate((0, 3, 20, 20)):
        values = np.linalg.svd(at[t], compute_uv=False)
        assert trace.spectra.smallest[0, column] == pytest.approx(values[-1], rel=1e-10)
        assert trace.spectra.largest[0, column] == pytest.approx(values[0], rel=1e-10)
        change = np.linalg.norm(at[t] - at[0], 2)
        assert trace.spectra.change[0, column] == pytest.approx(change, rel=1e-7, abs=1e-9)


def test_a_run_is_the_same_whoever_runs_beside_it():
    V, W, y, z = network(6, 90, 2, 2, runs=4)
    steps = proof_step(y, 6, 90) * np.array([1.0, 4.0, 0.5, 9.0])
    together = run_of(V, W, y, z, steps, 200)
    for b in range(4):
        alone = run_of(V[b : b + 1], W[b : b + 1], y[b : b + 1], z, steps[b], 200)
        assert alone.outcomes[0] == together.outcomes[b]
        end = min(alone.ends[0], together.ends[b])
        np.testing.assert_allclose(alone.misfits[0, :end], together.misfits[b, :end], rtol=1e-6, atol=1e-12)


def test_the_stores_give_the_same_run(monkeypatch):
    monkeypatch.setattr(room, "COLUMN_BLOCK", 16 * 7)
    drawn = Regenerated(7, 600, 3, dtype=torch.float64)
    y = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 7)))
    step = torch.from_numpy(4 * proof_step(y.numpy(), 7, 600))
    held, anew = (descend([c], y, step, 150, tolerance=1e-10) for c in (StoredColumns.draw(drawn), drawn))
    # Sums over blocks are taken in another order.
    np.testing.assert_allclose(anew.misfits[0, :20], held.misfits[0, :20], rtol=1e-10, atol=0)
    assert anew.switched[0, 20] == held.switched[0, 20] > 0
    assert anew.outcomes == held.outcomes == (CONVERGED,)
    single = descend([Regenerated(7, 600, 3)], y, step, 150, tolerance=1e-5)
    end = single.ends[0]
    assert end > 5
    np.testing.assert_allclose(single.misfits[0, :end], held.misfits[0, :end], rtol=1e-4, atol=0)
    half = Half(drawn)
    rough = descend([half], y, step, 150, tolerance=1e-10)
    assert rough.outcomes == (CONVERGED,)
    change = np.abs(rough.misfits[0, :5] / held.misfits[0, :5] - 1).max()
    assert 1e-2 * half.error < change < 100 * half.error


def test_a_run_that_is_never_held_needs_few_passes_and_stays_small(monkeypatch):
    drawn = Regenerated(4, 200_000, 0)
    y = torch.ones(1, 4, dtype=torch.float64)
    trace = descend([drawn], y, torch.from_numpy(proof_step(y.numpy(), 4, 200_000)), 20)
    assert trace.passes <= 2
    assert trace.misfits[0, 20] < 1e-3 * trace.misfits[0, 0]


def test_compressed_sensing_is_descent_with_the_measured_columns():
    V, W, y, z = network(9, 120, 2, 3)
    A = np.linalg.qr(np.random.default_rng(1).standard_normal((9, 9)))[0][:4]
    norm = float(np.linalg.norm(z))
    columns = StoredColumns.of(torch.from_numpy(V[0]), torch.from_numpy(W[0] @ z / norm))
    target, step = y[:, :4], float(proof_step(y[0, :4], 4, 120))
    trace = descend(
        [Mixed(columns, torch.from_numpy(A))], torch.from_numpy(target), torch.tensor([step], dtype=torch.float64), 40,
        z_norm=norm, tolerance=0.0,
    )  # fmt: skip
    plain = follow(A @ V, W @ z / norm, target, step=step, steps=40, z_norm=norm)
    np.testing.assert_allclose(trace.misfits, plain.misfits, rtol=0, atol=1e-12)


def test_runs_end_as_they_should():
    V, W, y, z = network(4, 400, 2, 0)
    step = float(proof_step(y[0], 4, 400))
    good = run_of(V, W, y, z, step, 500)
    assert good.outcomes == (CONVERGED,)
    assert good.misfits[0, good.ends[0]] <= 1e-12 * np.linalg.norm(y) < good.misfits[0, good.ends[0] - 1]
    assert run_of(V, W, y, z, step, 3).outcomes == (ENDED,)
    assert run_of(V, W, y, z, step, 0).misfits.shape == (1, 1)
    few = network(6, 6, 2, 1)
    stalled = run_of(*few, float(proof_step(few[2][0], 6, 6)), 20_000)
    assert stalled.outcomes == (STALLED,)
    assert stalled.misfits[0, stalled.ends[0]] > 0.1


def test_a_step_that_is_far_too_large_switches_all_off_or_diverges_and_says_so():
    V, W, y, z = network(4, 40, 2, 0)
    gone = run_of(V, W, y, z, 1e6, 50)
    assert gone.outcomes[0] in (STALLED, DIVERGED)
    linear = [StoredColumns(torch.from_numpy(V[0]), torch.full((40,), 1e300, dtype=torch.float64), 40)]
    wild = descend(linear, torch.from_numpy(y), torch.tensor([1e30], dtype=torch.float64), 50)
    assert wild.outcomes == (DIVERGED,)
    assert np.isinf(wild.misfits[0, wild.ends[0]])


def test_a_network_that_is_all_off_stalls_at_once():
    off = StoredColumns(torch.empty(3, 0, dtype=torch.float64), torch.empty(0, dtype=torch.float64), 5)
    trace = descend([off], torch.ones(1, 3, dtype=torch.float64), torch.ones(1, dtype=torch.float64), 9)
    assert trace.outcomes == (STALLED,)
    assert trace.ends.tolist() == [0]


def test_progress_is_told():
    heard = []
    V, W, y, z = network(4, 100, 2, 0)
    run_of(V, W, y, z, 0.1 * float(proof_step(y[0], 4, 100)), 35, tell=lambda t, misfit: heard.append((t, misfit)))
    assert [t for t, _ in heard] == [10, 20, 30]
    assert heard[0][1] > heard[2][1] > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y": torch.ones(1, 4)}, "y and step must be of shapes"),
        ({"step": torch.ones(2)}, "y and step must be of shapes"),
        ({"y": torch.zeros(1, 3)}, "y must be finite and not zero"),
        ({"y": torch.full((1, 3), torch.nan)}, "y must be finite and not zero"),
        ({"step": torch.zeros(1)}, "step must be finite and above 0"),
        ({"step": torch.full((1,), torch.inf)}, "step must be finite and above 0"),
        ({"steps": -1}, "steps must be at least 0"),
        ({"z_norm": 0.0}, "z_norm above 0"),
        ({"tolerance": 1.0}, "tolerance at least 0 and below 1"),
        ({"runs": []}, "y and step must be of shapes"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(changes, sentence):
    arguments = {"runs": [Regenerated(3, 30, 0)], "y": torch.ones(1, 3), "step": torch.ones(1), "steps": 5, **changes}
    with pytest.raises(ValueError, match=sentence):
        descend(**arguments)
