from dataclasses import asdict

import numpy as np
import pytest
import torch

from untrained.sims.images.datasets import dataset
from untrained.sims.operators import as_operator, make_operator
from untrained.sims.operators.transforms import dct2, inverse_dct2
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import tv, tv_solver
from untrained.sims.recovery.baselines.tv import TVSettings, recover
from untrained.sims.recovery.baselines.tv_solver import Factorised, Model, Multipliers, Nearest
from untrained.sims.recovery.total_variation import (
    TV_KINDS,
    discrete_gradient,
    gradient_adjoint,
    gradient_norms,
    laplacian_symbol,
    shrink,
    total_variation,
)

GREY, RGB = (1, 6, 5), (3, 5, 4)


def noise(*shape, seed=0):
    return torch.from_numpy(stream(seed, "test").standard_normal(shape))


def blocks(shape, seed=0):
    """An image of a few flat patches on [-0.8, 0.8]."""
    rng = stream(seed, "blocks")
    x = np.zeros(shape, np.float32)
    x += rng.uniform(-0.8, 0.8, (shape[0], 1, 1))
    x[:, 1 : shape[1] // 2 + 1, 1 : shape[2] // 2 + 1] = rng.uniform(-0.8, 0.8, (shape[0], 1, 1))
    return torch.from_numpy(x)


def explicit_differences(height, width):
    rows = []
    for i in range(height):
        for j in range(width):
            for di, dj in ((1, 0), (0, 1)):
                row = np.zeros((height, width))
                if i + di < height and j + dj < width:
                    row[i, j], row[i + di, j + dj] = -1, 1
                rows.append(row.ravel())
    return torch.from_numpy(np.array(rows))


def slow_variation(x, kind):
    total = 0.0
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            across = [float(c[i, j + 1] - c[i, j]) if j + 1 < x.shape[2] else 0.0 for c in x]
            down = [float(c[i + 1, j] - c[i, j]) if i + 1 < x.shape[1] else 0.0 for c in x]
            if kind == "anisotropic":
                total += sum(abs(v) for v in across + down)
            elif kind == "isotropic":
                total += sum((a * a + d * d) ** 0.5 for a, d in zip(across, down, strict=True))
            else:
                total += sum(v * v for v in across + down) ** 0.5
    return total


def matrix_of(operator):
    units = torch.eye(operator.n, dtype=torch.float64).reshape(-1, *operator.shape)
    return operator.forward(units).T


def chambolle_pock(A, y, shape, penalty, kind, box, steps=8_000):
    """The primal-dual method of the book, in float64 and without any structure: the slow twin."""
    D = explicit_differences(*shape[1:])
    x = torch.zeros(int(np.prod(shape)), dtype=torch.float64)
    bar, q = x.clone(), torch.zeros(len(y), dtype=torch.float64)
    p = torch.zeros(2, *shape, dtype=torch.float64)
    tau = 0.95 / (torch.linalg.matrix_norm(A, 2) ** 2 + torch.linalg.matrix_norm(D, 2) ** 2).sqrt()
    for _ in range(steps):
        q = (q + tau * (A @ bar - y)) / (1 + tau)
        p = p + tau * discrete_gradient(bar.reshape(shape))
        p = p / (gradient_norms(p, kind) / penalty).clamp_min(1)
        new = x - tau * (A.T @ q + gradient_adjoint(p).flatten())
        new = new.clamp(-1, 1) if box else new
        bar, x = 2 * new - x, new
    return float((A @ x - y).square().sum() / 2) + penalty * slow_variation(x.reshape(shape), kind)


def linear_program(A, y, shape, penalty):
    """min_x penalty sum |D x| where A x = y, by simplex or interior points: anisotropic, per channel, without noise."""
    optimize = pytest.importorskip("scipy.optimize")
    D, n = explicit_differences(*shape[1:]).numpy(), int(np.prod(shape))
    D = np.kron(np.eye(shape[0]), D)
    k, one = len(D), np.eye(len(D))
    above = np.block([[D, -one], [-D, -one]])
    cost = np.concatenate([np.zeros(n), np.full(k, penalty)])
    exact = np.hstack([A.numpy(), np.zeros((len(y), k))])
    solution = optimize.linprog(cost, above, np.zeros(2 * k), exact, y.numpy(), [(None, None)] * n + [(0, None)] * k)
    return float(solution.fun)


def without_factors(monkeypatch):
    monkeypatch.setattr(tv_solver, "worth_holding", lambda *_: False)


def test_differences_and_their_transpose_are_the_explicit_matrix():
    D, x, p = explicit_differences(6, 5), noise(6, 5), noise(2, 6, 5, seed=1)
    order = discrete_gradient(x).permute(1, 2, 0).flatten()
    torch.testing.assert_close(order, D @ x.flatten())
    torch.testing.assert_close(gradient_adjoint(p).flatten(), D.T @ p.permute(1, 2, 0).flatten())


def test_the_dct_diagonalises_the_laplacian():
    D = explicit_differences(6, 5)
    expected = torch.linalg.eigvalsh(D.T @ D)
    torch.testing.assert_close(laplacian_symbol(6, 5).flatten().sort().values, expected, atol=1e-12, rtol=0)
    x = noise(6, 5)
    dense = torch.linalg.solve(torch.eye(30, dtype=x.dtype) * 0.7 + D.T @ D, x.flatten())
    torch.testing.assert_close(inverse_dct2(dct2(x) / (0.7 + laplacian_symbol(6, 5))).flatten(), dense)


@pytest.mark.parametrize("kind", TV_KINDS)
def test_total_variation_is_the_sum_of_the_definition(kind):
    x = noise(3, 5, 4)
    assert float(total_variation(x, kind)) == pytest.approx(slow_variation(x, kind), rel=1e-12)
    if kind != "anisotropic":
        assert total_variation(x, kind) != pytest.approx(slow_variation(x, "anisotropic"), rel=1e-3)


@pytest.mark.parametrize("kind", TV_KINDS)
def test_shrinking_is_the_proximal_map(kind):
    """No nearby point has a smaller t sum|p| + |p - q|^2/2, in any of many directions."""
    q = noise(2, 3, 4, 4)
    p = shrink(q, 0.6, kind)

    def objective(at):
        return 0.6 * gradient_norms(at, kind).sum() + (at - q).square().sum() / 2

    for seed in range(20):
        assert objective(p) <= objective(p + 1e-3 * noise(2, 3, 4, 4, seed=seed)) + 1e-12


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_factorised_update_solves_its_normal_equations(shift):
    operator, rho = make_operator("gaussian", RGB, 12), 0.3
    A, y, t = matrix_of(operator), noise(12, seed=1), noise(*RGB, seed=2)
    D = torch.kron(torch.eye(3, dtype=torch.float64), explicit_differences(*RGB[1:]))
    means = torch.kron(torch.eye(3, dtype=torch.float64), torch.full((20, 20), 1 / 20, dtype=torch.float64))
    held = means if shift == 0 else torch.zeros_like(means)
    update, before = Factorised(operator, y, shift, torch.float64), torch.zeros(60, dtype=torch.float64)
    for _ in range(2):
        x = update(t, rho).flatten()
        H = A.T @ A + rho * (D.T @ D + shift * torch.eye(60) + held)
        torch.testing.assert_close(H @ x, A.T @ y + rho * (t.flatten() + held @ before), atol=1e-10, rtol=0)
        torch.testing.assert_close(update.q, y - A @ x, atol=1e-10, rtol=0)
        before = x


@pytest.mark.parametrize("name", ["gaussian", "scrambled-dct", "superres"])
def test_the_nearest_image_solves_its_normal_equations(name):
    shape = (1, 6, 6)
    operator = make_operator(
        name, shape, None if name == "superres" else 9, **({"factor": 2} if name == "superres" else {})
    )
    A, y, h = matrix_of(operator), noise(9, seed=1), noise(*shape, seed=2)
    nearest = Nearest(operator, y, torch.float64)
    x = nearest(h, 0.2).flatten()
    torch.testing.assert_close(A.T @ (A @ x - y) + 0.2 * (x - h.flatten()), torch.zeros(36).double(), atol=1e-8, rtol=0)
    torch.testing.assert_close(nearest.q, y - A @ x, atol=1e-8, rtol=0)


@pytest.mark.parametrize("factors", [True, False])
@pytest.mark.parametrize(
    ("kind", "box", "shape"), [("isotropic", False, GREY), ("anisotropic", True, GREY), ("joint", False, RGB)]
)
def test_the_certificate_encloses_the_minimum_that_another_method_finds(kind, box, shape, factors, monkeypatch):
    if not factors:
        without_factors(monkeypatch)
    operator = make_operator("gaussian", shape, 12, seed=3)
    y = operator.forward(2 * blocks(shape, 1))  # outside the box, so that it binds
    recovery = recover(operator, y, TVSettings(penalty=0.05, kind=kind, box=box, tolerance=1e-4))
    least = minimum(kind, box, shape)
    assert recovery.outcome == "converged"
    # the twin's value is above the minimum by its own error, seen below 1e-5 of it
    assert recovery.certificate["dual"] <= least * (1 + 1e-9)
    assert recovery.certificate["primal"] >= least * (1 - 1e-4)
    assert 0 <= recovery.certificate["relative_gap"] <= 1e-4
    assert not box or recovery.image.abs().max() <= 1


TWINS = {}


def minimum(kind, box, shape):
    if (kind, box, shape) not in TWINS:
        operator = make_operator("gaussian", shape, 12, seed=3)
        y = operator.forward(2 * blocks(shape, 1)).double()
        TWINS[kind, box, shape] = chambolle_pock(matrix_of(operator), y, shape, 0.05, kind, box)
    return TWINS[kind, box, shape]


def test_a_small_penalty_comes_to_the_linear_program_of_exact_measurements():
    """Its value, over the penalty, lies below that of the program by ||q||^2/2 and is the same in the limit."""
    operator, penalty = make_operator("gaussian", GREY, 15, seed=2), 1e-4
    y = operator.forward(noise(*GREY, seed=3).float())
    recovery = recover(operator, y, TVSettings(penalty=penalty, kind="anisotropic", tolerance=1e-3, max_steps=5000))
    least = linear_program(matrix_of(operator), y.double(), GREY, penalty)
    assert recovery.outcome == "converged"
    assert recovery.certificate["dual"] <= least
    assert recovery.certificate["primal"] == pytest.approx(least, rel=5e-3)


def test_the_values_of_the_certificate_are_those_of_the_returned_image():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    recovery = recover(operator, y, TVSettings(penalty=0.02))
    x = recovery.image.double()
    misfit = float((matrix_of(operator) @ x.flatten() - y.double()).square().sum())
    assert recovery.misfit == pytest.approx(misfit, rel=1e-6)
    proof = recovery.certificate
    assert proof["primal"] == pytest.approx(misfit / 2 + 0.02 * slow_variation(x, "isotropic"), rel=1e-9)
    assert proof["gap"] == pytest.approx(proof["primal"] - proof["dual"])
    assert proof["relative_gap"] == pytest.approx(proof["gap"] / proof["primal"])
    assert proof["penalty"] == 0.02


@pytest.mark.parametrize("box", [False, True])
def test_no_multipliers_prove_more_than_the_minimum(box):
    """Whatever is handed in is made feasible first: a bound may be useless, never wrong; those of the end are tight."""
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(1.3 * blocks(GREY))
    model = Model(operator, y.double(), 0.02, "isotropic", box)
    progress = tv_solver.SearchLog(3000)
    tv_solver.Search(model, progress).run(1e-6)
    least, end = min(progress.values), progress.multipliers
    assert least * (1 - 1e-6) <= model.bound(end) <= least
    for seed in range(30):
        q, p, v = noise(12, seed=seed), noise(2, 1, 6, 5, seed=seed + 100), noise(*GREY, seed=seed + 200)
        assert model.bound(Multipliers(0.1 * q, 0.1 * p, 0.1 * v)) <= least
        assert model.bound(Multipliers(end.q + 1e-3 * q, end.p + 1e-3 * p, end.v + 1e-3 * v)) <= least


def test_multipliers_left_as_they_are_would_prove_too_much():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY)).double()
    model = Model(operator, y, 0.02, "isotropic", False)
    least = recover(operator, y.float(), TVSettings(penalty=0.02)).certificate["primal"]
    zero = torch.zeros(GREY, dtype=torch.float64)
    assert model.bound(Multipliers(y, discrete_gradient(zero), zero)) <= least < float(y @ y - y @ y / 2)


