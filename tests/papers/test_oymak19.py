from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
import sympy as sp

from untrained.theory.ledger import ledger
from untrained.theory.papers.oymak19 import (
    INSIDE,
    MULTIPLIERS,
    SPLIT,
    STEP_PATH,
    STEP_RATE,
    matrices,
    never_negative,
    one_step_more,
    path_identities,
    polarised_identities,
    scalar_steps,
    start_is_bounded,
    start_is_conditioned,
    start_is_near,
    step_case,
    step_pays,
    step_shrinks,
)
from untrained.theory.verdict import finding

X = sp.symbols("x", positive=True)


def proof_of(claim):
    (proof,) = claim.proofs
    return proof(claim.premises(ledger()))


def random_step(rng, n, p, a_1, a_2):
    """J_0 with sigma_min = a_1, J and J_bar at distance a_2, r of length one, beta = ||J_0||."""
    U, _, V = np.linalg.svd(rng.standard_normal((n, p)), full_matrices=False)
    J0 = U @ np.diag(a_1 * np.exp(np.abs(rng.standard_normal(n)) * (np.arange(n) > 0))) @ V
    moved = []
    for _ in range(2):
        E = rng.standard_normal((n, p)) if rng.random() < 0.5 else np.outer(*(rng.standard_normal(k) for k in (n, p)))
        moved.append(J0 + a_2 * E / np.linalg.norm(E, 2))
    r = rng.standard_normal(n)
    return J0, *moved, r / np.linalg.norm(r)


@pytest.mark.parametrize("seed", range(6))
def test_both_bounds_hold_for_random_matrices_of_every_size(seed):
    rng = np.random.default_rng(seed)
    for _ in range(300):
        n = int(rng.integers(1, 5))
        p, a_1, a_2 = int(rng.integers(n, 7)), 2.0, float(rng.uniform(0.2, 0.8))
        J0, J, mean, r = random_step(rng, n, p, a_1, a_2)
        eta = float(rng.uniform(0.05, 1)) / np.linalg.norm(J0, 2) ** 2
        pull = J.T @ r
        left = (1 - np.linalg.norm(r - eta * mean @ pull)) / eta
        rate = a_1**2 - 2 * a_1 * a_2 - a_2**2
        assert left >= rate - 1e-9
        assert left >= rate / (a_1 + a_2) * np.linalg.norm(pull) - 1e-9


def test_the_identities_vanish_and_hold_for_vectors():
    assert all(rest == 0 for _, rest in (*polarised_identities(), *path_identities()))
    G, H, s, t = np.random.default_rng(3).standard_normal((4, 7))
    P, Q = G + s, H - t
    assert (G + H + s - t) @ (G - H + s + t) == pytest.approx(P @ P - Q @ Q)
    assert pytest.approx(G @ G + H @ H + 2 * (G @ s + H @ t) + s @ s - t @ t) == P @ P - Q @ Q + 2 * H @ H


def multipliers(x, y):
    (m, gamma) = MULTIPLIERS[0 if y >= float(SPLIT.subs(X, x)) else 1]
    return float(m.subs(X, x)), float(gamma.subs(X, x))


@pytest.mark.parametrize("x", [0.1, 1 / 6, 0.25, 0.4])
def test_every_form_between_the_ends_is_positive(x):
    pull = (1 - x) / (1 + x)
    for y in np.linspace(0.005, 1, 40):
        m, gamma = multipliers(x, y)
        spent = m * x**2 + pull**2 / gamma
        for w in np.linspace(1, 1 / y, 25):
            form = np.array([[m * w - spent, -(m - 1) * np.sqrt(w)], [0, pull**2 * y - gamma + m - y * w]])
            form[1, 0] = form[0, 1]
            assert np.linalg.eigvalsh(form)[0] >= -1e-9 * max(1, w)


def test_the_square_splits_into_forms_of_the_singular_values():
    rng = np.random.default_rng(4)
    x, y, m, gamma = 0.2, 0.5, 1.7, 0.4
    pull = (1 - x) / (1 + x)
    J0 = rng.standard_normal((3, 5))
    U, s, V = np.linalg.svd(J0)
    r, a = rng.standard_normal(3), rng.standard_normal(5)
    psi = J0.T @ r
    whole = 2 * psi @ a - y * np.sum((J0 @ a) ** 2) + (pull**2 * y - gamma) * a @ a + m * np.sum((a - psi) ** 2)
    ours, of_a = U.T @ r, V @ a
    kernel = (pull**2 * y - gamma + m) * of_a[3:] @ of_a[3:]
    forms = (
        m * s**2 * ours**2 + (pull**2 * y - gamma + m - y * s**2) * of_a[:3] ** 2 - 2 * (m - 1) * s * ours * of_a[:3]
    )
    assert whole == pytest.approx(forms.sum() + kernel)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        (X - X, True),
        (X**2 + 1, True),
        (X - sp.Rational(3, 10), False),
        (-X, False),
        (1 / X, True),
        ((X - 1) / X, False),
    ],
)
def test_signs_on_an_interval_are_decided(expression, answer):
    assert never_negative(sp.together(expression), sp.Rational(1, 10), sp.Rational(2, 5)) is answer


