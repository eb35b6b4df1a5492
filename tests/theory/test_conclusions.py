import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from untrained.theory.objects import descent, sign_changes
from untrained.theory.objects.descent import FoldedMap, Path
from untrained.theory.proof import conclusions as on
from untrained.theory.proof import runs

EPS = 2.0**-52
N, D = 8, 400
# The two factors per step at (8, 400), the formulas of the paper written anew.
PRINTED = 1 - 0.5 * 400 / (8 * (4 * 8 + 400))
SHARPENED = 1 - 3 * 400 / (64 * (20 + 2 * math.sqrt(8)) ** 2)
RULES = [
    ({"rule": "printed", "eta_bar": Fraction(1, 2)}, PRINTED),
    ({"rule": "proof", "sharpen": 3}, SHARPENED),
]


def run_case(misfits):
    """A case with hand-made misfits (batch, T + 1) at n = 8, d = 400."""
    misfits = np.array(misfits)
    return {"run": SimpleNamespace(misfits=misfits), "V": np.zeros((len(misfits), N, D)), "n": N, "d": D}


@pytest.mark.parametrize(("constants", "factor"), RULES)
@pytest.mark.parametrize("tau", [0, 1, 13, 30])
def test_the_bound_along_a_run_sees_one_step_beyond_it_by_a_tenth_of_a_percent(constants, factor, tau):
    misfits = np.tile(1.5 * factor ** np.arange(31), (3, 1))
    misfits[:, tau] = 3 * factor**tau * np.array([1.001, 0.999, 0.5])
    margin = runs.bound_along(run_case(misfits), constants).margin
    np.testing.assert_allclose(margin, [-0.001, 0.001, 0.5], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("constants", "factor"), RULES)
def test_the_bound_along_a_run_leaves_room_for_rounding_and_no_more(constants, factor):
    steps = math.ceil(math.log(1e-20) / math.log(factor))
    misfits = np.zeros((2, steps + 1))
    misfits[:, steps] = [0.99e-12, 1.01e-12]
    margin = runs.bound_along(run_case(misfits), constants).margin
    np.testing.assert_allclose(margin, [0.01, -0.01], rtol=1e-4)


@pytest.mark.parametrize(("constants", "factor"), RULES)
@pytest.mark.parametrize("slow", [1, 7, 20])
def test_the_rate_along_a_run_is_that_of_its_slowest_step(constants, factor, slow):
    ratios = np.full((3, 20), 0.9 * factor)
    ratios[:, slow - 1] = factor * np.array([1.001, 0.999, 1.5])
    misfits = np.concatenate([np.ones((3, 1)), np.cumprod(ratios, axis=-1)], axis=-1)
    sides = runs.rate_along(run_case(misfits), constants)
    assert sides.rhs == pytest.approx(factor, rel=1e-14)
    np.testing.assert_allclose(sides.margin, [-0.001, 0.001, -0.5], rtol=1e-9)


def test_the_rate_along_a_run_looks_at_a_step_from_above_a_billionth_only():
    misfits = [[1.0, 0.1, 1.1e-9, 2.2e-9], [1.0, 0.1, 0.9e-9, 1.8e-9]]
    np.testing.assert_allclose(runs.rate_along(run_case(misfits), RULES[0][0]).lhs, [2.0, 0.1])


@pytest.mark.parametrize(("n", "d"), [(8, 400), (3, 7)])
def test_a_step_follows_its_rule(n, d):
    case = {"n": n, "d": d}
    assert runs.step_of("proof")(case) == pytest.approx(d * n / (math.sqrt(d) + 2 * math.sqrt(n)) ** 2, rel=1e-13)
    assert runs.step_of("printed")(case) == pytest.approx(8 * n * d / (4 * n + d), rel=1e-13)
    assert runs.step_of("printed", 0.25)(case) == pytest.approx(2 * n * d / (4 * n + d), rel=1e-13)