@pytest.mark.parametrize("name", ["gaussian", "dct", "scrambled-dct"])
def test_a_piecewise_constant_image_is_recovered_from_half_its_length(name):
    shape = (1, 16, 16)
    x = blocks(shape, 2)
    operator = make_operator(name, shape, 128, seed=1)
    recovery = recover(operator, operator.forward(x))
    assert recovery.outcome == "converged"
    assert float((recovery.image - x).square().mean()) < 0.01 * float(x.square().mean())


@pytest.mark.parametrize("name", ["inpainting", "gaussian-seeded", "scrambled-hadamard"])
def test_operators_without_a_matrix_have_the_minimum_of_that_matrix(name):
    shape = (1, 4, 4)
    operator, dense = make_operator(name, shape, 8, seed=1), make_operator("gaussian", shape, 8, seed=1)
    dense.matrix = operator.adjoint(torch.eye(8)).flatten(1)
    y = operator.forward(blocks(shape))
    one, other = (recover(a, y, TVSettings(penalty=0.01)) for a in (operator, dense))
    assert one.outcome == other.outcome == "converged"
    assert one.certificate["primal"] == pytest.approx(other.certificate["primal"], rel=2e-3)


def test_float32_products_come_to_the_same_minimum(monkeypatch):
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    exact = recover(operator, y, TVSettings(penalty=0.02))
    monkeypatch.setattr(tv, "SMALL_MATRIX", 0)
    recovery = recover(operator, y, TVSettings(penalty=0.02))
    assert recovery.outcome == "converged"
    assert recovery.certificate["primal"] == pytest.approx(exact.certificate["primal"], rel=1e-3)