def test_the_rate_is_attained_by_numbers():
    # J_0 = beta = 2, J = J_bar = 7/3: the misfit is multiplied by 1 - 49/36 = -(1 - 23/36).
    assert abs(1 - F(49, 36)) == 1 - F(23, 9) / 4
    margins = [
        step_shrinks(case, ledger()[STEP_RATE].values).margin for case in scalar_steps(ledger()[STEP_RATE].values)[:5]
    ]
    assert min(margins) == 0


def test_no_path_above_23_over_21_follows():
    after, length = abs(1 - F(49, 36)), F(7, 3) / 4
    assert (1 - after) / length == F(23, 21)
    values = ledger()[STEP_PATH].values
    form = 4 * values["square"] - values["cross"] * F(2, 3) - values["last"] / F(9)
    assert form / (2 + F(1, 3)) == F(23, 21)


def test_a_scalar_step_is_the_step_of_one_by_one_matrices():
    values = ledger()[STEP_RATE].values
    for case in scalar_steps(values):
        _, J, mean = (float(M[0, 0]) for M in matrices(case))
        eta, after, pull, _ = step_case(case, values)
        beta = float(case["beta"]) * 10.0 ** case["tens"]
        assert float(eta) == pytest.approx(beta**-2, rel=1e-6)
        assert float(after) == pytest.approx(abs(1 - J * mean / beta**2), rel=1e-6, abs=1e-9)
        assert float(pull) == pytest.approx(J, rel=1e-6)


def test_scalar_steps_meet_and_miss_each_premise():
    values = ledger()[STEP_RATE].values
    meets = [
        [bool(holds(case, values)) for holds in (start_is_conditioned, start_is_near, start_is_bounded)]
        for case in scalar_steps(values)
    ]
    assert [True, True, True] in meets
    assert meets[-3:] == [[False, True, True], [True, False, True], [True, True, False]]


@pytest.mark.parametrize(("claim_id", "sides"), [(STEP_RATE, step_shrinks), (STEP_PATH, step_pays)])
def test_a_drawn_step_agrees_with_its_definition(claim_id, sides):
    rng = np.random.default_rng(5)
    values = ledger()[claim_id].values
    case = {
        "J0": rng.standard_normal((1, 2, 4)),
        "E": rng.standard_normal((1, 2, 4)),
        "F": rng.standard_normal((1, 2, 4)),
    }
    case |= {"r": np.array([[0.6, 0.8]]), "bend": 0.2, "low": 0.9, "wide": 1.1, "stiff": 1.2}
    J0, J, mean = matrices(case)
    assert np.linalg.norm(J - J0, 2) == pytest.approx(0.2)
    assert np.linalg.norm(mean - J0, 2) == pytest.approx(0.2)
    beta = 1.2 * np.linalg.norm(J0, 2)
    after = np.linalg.norm(case["r"][0] - mean @ J.T @ case["r"][0] / beta**2)
    assert step_case(case, values)[:2] == pytest.approx((beta**-2, after))
    assert sides(case, values).lhs != sides(case, values).rhs


@pytest.mark.parametrize("claim_id", [STEP_RATE, STEP_PATH, INSIDE])
def test_a_premise_taken_away_leaves_the_step_unproved(claim_id):
    claim = ledger()[claim_id]
    assert finding(proof_of(claim)) == "proves"
    for hypothesis in claim.hypotheses:
        assert finding(proof_of(claim.without(hypothesis.name))) == "open", hypothesis.name


@pytest.mark.parametrize(
    ("claim_id", "push"),
    [
        (STEP_RATE, {"cross": F(199, 100)}),
        (STEP_RATE, {"power": 3}),
        (STEP_RATE, {"step": F(101, 100)}),
        (STEP_PATH, {"square": F(101, 100)}),
        (STEP_PATH, {"last": F(99, 100)}),
        (STEP_PATH, {"largest_ratio": F(1, 2)}),
        (STEP_PATH, {"least_ratio": F(1, 20)}),
        (STEP_PATH, {"least_ratio": 0}),
        (INSIDE, {"radius": F(99, 100)}),
        (INSIDE, {"step_power": 1}),
    ],
)
def test_a_stronger_step_is_not_proved(claim_id, push):
    assert finding(proof_of(ledger()[claim_id].pushed(push))) == "open"


def test_one_step_more_is_decided_at_both_ends():
    claim = ledger()[INSIDE]
    rho = np.linspace(0, 1, 101)
    for share in (0.2, 1.0):
        assert (1 - rho + share * rho).max() <= 1
    assert one_step_more(claim.premises(ledger())).residuals == ()
    assert replace(claim).values["radius"] == 1


def test_relu_moves_by_its_share_of_the_segment():
    rng = np.random.default_rng(6)
    for _ in range(50):
        h, delta = rng.standard_normal(2)
        points = h + delta * (np.arange(20000) + 0.5) / 20000
        share = np.mean(points >= 0)
        assert max(h + delta, 0) - max(h, 0) == pytest.approx(share * delta, abs=2e-4)