@pytest.mark.parametrize(("n", "d"), [(8, 400), (2, 3), (1, 1)])
def test_the_theorem_s_probability_has_its_three_terms(n, d):
    claimed = 1 - 5 * math.exp(-n / 2) - math.exp(-d / 2) - math.exp(-4 * d ** (2 / 3) * n ** (1 / 3))
    assert runs.theorem_probability({"n": n, "d": d}, {}) == pytest.approx(claimed, abs=1e-14)


def test_the_theorem_s_probability_at_eight_rows_is_ninety_one_percent():
    assert runs.theorem_probability({"n": 8, "d": 400}, {}) == pytest.approx(0.9084218, abs=1e-7)


def test_the_probabilities_of_few_sign_changes_are_the_literal_ones():
    # (2 d R)^{2/3} = 27^{2/3} = 9.
    case = {"n": 3, "d": 54, "R": 0.25}
    assert on.sign_change_probability(case, {}) == pytest.approx(1 - math.exp(-1.5), abs=1e-14)
    assert on.perturbation_probability(case, {}) == pytest.approx(1 - math.exp(-1.5) - math.exp(-1.5), abs=1e-14)
    case = {"n": 6, "d": 54, "R": 0.25}
    assert on.perturbation_probability(case, {}) == pytest.approx(1 - math.exp(-3) - math.exp(-1.5), abs=1e-14)


@pytest.mark.parametrize(("factor", "bound"), [(2, 110), (1, 55)])
def test_worst_sign_changes_are_held_against_a_multiple_of_the_rounded_rank(factor, bound):
    # 400^{2/3} = 54.288...; 0.01 is the cost of each of the first six flips, and R^2 = 0.04 pays for four.
    g = np.array([[0.1] * 6 + [5.0] * 994, [0.0] * 7 + [5.0] * 993])
    sides = on.worst_sign_changes({"g": g, "R": 0.2000001}, {"factor": factor})
    assert sides.rhs == bound
    np.testing.assert_array_equal(sides.lhs, [4, 7])


def test_sign_changes_within_the_radius_of_a_rank_are_counted_exactly():
    # |g|_{4-} = 1, R^2 = 4: the three zeros and four ones are affordable, ties included.
    g = np.array([[0.0] * 3 + [1.0] * 17, [-1.0] * 10 + [1.0] * 10])
    case = {"g": g, "m": 4, "z_norm": 2.0}
    sides = on.sign_changes_below(case, {"per_rank": 2, "offset": 0, "norm_of_z": 1})
    np.testing.assert_array_equal(sides.lhs, [7, 4])
    np.testing.assert_array_equal(sides.margin, [0.25, 1.0])
    sides = on.sign_changes_below(case, {"per_rank": 2, "offset": -1, "norm_of_z": 1})
    np.testing.assert_array_equal(sides.margin, [0.0, 0.75])


@pytest.mark.parametrize(("z_norm", "counts"), [(2.0, [19, 16]), (0.5, [4, 1])])
def test_without_the_norm_of_z_the_radius_grows_with_it(z_norm, counts):
    g = np.array([[0.0] * 3 + [1.0] * 37, [-1.0] * 10 + [1.0] * 30])
    constants = {"per_rank": 2, "offset": 0, "norm_of_z": 0}
    sides = on.sign_changes_below({"g": g, "m": 4, "z_norm": z_norm}, constants)
    np.testing.assert_array_equal(sides.lhs, counts)
    np.testing.assert_array_equal(sides.margin, (8 - np.array(counts)) / 4)


def test_ties_with_the_radius_count_as_changes():
    assert sign_changes.worst_count(np.array([3.0, 4.0]), 5.0) == 2
    assert sign_changes.worst_count(np.array([3.0, 4.0]), 4.999999) == 1
    assert sign_changes.worst_count(np.array([3.0, 4.0]), 2.999999) == 0