def test_more_penalty_gives_less_variation_and_a_larger_misfit():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    light, heavy = (recover(operator, y, TVSettings(penalty=p)) for p in (0.001, 0.1))
    assert total_variation(heavy.image, "isotropic") < total_variation(light.image, "isotropic")
    assert heavy.misfit > light.misfit


def test_noise_raises_the_default_penalty():
    operator = make_operator("gaussian", GREY, 16)
    assert TVSettings().weight(operator) == tv.NOISELESS
    assert TVSettings(noise=2.0).weight(operator) == pytest.approx(tv.NOISY * 2.0 / 4)
    assert TVSettings(penalty=0.3, noise=2.0).weight(operator) == 0.3
    subsampled = make_operator("scrambled-dct", (1, 8, 8), 16)
    assert TVSettings().weight(subsampled) == pytest.approx(tv.NOISELESS / 4)


def test_the_entries_of_the_transposed_noise_have_the_size_that_the_default_penalty_is_in():
    """The standard deviation of the entries of A^T eta is sigma sqrt(gain/m); 900 of them give it within 10 %."""
    for name in ("gaussian", "scrambled-dct"):
        operator = make_operator(name, (1, 30, 30), 450)
        eta = torch.from_numpy(stream(1, "eta").standard_normal(450)) * 2.0 / 450**0.5
        expected = 2.0 * (operator.gain / 450) ** 0.5
        assert float(operator.adjoint(eta).std()) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("settings", [TVSettings(), TVSettings(box=True), TVSettings(kind="joint")])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_measurements_that_are_not_finite_are_an_outcome(bad, settings):
    operator = make_operator("gaussian", RGB, 12)
    y = operator.forward(blocks(RGB))
    y[0] = bad
    recovery = recover(operator, y, settings)
    assert recovery.outcome == "diverged at step 0"
    assert not recovery.image.any()


