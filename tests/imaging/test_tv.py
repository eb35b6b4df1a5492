import numpy as np
import pytest
import torch

from sims.chance.streams import stream
from sims.imaging.recovery import tv
from sims.imaging.recovery.differences import (
    differences,
    laplacian_symbol,
    lengths,
    shrink,
    solve,
    transposed_differences,
    variation,
)
from sims.imaging.recovery.tv import KINDS, TVSettings, recover
from sims.imaging.sensing import make_operator

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
            for di, dj in ((0, 1), (1, 0)):
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


def test_differences_and_their_transpose_are_the_explicit_matrix():
    D, x, p = explicit_differences(6, 5), noise(6, 5), noise(2, 6, 5, seed=1)
    order = differences(x).permute(1, 2, 0).flatten()
    torch.testing.assert_close(order, D @ x.flatten())
    torch.testing.assert_close(transposed_differences(p).flatten(), D.T @ p.permute(1, 2, 0).flatten())


def test_the_dct_diagonalises_the_laplacian():
    D = explicit_differences(6, 5)
    expected = torch.linalg.eigvalsh(D.T @ D)
    torch.testing.assert_close(laplacian_symbol(6, 5).flatten().sort().values, expected, atol=1e-12, rtol=0)
    x = noise(6, 5)
    dense = torch.linalg.solve(torch.eye(30, dtype=x.dtype) * 0.7 + D.T @ D, x.flatten())
    torch.testing.assert_close(solve(x, 0.7 + laplacian_symbol(6, 5)).flatten(), dense)