def test_the_smallest_singular_value_is_held_from_below():
    sides = on.sigma_min_above({"d": 16, "sigma": np.array([0.9, 1.0, 3.0])}, {"fraction": Fraction(1, 4)})
    assert sides.lhs == 1.0
    np.testing.assert_allclose(sides.margin, [-0.1, 0.0, 2.0], atol=1e-15)


def change_case():
    """Two of 64 alignments are cheap enough to change; (2 d R)^{2/3} = 10^{2/3} = 4.64..."""
    rng = np.random.default_rng([310, 0])
    g = np.ones((2, 64))
    g[0, [3, 5]] = [0.05, -0.05]
    return {"V": rng.standard_normal((2, 3, 64)), "g": g, "R": 10 / 128}


@pytest.mark.parametrize("linear", [0, 1, 2])
def test_the_change_of_the_jacobian_is_held_against_twice_the_rounded_rank(linear):
    case = change_case()
    sides = on.jacobian_change(case, {"deviation": 2, "linear": linear})
    assert sides.rhs == pytest.approx(2 * math.sqrt(3) + math.sqrt(20 * math.log(64 / 10) + 10 * linear), rel=1e-13)
    np.testing.assert_allclose(sides.lhs, [np.linalg.norm(case["V"][0][:, [3, 5]], 2), 0.0])


@pytest.mark.parametrize("linear", [0, 1, 2])
def test_a_limited_share_puts_three_times_the_rank_in_its_place(linear):
    sides = on.jacobian_change(change_case(), {"deviation": 1, "linear": linear, "share": Fraction(18, 100)})
    s = 3 * 10 ** (2 / 3)
    assert sides.rhs == pytest.approx(math.sqrt(3) + math.sqrt(2 * s * math.log(64 / s) + s * linear), rel=1e-13)


def test_no_more_than_all_columns_change():
    case = {"V": np.ones((1, 1, 4)), "g": np.zeros((1, 4)), "R": 5.0}
    for extra in ({}, {"share": 1}):
        sides = on.jacobian_change(case, {"deviation": 2, "linear": 1, **extra})
        assert sides.rhs == pytest.approx(2 + 2, rel=1e-14)
        np.testing.assert_allclose(sides.lhs, [2.0])


def test_the_rounded_rank_is_held_against_three_ranks():
    sides = on.ceiling_step({"x": 2.25}, {})
    assert (sides.lhs, sides.rhs) == (6, 6.75)


# Identities of the network.


def network(seed, *, norm=None):
    rng = np.random.default_rng([311, seed])
    z = rng.standard_normal((5, 4))
    if norm is not None:
        z *= norm / np.linalg.norm(z, axis=-1, keepdims=True)
    return {
        "V": rng.standard_normal((5, 3, 6)),
        "W": rng.standard_normal((5, 6, 4)),
        "z": z,
        "y": rng.standard_normal((5, 3)),
        "Delta": rng.standard_normal((5, 6, 4)),
    }