def test_an_operator_that_breaks_on_the_way_is_an_outcome_with_the_last_finite_image(monkeypatch):
    operator = make_operator("scrambled-dct", GREY, 12)
    y = operator.forward(blocks(GREY))
    calls = iter(range(10**9))
    product = operator._product
    monkeypatch.setattr(operator, "_product", lambda x: product(x) * (float("nan") if next(calls) > 60 else 1.0))
    recovery = recover(operator, y, TVSettings(tolerance=1e-9))
    assert recovery.outcome == f"diverged at step {recovery.steps}"
    assert recovery.image.any()
    assert torch.isfinite(recovery.image).all()


def test_an_interrupt_returns_the_best_image_so_far():
    def interrupt(step, total, value):
        if step == 30:
            raise KeyboardInterrupt

    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    recovery = recover(operator, y, TVSettings(tolerance=1e-12), watch=interrupt)
    assert (recovery.outcome, recovery.steps) == ("interrupted", 30)
    assert recovery.certificate["primal"] == pytest.approx(min(recovery.trace["loss"]), rel=1e-6)
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-4)


def test_an_interrupt_before_the_first_look_returns_an_image_all_the_same(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tv_solver, "discrete_gradient", interrupt)
    operator = make_operator("gaussian", GREY, 12)
    recovery = recover(operator, operator.forward(blocks(GREY)))
    assert (recovery.outcome, recovery.steps) == ("interrupted", 0)
    assert not recovery.image.any()


def test_running_out_of_steps_is_told_with_a_gap_that_still_holds():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    short, full = (recover(operator, y, TVSettings(penalty=0.02, max_steps=s)) for s in (5, 2000))
    assert (short.outcome, short.steps, len(short.trace["loss"])) == ("steps ended", 5, 1)
    assert short.certificate["dual"] <= full.certificate["primal"] <= short.certificate["primal"]


