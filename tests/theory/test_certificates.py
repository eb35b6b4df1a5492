"""Certificates of convergence: never wrong where a slower way can tell, refused by another checker when changed."""

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from convergence_checker import BITS, Path, exactly, flaws, norm
from flint import arb, arb_mat, ctx
from scipy.optimize import nnls

from untrained.sims.dynamics.instances import random_instance
from untrained.sims.random.streams import stream
from untrained.theory.objects.certificates import Certificate, lower_sum, prove_convergence
from untrained.theory.objects.enclosed_descent import next_activations, start_of_descent
from untrained.theory.objects.enclosed_flow import next_of_flow, start_of_flow
from untrained.theory.objects.float_bounds import (
    gram_with_error,
    largest_singular_value,
    least_eigenvalue,
    least_singular_value,
    transposed_product,
)
from untrained.theory.objects.survivor_bounds import quartic_bound, removal_bound, survivors_below


def smallest_over_removals(columns, margins, budgets):
    """m(s) from its definition: every R, every singular value."""
    subsets = [np.array(bits, dtype=bool) for bits in itertools.product((False, True), repeat=len(columns))]
    costs = np.array([np.square(margins[gone]).sum() for gone in subsets])
    rest = np.array([columns * ~gone[:, None] for gone in subsets])
    values = np.linalg.svd(rest, compute_uv=False)[:, -1]
    return np.array([values[costs <= s * s].min() for s in budgets])