def test_the_allowance_for_rounding_is_a_few_units_a_term():
    assert on.rounding(10, 1) == pytest.approx(4 * 20 * EPS, rel=1e-12)
    assert on.rounding(10, 1e6) == pytest.approx(4 * 20 * EPS * 1e6, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_gram_matrix_is_told_from_one_a_millionth_off(seed):
    case = network(seed, norm=1 + 1e-6)
    assert (on.gram_by_closed_form(case, {"z_power": 2}).margin >= 0).all()
    assert (on.gram_by_closed_form(case, {"z_power": 1}).margin < -1000).all()


def test_the_gradient_has_no_outer_relu():
    case = network(0)
    W_z = np.maximum(np.einsum("bdk,bk->bd", case["W"], case["z"]), 0)
    has_negative = (np.einsum("bnd,bd->bn", case["V"], W_z) < 0).any(axis=-1)
    assert has_negative.any()
    assert not has_negative.all()
    halved = {"loss_factor": Fraction(1, 2), "gradient_factor": 1}
    assert (on.gradient_by_jacobian(case, {"outer_relu": 0, **halved}).margin >= 0).all()
    np.testing.assert_array_equal(
        on.gradient_by_jacobian(case, {"outer_relu": 1, **halved}).margin < 0,
        has_negative,
    )


@pytest.mark.parametrize(
    ("loss", "factor", "holds"),
    [(Fraction(1, 2), 1, True), (1, 2, True), (1, 1, False), (Fraction(1, 2), Fraction(1000001, 1000000), False)],
)
def test_the_gradient_s_factor_goes_with_the_loss_s(loss, factor, holds):
    constants = {"outer_relu": 0, "loss_factor": loss, "gradient_factor": factor}
    assert ((on.gradient_by_jacobian(network(1), constants).margin >= 0) == holds).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_output_is_linear_on_a_short_segment_under_the_right_mask_only(seed):
    assert (on.jacobian_on_a_segment(network(seed), {"mask": 1}).margin >= 0).all()
    assert (on.jacobian_on_a_segment(network(seed), {"mask": 0}).margin < 0).all()


def test_the_jacobian_s_norm_reaches_its_bound_where_every_neuron_is_active():
    case = network(0)
    case["W"] = np.abs(case["W"]) * np.sign(case["z"])[:, None, :]
    assert (on.masked_norm(case, {"factor": 1}).margin >= 0).all()
    np.testing.assert_allclose(on.masked_norm(case, {"factor": 1 - 1e-6}).margin, -1e-6, rtol=1e-5)


def test_the_jacobian_s_norm_is_that_of_the_active_columns():
    case = network(1)
    sides = on.masked_norm(case, {"factor": Fraction(3, 2)})
    for i in range(5):
        active = case["W"][i] @ case["z"][i] >= 0
        z_norm = np.linalg.norm(case["z"][i])
        assert sides.lhs[i] == pytest.approx(np.linalg.norm(case["V"][i][:, active], 2) * z_norm, rel=1e-12)
        assert sides.rhs[i] == pytest.approx(1.5 * np.linalg.norm(case["V"][i], 2) * z_norm, rel=1e-12)


# Folded maps.


def folded(seed, *, n=4, spread=3.0, bend=0.9, size=10.0):
    rng = np.random.default_rng([312, seed, n])
    drawn = {"Q": (1, n, n), "start": (1, n), "y": (1, n)}
    case = {name: rng.standard_normal(shape) for name, shape in drawn.items()}
    case["y"] *= size
    return {**case, "n": n, "spread": spread, "bend": bend, "size": size}


def directly(case, step):
    """Forty steps of descent on a case's map, built anew, and the step's length."""
    start, bend = case["start"][0], case["bend"] / 12
    spectrum = np.linspace(1, case["spread"], case["n"]) - bend * np.where(start >= 0, 1, -1)
    map_ = FoldedMap(np.linalg.qr(case["Q"][0])[0], spectrum, bend, case["y"][0])
    eta = step / (case["spread"] + case["bend"] / 6) ** 2
    return descent.follow_gradient(map_, start, eta, 40), eta


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rate", "step"), [(0.25, 1), (5, 1), (0.25, 4)])
def test_a_folded_map_s_rate_is_the_worst_of_forty_steps(seed, rate, step):
    case = folded(seed)
    path, eta = directly(case, step)
    r = path.misfits
    allowed = [(1 - rate * eta * 0.25) ** tau + 1e-12 for tau in range(41)]
    worst = max(r[tau] / (allowed[tau] * r[0]) for tau in range(1, 41))
    sides = runs.folded_rate(case, {"rate": rate, "step": step})
    assert sides.lhs == pytest.approx(worst, rel=1e-9)
    assert sides.rhs == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.2, 3])
@pytest.mark.parametrize("along", [0, 1])
def test_a_folded_map_s_path_is_the_worst_of_forty_steps(seed, share, along):
    case = folded(seed, bend=1.2, size=50.0)
    path, _ = directly(case, 1)
    moved = path.lengths if along else path.distances
    sides = runs.folded_path(case, {"path": share, "step": 1, "length": along})
    assert sides.lhs == pytest.approx(max(share * 0.5 * moved[t] + path.misfits[t] for t in range(1, 41)), rel=1e-12)
    assert sides.rhs == pytest.approx(path.misfits[0], rel=1e-11)