def test_the_watch_sees_what_the_trace_holds():
    reports = []
    operator = make_operator("gaussian", GREY, 12)
    recovery = recover(operator, operator.forward(blocks(GREY)), watch=lambda *report: reports.append(report))
    assert [step for step, _, _ in reports] == list(range(10, recovery.steps + 1, 10))
    assert [value for _, _, value in reports] == recovery.trace["loss"]
    assert recovery.settings == asdict(TVSettings())
    assert recovery.image.dtype == torch.float32


def differences(shape, rows=12):
    """A matrix (rows, n) that sees no constants: of each row the sum is 0 but for rounding, of colours all have one."""
    plane = stream(0, "test", "differences").standard_normal((rows, shape[1] * shape[2]))
    return np.tile(plane - plane.mean(1, keepdims=True), shape[0])


@pytest.mark.parametrize("shape", [GREY, RGB])
@pytest.mark.parametrize("constant", [0, 1])
def test_a_mean_that_is_not_measured_keeps_no_gap_open(shape, constant):
    # With constant 1 the sum of the channels' means is seen, and no other mix of them.
    matrix = differences(shape) + constant * np.ones(12)[:, None] / 10
    operator = as_operator(matrix, shape)
    recovery = recover(operator, operator.forward(blocks(shape, 1)), TVSettings(tolerance=1e-4))
    assert recovery.outcome == "converged"
    assert 0 <= recovery.certificate["relative_gap"] <= 1e-4


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("name", ["gaussian", "inpainting", "scrambled-dct"])
def test_a_constant_image_is_the_best_at_once(name, box):
    operator = make_operator(name, (1, 16, 16), 60)
    x = torch.full((1, 16, 16), -1.0)
    recovery = recover(operator, operator.forward(x), TVSettings(box=box))
    assert (recovery.outcome, recovery.steps) == ("converged", 0)
    torch.testing.assert_close(recovery.image, x, atol=1e-6, rtol=0)


def test_a_penalty_that_no_edge_is_worth_leaves_the_best_constant():
    operator = make_operator("gaussian", RGB, 40)
    y = operator.forward(blocks(RGB, 1))
    recovery = recover(operator, y, TVSettings(penalty=1e3))
    A = matrix_of(operator).numpy() @ np.kron(np.eye(3), np.ones((20, 1)))
    levels, residual, _, _ = np.linalg.lstsq(A, y.double().numpy(), rcond=None)
    np.testing.assert_allclose(recovery.image[:, 0, 0], levels, rtol=1e-5)
    assert recovery.certificate["dual"] == pytest.approx(residual[0] / 2, rel=1e-6)


def test_measurements_of_nothing_give_the_zero_image():
    operator = make_operator("gaussian", GREY, 12)
    recovery = recover(operator, torch.zeros(12))
    assert recovery.outcome == "converged"
    assert not recovery.image.any()


def test_the_box_helps_with_digits_which_fill_it():
    try:
        images = dataset("mnist")[:3]
    except (ValueError, OSError) as error:
        pytest.skip(f"the digits are not here: {error}")
    operator = make_operator("gaussian", (1, 28, 28), 75)
    errors = {}
    for box in (False, True):
        recoveries = [recover(operator, operator.forward(x), TVSettings(box=box)) for x in images]
        assert {r.outcome for r in recoveries} == {"converged"}
        errors[box] = np.mean([float((r.image - x).square().mean()) for r, x in zip(recoveries, images, strict=True)])
    assert errors[True] < errors[False] < 0.2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "vector"}, "kind must be one of isotropic, anisotropic, joint, got 'vector'"),
        ({"penalty": 0.0}, "penalty must be above 0, got 0.0"),
        ({"noise": -1.0}, "noise must be at least 0"),
        ({"tolerance": 1.0}, "tolerance must be above 0 and below 1"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        TVSettings(**change)


def test_measurements_of_another_length_are_refused():
    with pytest.raises(ValueError, match="y must have the operator's 12 entries"):
        recover(make_operator("gaussian", GREY, 12), torch.zeros(11))


def test_the_anisotropic_sum_has_the_gradient_of_the_definition():
    x = noise(2, 1, 4, 3).requires_grad_()
    total_variation(x).sum().backward()
    by_adjoint = gradient_adjoint(discrete_gradient(x.detach()).sign())
    torch.testing.assert_close(x.grad, by_adjoint)


@pytest.mark.parametrize("kind", TV_KINDS)
def test_images_of_a_batch_are_summed_one_by_one(kind):
    x = noise(4, 3, 5, 4)
    torch.testing.assert_close(total_variation(x, kind), torch.stack([total_variation(one, kind) for one in x]))