@pytest.mark.parametrize(("n", "d"), [(1, 8), (1, 12), (2, 12), (3, 12)])
@pytest.mark.parametrize("law", ["gaussian", "one large", "equal margins", "orthogonal"])
def test_bounds_of_survivors_are_below_those_of_every_removal(n, d, law):
    for seed in range(3):
        rng = stream(seed, "survivors", n, d, law)
        columns, margins = rng.standard_normal((d, n)), np.abs(rng.standard_normal(d))
        if law == "one large":
            columns[0] *= 30
        if law == "equal margins":
            margins[:] = 0.5
        if law == "orthogonal":
            columns = np.tile(np.eye(n), (d // n, 1))
        grid = np.linspace(0, 1.5 * np.linalg.norm(margins), 40)
        true = smallest_over_removals(columns, margins, grid)
        quartics = [quartic_bound(columns, margins, weight) for weight in (0.1, 1.0, 10.0, 100.0)]
        bounds = survivors_below(quartics, grid)
        assert (bounds <= true).all()
        assert [removal_bound(columns, margins, s) <= m for s, m in zip(grid, true, strict=True)] == [True] * 40
        if law == "orthogonal" or (n == 1 and law != "one large"):
            assert bounds[0] > 0.1 * true[0]  # they say something
        assert removal_bound(columns, margins, 0.0) >= true[0] * (1 - 1e-9)


@pytest.mark.parametrize("rows", [1, 5, 1024, 3000])
def test_sums_by_blocks_are_the_sums(rows):
    rng = stream(0, "sums", rows)
    left, right = rng.standard_normal((rows, 3)), rng.standard_normal((rows, 2))
    with ctx.workprec(BITS):
        exact = arb_mat(left.T.tolist()) * arb_mat(right.tolist())
        gram, error = gram_with_error(left)
        true = arb_mat(left.T.tolist()) * arb_mat(left.tolist())
        distance = norm([true[i, j] - exactly(gram[i, j]) for i in range(3) for j in range(3)])
        assert distance <= exactly(error)
    assert error < 1e-9 * (gram**2).sum() ** 0.5
    assert transposed_product(left, right) == pytest.approx(
        np.array([[float(exact[i, j]) for j in range(2)] for i in range(3)]), rel=1e-9, abs=1e-9
    )


def eigenvalues(matrix):
    with ctx.workprec(BITS):
        return sorted(float(x.real.mid()) for x in arb_mat(matrix.tolist()).eig(algorithm="approx"))


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("kind", ["indefinite", "singular", "graded"])
def test_eigenvalues_are_bounded_from_below_and_nearly(size, kind):
    for seed in range(5):
        x = stream(seed, "eigenvalues", size, kind).standard_normal((size, size))
        matrix = {"indefinite": x + x.T, "singular": x[:, :1] @ x[:, :1].T, "graded": (x @ x.T) * 1e-8 + 1e4}[kind]
        least, scale = eigenvalues(matrix)[0], np.abs(matrix).sum()
        assert least - 1e-12 * scale - 1.1 * 0.25 <= least_eigenvalue(matrix, 0.25) <= least - 0.25 + 1e-14 * scale
        assert least_eigenvalue(matrix, np.inf) == -np.inf
        gram = x @ x.T
        ends = np.linalg.svd(x, compute_uv=False)
        assert largest_singular_value(gram, 0.0) >= ends[0] * (1 - 1e-14)
        assert least_singular_value(gram, 0.0) <= ends[-1] * (1 + 1e-14) + 1e-7


def test_nothing_is_certain_of_a_matrix_with_nan():
    assert least_eigenvalue(np.full((2, 2), np.nan), 0.0) == -np.inf


def test_no_survivors_have_no_bound():
    assert removal_bound(np.ones((3, 2)), np.ones(3), 1.0) == 0.0
    assert quartic_bound(np.zeros((0, 2)), np.zeros(0), 1.0).energy <= 0
    assert quartic_bound(np.zeros((3, 2)), np.ones(3), 1.0).energy <= 0


def balls_off(path, live, state):
    """Distance of the true activations, on balls, from the floats of a state."""
    return norm([path.h[l] * int(l in path.on) - exactly(x) for l, x in zip(live, state.x, strict=True)])


@pytest.mark.parametrize(("n", "d", "c"), [(2, 20, 0.1), (3, 30, 1.0), (4, 40, 1.9)])
def test_a_followed_descent_contains_the_true_one(n, d, c):
    V, W, z, y = random_instance(n, d, 5, seed=1)
    with ctx.workprec(BITS):
        path, state = Path(V, W, z, y), start_of_descent(V, W, z, y)
        live, rate = list(path.on), c / (state.norm * np.linalg.norm(z)) ** 2
        for _ in range(60):
            assert balls_off(path, live, state) <= exactly(state.error)
            assert exactly(state.misfit()) >= norm(path.residual()) >= exactly(state.misfit() * (1 - 1e-8) - 1e-9)
            assert [live[i] for i in np.flatnonzero(state.on)] == path.on
            assert exactly(state.length) >= path.length
            path.step(exactly(rate) * path.length_of_z**2)
            state = next_activations(state, rate * float(np.linalg.norm(z)) ** 2, 1e-14)
        assert state.error < 1e-9


@pytest.mark.parametrize(("n", "d", "seed"), [(2, 14, 1), (3, 24, 2)])
def test_a_followed_flow_contains_the_true_one(n, d, seed):
    V, W, z, y = random_instance(n, d, 5, seed)
    with ctx.workprec(BITS):
        path, state = Path(V, W, z, y), start_of_flow(start_of_descent(V, W, z, y))
        live, deaths = list(path.on), set()
        for _ in range(4):
            begun = state.here.time
            for _ in range(6):
                state = next_of_flow(state)
                deaths.add(int(state.here.on.sum()))
            path.flow(exactly(state.here.time - begun))
            drift = exactly(1e-12)  # the sum of times is rounded up
            assert balls_off(path, live, state.here) <= exactly(state.here.error) + drift
            assert exactly(state.here.misfit()) >= norm(path.residual()) - drift
            open_ = {live[i] for i in np.flatnonzero(state.here.open)}
            assert {live[i] for i in np.flatnonzero(state.here.on)} <= set(path.on) | open_
            assert set(path.on) <= {live[i] for i in np.flatnonzero(state.here.on)} | open_
            assert exactly(state.here.length) >= path.length * (1 - arb(2) ** -7)
        assert len(deaths) > 1
        assert state.here.error < 1e-9


CASES = {
    "quartic": (2, 400, 0.1, 0, 0),
    "quartic flow": (2, 400, None, 0, 0),
    "descent": (4, 40, 0.5, 10_000, 0),
    "long steps": (3, 24, 1.5, 10_000, 1),
    "flow": (2, 16, None, 10_000, 0),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    n, d, step, steps, seed = CASES[request.param]
    instance = random_instance(n, d, 3, seed)
    return request.param, instance, prove_convergence(*instance, step=step, steps=steps)


def test_a_certificate_passes_the_independent_checker(case):
    _, instance, certificate = case
    assert certificate.proves
    assert bool(certificate.quartics) == (certificate.bound == "quartic") == ("quartic" in case[0])
    assert flaws(json.loads(json.dumps(certificate.to_json(), allow_nan=False)), *instance) == []


def pushed(entry):
    """Certificates with one field changed each, so that they say more, or something else."""
    flow, quartic = entry["learning_rate"] is None, entry["bound"] == "quartic"
    last = entry["values"][-1]
    changes = {
        "n": entry["n"] + 1,
        "d": entry["d"] + 1,
        "instance": entry["instance"][::-1],
        "learning_rate": 1.0 if flow else entry["learning_rate"] * 1.01,
        "step": 0.01 if flow else entry["step"] * 0.999,
        "misfit": entry["misfit"] * 0.999,
        "beta": entry["beta"] * 0.999,
        "needed": entry["needed"] * 0.999,
        "bound": "removal" if quartic else "quartic",
        "grid": [(1.01 if quartic else 0.98) * s for s in entry["grid"]],
        "values": [*entry["values"][:-1], last * 1.01],
        "integral": entry["integral"] * 1.01,
        "path": entry["path"] * (0.9 if flow and not quartic else 0.999),
        "rate": entry["rate"] * 1.001,
        "reason": "none",
        "followed": entry["followed"] / 2 if entry["followed"] else 1,
    }
    if flow and entry["followed"] == 0:
        del changes["followed"]
        changes["followed "] = 0
    for name, value in changes.items():
        yield name, {**entry, name.strip(): value}
    for name, factor in (("energy", 1.01), ("weight", 0.9), ("weight", 1.1), ("shift", 2.0)):
        if quartic:
            yield name, {**entry, "quartics": [{**one, name: one[name] * factor} for one in entry["quartics"]]}


def test_a_certificate_is_refused_with_any_field_changed(case):
    _, instance, certificate = case
    missed = [name for name, changed in pushed(certificate.to_json()) if not flaws(changed, *instance)]
    assert missed in ([], ["followed "])


def test_a_certificate_is_refused_for_another_instance(case):
    _, (V, W, z, y), certificate = case
    entry = certificate.to_json()
    for other in ((V, W, z, y * (1 + 1e-15)), (-V, W, z, y), (V, W, -z, y), (V, W[::-1], z, y)):
        assert flaws(entry, *other) == ["another instance"]


def test_a_certificate_returns_from_json(case):
    entry = json.loads(json.dumps(case[2].to_json()))
    assert Certificate.from_json(entry) == case[2]
    with pytest.raises(ValueError, match="a certificate must have the fields of its kind"):
        Certificate.from_json({"n": 1})


def activations(V, W, z, y, rate, steps):
    """relu(W_t z)/||z|| and ||G(W_t) - y||/||z|| of a descent of W in floats."""
    W, length = W.copy(), np.linalg.norm(z)
    for _ in range(steps):
        h = W @ z
        r = V @ np.maximum(h, 0) - y
        yield np.maximum(h, 0) / length, np.linalg.norm(r) / length
        W -= rate * np.outer((V.T @ r) * (h >= 0), z)


@pytest.mark.parametrize("step", [0.1, 1.0, 1.9])
@pytest.mark.parametrize("steps", [0, 10_000])
def test_no_descent_breaks_what_its_certificate_says(step, steps):
    proofs = 0
    for seed in range(6):
        n, d = (2, 600) if steps == 0 else (4, 36)
        instance = random_instance(n, d, 4, seed)
        c = prove_convergence(*instance, step=step, steps=steps)
        proofs += c.proves
        if not c.proves:
            continue
        x, misfits = zip(*activations(*instance, c.learning_rate, int(c.followed) + 400), strict=True)
        moved = np.linalg.norm(np.diff(x, axis=0), axis=1).sum()
        assert moved <= c.path * (1 + 1e-12)
        rest = np.array(misfits[int(c.followed) :])
        assert rest[0] <= c.misfit * (1 + 1e-12)
        assert (rest[1:] ** 2 <= (1 - c.rate) * rest[:-1] ** 2 * (1 + 1e-9) + 1e-24).all()
    assert proofs >= 3 or (step == 1.9 and steps == 0)  # there the start would have to pay 20 times


def test_a_signal_outside_the_cone_is_never_certified():
    """No descent leaves the cone of the columns that are on, so that none can fit such a signal."""
    outside = proofs = 0
    for seed in range(30):
        V, W, z, y = random_instance(3, 9, 2, seed)
        _, distance = nnls(V[:, W @ z >= 0], y)
        for step in (0.5, None):
            proved = prove_convergence(V, W, z, y, step=step, steps=150).proves
            outside += distance > 1e-9
            proofs += proved
            assert not (proved and distance > 1e-9)
    assert outside > 15
    assert proofs > 5


def test_most_descents_that_fit_are_certified():
    fits = proofs = 0
    for seed in range(12):
        instance = random_instance(6, 60, 2, seed)
        for step in (0.5, None):
            c = prove_convergence(*instance, step=step, steps=1000)
            *_, (_, misfit) = activations(*instance, 0.5 / (c.beta * np.linalg.norm(instance[2])) ** 2, 2000)
            fits += misfit < 1e-9
            proofs += c.proves and misfit < 1e-9
    assert proofs >= 0.9 * fits > 12


def awkward_instance(kind, seed):
    """Instances with ties, with sizes far apart, or in which much vanishes."""
    rng = stream(seed, "awkward", kind)
    n = int(rng.integers(1, 5))
    d = n * int(rng.integers(4, 14))
    V, W, z, y = random_instance(n, d, 2, seed)
    if kind == "margins of rounding size":
        W[: d // 3] *= 10.0 ** -int(rng.integers(8, 18))
    if kind == "columns far apart":
        V[:, : d // 2] *= 10.0 ** int(rng.integers(-9, 9))
    if kind == "twins":
        V[:, 1::2], W[1::2] = V[:, : 2 * (d // 2) : 2], W[: 2 * (d // 2) : 2]
    if kind == "target far off":
        y *= 10.0 ** int(rng.integers(-12, 6))
    if kind == "zero columns":
        V[:, : d // 4] = 0
        W *= 10.0 ** int(rng.integers(-12, 12))
    return V, W, z, y


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("margins of rounding size", 0),
        ("columns far apart", 2),
        ("twins", 2),
        ("target far off", 2),
        ("zero columns", 2),
    ],
)
def test_what_is_proved_of_awkward_instances_is_true(kind, least):
    assert awkward_proofs(kind, range(5)) >= least


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["margins of rounding size", "columns far apart", "twins", "zero columns"])
def test_what_is_proved_of_many_awkward_instances_is_true(kind):
    awkward_proofs(kind, range(5, 40))


def awkward_proofs(kind, seeds):
    """How many certificates there are, all of which pass the checker."""
    proofs = 0
    for seed in seeds:
        instance = awkward_instance(kind, seed)
        for step, steps in ((0.9, 200), (1.9, 200), (None, 200), (0.5, 0), (None, 0)):
            c = prove_convergence(*instance, step=step, steps=steps)
            small = c.learning_rate is not None or c.followed == 0 or c.d <= 16
            proofs += c.proves and small
            assert not (c.proves and small) or flaws(c.to_json(), *instance) == []
    return proofs


def test_neurons_at_zero_are_neither_survivors_nor_forgotten():
    V, W, z, y = random_instance(3, 60, 3, seed=3)
    W[:20] = 0.0
    for step, steps in ((0.5, 10_000), (0.5, 0), (None, 10_000)):
        c = prove_convergence(V, W, z, y, step=step, steps=steps)
        everyone = V[:, W @ z >= 0]
        assert c.beta >= np.linalg.norm(everyone, 2) * (1 - 1e-12)
    state = start_of_descent(V, W, z, y)
    assert state.open.sum() == 20
    assert (state.margins()[state.open] == 0).all()


def test_scales_of_the_factors_do_not_matter():
    V, W, z, y = random_instance(4, 40, 3, seed=0)
    one = prove_convergence(V, W, z, y, step=0.5)
    other = prove_convergence(V * 2.0**20, W * 2.0**-5, z * 2.0**12, y * 2.0**27, step=0.5)
    assert (one.proves, one.followed) == (other.proves, other.followed) == (True, other.followed)
    assert other.path == pytest.approx(one.path * 2.0**-5, rel=1e-9)
    assert other.rate == pytest.approx(one.rate, rel=1e-9)


def test_the_same_instance_gives_the_same_certificate():
    instance = random_instance(5, 80, 3, seed=0)
    assert prove_convergence(*instance) == prove_convergence(*instance)


def test_a_lower_sum_takes_right_ends():
    assert lower_sum((0.0, 1.0, 3.0), (9.0, 4.0, 1.0)) == 6


def test_without_a_proof_there_is_a_reason():
    narrow = prove_convergence(*random_instance(4, 4, 2, seed=0), step=0.5, steps=50)
    assert not narrow.proves
    assert re.fullmatch(r"only [123] neurons are on after \d+ steps, fewer than n = 4", narrow.reason)
    assert narrow.rate == 0
    early = prove_convergence(*random_instance(4, 32, 2, seed=0), step=0.1, steps=2)
    assert "is still possible, which may turn too many neurons off" in early.reason
    start = prove_convergence(*random_instance(4, 8, 2, seed=0), steps=0)
    assert not start.proves
    assert "sigma_min" in start.reason
    middling = prove_convergence(*random_instance(4, 400, 2, seed=0), steps=0)
    assert "is needed" in middling.reason or middling.proves


V, W, Z, Y = random_instance(2, 10, 3, seed=0)


@pytest.mark.parametrize(
    ("arrays", "options", "sentence"),
    [
        ((V, W, Z, Y), {"step": 2.0}, "step must be above 0 and below 2, got 2.0"),
        ((V, W, Z, Y), {"step": float("nan")}, "step must be above 0 and below 2, got nan"),
        ((V, W, Z, Y), {"steps": -1}, "steps must be an integer >= 0, got -1"),
        ((V[:, 1:], W, Z, Y), {}, "columns of output_weights and rows of weights must agree in length, got 9 and 10"),
        ((V, W, Z[1:], Y), {}, "columns of weights and latent must agree in length, got 3 and 2"),
        ((V, W, Z, Y[1:]), {}, "rows of output_weights and target must agree in length, got 2 and 1"),
        ((V, W, 0 * Z, Y), {}, "latent must have its largest entry between 1e-20 and 1e+20, got 0.0"),
        ((V * 1e30, W, Z, Y), {}, "output_weights must have its largest entry between 1e-20 and 1e+20"),
        ((V, W, Z, Y * np.nan), {}, "target must be finite, got NaN or infinity among its entries"),
        ((V[None], W, Z, Y), {}, "output_weights must have 2 axes and an entry, got shape"),
        ((np.ones((65, 10)), W, Z, np.ones(65)), {}, "target must have at most 64 entries, got 65"),
    ],
)
def test_bad_input_is_one_sentence(arrays, options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        prove_convergence(*arrays, **options)


def test_a_step_that_may_be_two_is_no_step():
    c = prove_convergence(V, W, Z, Y, step=np.nextafter(2.0, 0))
    assert not c.proves
    assert "step must be certainly below 2" in c.reason
    assert replace(c, reason="").proves


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "d", "step", "steps"),
    [(8, 100, 0.1, 10_000), (12, 100, 1.0, 10_000), (4, 1600, 0.1, 0), (8, 6400, None, 0), (5, 50, None, 10_000)],
)
def test_larger_certificates_pass_the_independent_checker(n, d, step, steps):
    instance = random_instance(n, d, 3, seed=0)
    certificate = prove_convergence(*instance, step=step, steps=steps)
    assert certificate.proves
    assert flaws(certificate.to_json(), *instance) == []