@pytest.mark.parametrize("tau", [1, 7, 23, 40])
def test_folded_maps_are_refuted_by_one_step_of_forty(monkeypatch, tau):
    case = folded(0)
    eta = 1 / (3 + 0.9 / 6) ** 2
    r = 2 * 0.5 ** np.arange(41)
    distances, lengths = np.zeros(41), np.zeros(41)
    r[tau] = 2 * (1 - 0.0625 * eta) ** tau * 1.001
    distances[tau], lengths[tau] = 40.0, 80.0
    monkeypatch.setattr(runs.descent, "follow_gradient", lambda *given: Path(r, distances, lengths))
    assert runs.folded_rate(case, {"rate": 0.25, "step": 1}).margin == pytest.approx(-0.001, rel=1e-6)
    for along, moved in ((0, 40), (1, 80)):
        sides = runs.folded_path(case, {"path": 0.2, "step": 1, "length": along})
        assert sides.lhs == pytest.approx(0.1 * moved + r[tau], rel=1e-12)
        assert sides.margin < 0


@pytest.mark.parametrize(("bend", "meets"), [(0.0, True), (1.0, True), (1.01, False), (6.0, False), (-1.01, False)])
def test_a_folded_map_meets_a2_up_to_a_bend_of_one(bend, meets):
    assert runs.folded_meets_a2(folded(0, bend=bend), {}) is meets


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 2, 5])
def test_folded_maps_meet_a0_a1_and_a3_as_drawn(seed, n):
    case = folded(seed, n=n)
    assert runs.folded_integrates(case, {}) is True
    assert runs.folded_meets_a1(case, {}) is True
    assert runs.folded_meets_a3(case, {}) is True


def test_a1_asks_for_twice_alpha_and_is_met_with_equality(monkeypatch):
    assert not runs.folded_meets_a1(folded(0, spread=0.999), {})
    monkeypatch.setattr(runs, "FOLDED_ALPHA", 0.5 * (1 + 1e-9))
    assert not runs.folded_meets_a1(folded(0), {})


def test_a3_fails_where_beta_is_a_little_too_small(monkeypatch):
    case = folded(0)
    case["start"] = -np.abs(case["start"])
    assert runs.folded_meets_a3(case, {})
    monkeypatch.setattr(runs, "folded_beta", lambda case: (1 - 1e-6) * (3 + 0.9 / 6))
    assert not runs.folded_meets_a3(case, {})


def test_a3_fails_where_the_spectrum_exceeds_the_spread():
    assert not runs.folded_meets_a3(folded(0, spread=0.5, bend=0.9), {})


def test_beta_is_the_spread_and_a_sixth_of_the_bend():
    assert runs.folded_beta(folded(0)) == pytest.approx(3.15, rel=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_integration_of_the_jacobian_accounts_for_changes_of_sign(seed):
    case = folded(seed, n=12, bend=6.0, size=100.0)
    map_, start = runs.folded_map(case)
    r, J = map_(start)
    end = start - J.T @ r / runs.folded_beta(case) ** 2
    assert ((start >= 0) != (end >= 0)).any()
    assert runs.folded_integrates(case, {})


class Curved(FoldedMap):
    """A folded map with a quadratic term that its Jacobian leaves out."""

    def __call__(self, theta):
        r, J = super().__call__(theta)
        return r + 1e-6 * theta**2, J


@pytest.mark.parametrize("seed", range(3))
def test_a_map_whose_jacobian_leaves_something_out_does_not_integrate(monkeypatch, seed):
    monkeypatch.setattr(runs.descent, "FoldedMap", Curved)
    assert not runs.folded_integrates(folded(seed), {})