@pytest.mark.parametrize("kind", KINDS)
def test_total_variation_is_the_sum_of_the_definition(kind):
    x = noise(3, 5, 4)
    assert variation(x, kind) == pytest.approx(slow_variation(x, kind), rel=1e-12)
    if kind != "anisotropic":
        assert variation(x, kind) != pytest.approx(slow_variation(x, "anisotropic"), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_shrinking_is_the_proximal_map(kind):
    """No nearby point has a smaller t sum|p| + |p - q|^2/2, in any of many directions."""
    q = noise(3, 2, 4, 4)
    p = shrink(q, 0.6, kind)

    def objective(at):
        return 0.6 * lengths(at, kind).sum() + (at - q).square().sum() / 2

    for seed in range(20):
        assert objective(p) <= objective(p + 1e-3 * noise(3, 2, 4, 4, seed=seed)) + 1e-12


def chambolle_pock(matrix, y, shape, penalty, kind, box, steps=40_000):
    """The primal-dual method of the book, in float64 and without any structure: the slow twin."""
    D = explicit_differences(*shape[1:])
    x = torch.zeros(int(np.prod(shape)), dtype=torch.float64)
    bar, q = x.clone(), torch.zeros(len(y), dtype=torch.float64)
    p = torch.zeros(shape[0], 2, *shape[1:], dtype=torch.float64)
    tau = 0.95 / (torch.linalg.matrix_norm(matrix, 2) ** 2 + torch.linalg.matrix_norm(D, 2) ** 2).sqrt()
    for _ in range(steps):
        q = (q + tau * (matrix @ bar - y)) / (1 + tau)
        p = p + tau * differences(bar.reshape(shape))
        p = p / (lengths(p, kind) / penalty).clamp_min(1)
        new = x - tau * (matrix.T @ q + transposed_differences(p).flatten())
        new = new.clamp(-1, 1) if box else new
        bar, x = 2 * new - x, new
    value = (matrix @ x - y).square().sum() / 2 + penalty * slow_variation(x.reshape(shape), kind)
    return x.reshape(shape), float(value)


@pytest.mark.parametrize(
    ("kind", "box", "shape"), [("isotropic", False, GREY), ("anisotropic", True, GREY), ("joint", False, RGB)]
)
def test_the_certificate_encloses_the_minimum_that_another_method_finds(kind, box, shape):
    operator = make_operator("gaussian", shape, 12, seed=3)
    y = operator.forward(2 * blocks(shape, 1))  # outside the box, so that it binds
    settings = TVSettings(penalty=0.05, kind=kind, box=box, tolerance=1e-4)
    found = recover(operator, y, settings)
    _, least = chambolle_pock(operator.matrix.double(), y.double(), shape, 0.05, kind, box, 8000)
    assert found.outcome == "converged"
    # the twin's value is above the minimum by its own error, seen below 1e-5 of it
    assert found.certificate["bound"] <= least * (1 + 1e-9)
    assert found.certificate["value"] >= least * (1 - 1e-4)
    assert found.certificate["relative_gap"] <= 1e-4
    assert not box or found.image.abs().max() <= 1


def test_the_certificate_is_recomputable_from_the_returned_image():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    found = recover(operator, y, TVSettings(penalty=0.02, tolerance=1e-3))
    x = found.image.double()
    misfit = float((operator.matrix.double() @ x.flatten() - y.double()).square().sum())
    assert found.misfit == pytest.approx(misfit, rel=1e-3, abs=1e-9)
    assert found.certificate["value"] == pytest.approx(misfit / 2 + 0.02 * slow_variation(x, "isotropic"), rel=1e-9)


def test_a_bound_from_a_wrong_dual_variable_is_still_below_the_minimum():
    """Whatever p is handed in, the bound is made feasible first: it may be useless, never wrong."""
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    least = recover(operator, y, TVSettings(penalty=0.02, tolerance=1e-5, max_steps=5000)).certificate["value"]
    problem = tv._Problem(operator, y, TVSettings(penalty=0.02))
    for seed in range(30):
        x, p = 0.5 * noise(*GREY, seed=seed), noise(1, 2, 6, 5, seed=seed + 100)
        assert problem.bound(x, p) <= least
        boxed = tv._Problem(operator, y, TVSettings(penalty=0.02, box=True))
        short = p * (0.02 / lengths(p, "isotropic").clamp_min(0.02))
        assert boxed.bound(x, short) <= least + 1e-9


@pytest.mark.parametrize("name", ["gaussian", "dct", "scrambled-dct"])
def test_a_piecewise_constant_image_is_recovered_from_half_its_length(name):
    shape = (1, 16, 16)
    x = blocks(shape, 2)
    operator = make_operator(name, shape, 128, seed=1)
    found = recover(operator, operator.forward(x), TVSettings(penalty=1e-3, tolerance=1e-3, max_steps=3000))
    assert float((found.image - x).square().mean()) < 0.01 * float(x.square().mean())


@pytest.mark.parametrize("name", ["inpainting", "gaussian-seeded"])
def test_operators_without_a_matrix_are_solved_by_conjugate_gradients(name):
    """The same minimum as with the explicit matrix in the operator's place."""
    shape = (1, 4, 4)
    operator, dense = make_operator(name, shape, 8, seed=1), make_operator("gaussian", shape, 8, seed=1)
    dense.matrix = operator.adjoint(torch.eye(8)).flatten(1)
    y = operator.forward(blocks(shape))
    settings = TVSettings(penalty=0.01, tolerance=1e-3, max_steps=60)
    one, other = recover(operator, y, settings), recover(dense, y, settings)
    assert one.certificate["value"] == pytest.approx(other.certificate["value"], rel=2e-3)


def test_more_penalty_gives_less_variation_and_a_larger_misfit():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    light, heavy = (recover(operator, y, TVSettings(penalty=p)) for p in (0.001, 0.1))
    assert variation(heavy.image, "isotropic") < variation(light.image, "isotropic")
    assert heavy.misfit > light.misfit


def test_noise_raises_the_default_penalty():
    operator = make_operator("gaussian", GREY, 16)
    assert TVSettings().weight(operator) == 0.004
    assert TVSettings(noise=2.0).weight(operator) == pytest.approx(2 * 2.0 / 4)
    assert TVSettings(penalty=0.3, noise=2.0).weight(operator) == 0.3


def test_measurements_that_are_not_finite_and_interrupts_are_outcomes():
    operator = make_operator("gaussian", GREY, 12)
    y = operator.forward(blocks(GREY))
    broken = y.clone()
    broken[0] = torch.nan
    assert recover(operator, broken).outcome == "diverged at step 1"
    assert recover(operator, broken).image.isfinite().all()

    def interrupt(step, total, value):
        raise KeyboardInterrupt

    found = recover(operator, y, TVSettings(tolerance=1e-12), watch=interrupt)
    assert found.outcome == "interrupted"
    assert found.misfit == pytest.approx(float((operator.forward(found.image) - y).square().sum()), rel=1e-5)


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
