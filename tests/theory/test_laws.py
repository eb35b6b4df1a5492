"""The exact laws against slow twins: sums over binomials, scipy's tails, enumeration, and plain simulation."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from scipy.stats import binom, chi2, norm

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.objects import width
from untrained.theory.proof import exact as laws


def mid(x):
    return float(x.mid()) if isinstance(x, arb) else float(x)


def masked_below(d, level):
    """P(||v_S||^2 < level) for v standard normal in R^d and S a fair random subset."""
    s = np.arange(1, d + 1)
    return binom.pmf(0, d, 0.5) + float(np.sum(binom.pmf(s, d, 0.5) * chi2.cdf(level, s)))


def interval(held):
    return clopper_pearson(int(np.sum(held)), len(held), 1e-6)


@pytest.mark.parametrize("ratio", [3, 20, 31])
def test_the_smallest_singular_value_of_one_row(ratio):
    sides = laws.smallest_singular_failure({"n": 1}, {"width_ratio": ratio, "fraction": F(1, 2)})
    exact = masked_below(ratio, ratio / 4)
    assert float(sides.lhs.lower()) <= exact <= float(sides.lhs.upper())
    assert mid(sides.rhs) == pytest.approx(2 / math.e, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(2, 31), (3, 87)])
def test_a_width_threshold_is_where_the_law_crosses(n, d):
    margins = [laws.width_threshold({"n": n, "d": d}, {"shift": shift}).margin for shift in (-1, 0, 1)]
    assert margins == [-1.0, 1.0, -1.0]


def test_the_threshold_of_one_row_is_the_binomial_mixture_s():
    assert masked_below(1, 1 / 4) <= 2 / math.e
    assert laws.width_threshold({"n": 1, "d": 1}, {"shift": 0}).margin == 1.0


@pytest.mark.parametrize(("d", "deviation"), [(1, 2), (50, 1), (300, 0.5)])
def test_the_largest_norm_of_one_row(d, deviation):
    sides = laws.largest_norm_failure({"n": 1, "d": d}, {"deviation": deviation})
    assert mid(sides.lhs) == pytest.approx(chi2.sf((math.sqrt(d) + deviation) ** 2, d), rel=1e-9)
    assert mid(sides.rhs) == pytest.approx(math.exp(-0.5), rel=1e-12)


def test_the_largest_norm_of_three_rows_by_simulation():
    norms = np.linalg.norm(np.random.default_rng(11).standard_normal((20000, 3, 5)), 2, axis=(1, 2))
    low, high = interval(norms > math.sqrt(5) + 0.5 * math.sqrt(3))
    found = mid(laws.largest_norm_failure({"n": 3, "d": 5}, {"deviation": F(1, 2)}).lhs)
    assert low <= found <= high
    assert high - low < 0.05


@pytest.mark.parametrize(("d", "linear"), [(4, 0), (4, 1), (40, F(1, 16))])
def test_the_whole_matrix_of_one_row(d, linear):
    sides = laws.whole_matrix_failure({"n": 1, "d": d}, {"linear": linear})
    assert mid(sides.lhs) == pytest.approx(chi2.sf((2 + math.sqrt(linear * d)) ** 2, d), rel=1e-9)


@pytest.mark.parametrize(("m", "d"), [(1, 1), (3, 10), (40, 1000)])
def test_the_rank_failure_is_a_binomial_tail(m, d):
    sides = laws.rank_failure({"m": m, "d": d}, {"level": F(1, 2), "exponent": F(1, 6)})
    p = norm.cdf(m / (2 * d)) - norm.cdf(-m / (2 * d))
    assert sides.lhs == pytest.approx(binom.sf(m - 1, d, p), rel=1e-9)
    assert sides.rhs == pytest.approx(math.exp(-m / 6), rel=1e-12)


def test_a_rank_beyond_the_width_cannot_fail():
    assert laws.rank_failure({"m": 5, "d": 4}, {"level": F(1, 2), "exponent": F(1, 6)}).lhs == 0


@pytest.mark.parametrize("n", [1, 2, 10, 100])
@pytest.mark.parametrize("dimension", ["n", "d"])
def test_the_chi_square_failure_is_scipys(n, dimension):
    sides = laws.chi_square_failure({dimension: n}, {"exponent": F(1, 2)})
    assert mid(sides.lhs) == pytest.approx(chi2.sf(2 * n, n), rel=1e-10)
    assert mid(sides.rhs) == pytest.approx(math.exp(-n / 2), rel=1e-12)


def outputs(n, d, trials, seed):
    """V phi(W_0 z) in units of the target's norm, drawn in full."""
    rng = np.random.default_rng(seed)
    V, hidden = rng.standard_normal((trials, n, d)), rng.standard_normal((trials, d))
    return np.einsum("tnd,td->tn", V, np.maximum(hidden, 0)) / math.sqrt(d * n)


@pytest.mark.parametrize(("n", "d", "factor"), [(1, 1, 1), (2, 3, 1), (8, 4, F(6, 5))])
def test_the_output_norm_failure_by_simulation(n, d, factor):
    low, high = interval(np.linalg.norm(outputs(n, d, 40000, n), axis=1) > factor)
    sides = laws.output_norm_failure({"n": n, "d": d}, {"factor": factor, "exponent": F(1, 2)})
    assert low <= sides.lhs <= high
    assert high - low < 0.03
    assert sides.rhs == math.exp(-n / 2) + math.exp(-d / 2)


@pytest.mark.parametrize(("n", "d", "factor"), [(1, 1, 2), (2, 3, F(3, 2)), (8, 4, F(3, 2))])
def test_the_misfit_failure_by_simulation(n, d, factor):
    target = np.eye(n)[0]
    low, high = interval(np.linalg.norm(outputs(n, d, 40000, 50 + n) - target, axis=1) > factor)
    sides = laws.misfit_failure({"n": n, "d": d}, {"factor": factor, "exponent": F(1, 2)})
    assert low <= sides.lhs <= high
    assert high - low < 0.03


@pytest.mark.parametrize(("n", "d", "says"), [(1, 1, False), (1, 2, True), (2, 1, True), (8, 8, True)])
def test_the_misfit_bound_says_something_where_it_is_below_one(n, d, says):
    case, c = {"n": n, "d": d}, {"exponent": F(1, 2)}
    assert (math.exp(-n / 2) + math.exp(-d / 2) < 1) == says
    assert laws.misfit_says_something(case, c) == says
    assert laws.misfit_says_nothing(case, c) != says


def test_the_perturbation_failure_is_flips_times_one_row():
    n, d, k = 4, 300, 48
    radius_sq = (d / 3) ** 3 / (2 * d) ** 2
    within = 1 - 2 * norm.sf(math.sqrt(radius_sq / k))
    row = chi2.sf((2 * math.sqrt(n)) ** 2, k)
    sides = laws.perturbation_failure({"n": n, "d": d, "flips": k}, {"linear": 0})
    assert mid(sides.lhs) == pytest.approx(binom.sf(k - 1, d, within) * row, rel=1e-9)
    assert mid(sides.rhs) == pytest.approx(math.exp(-n / 2) + math.exp(-d / 18), rel=1e-12)


def test_the_perturbation_failure_happens_to_real_draws():
    """Flipping the k least aligned neurons, where R affords it, exceeds the printed bound at least so often."""
    n, d, k, trials = 4, 300, 48, 2000
    rng, radius_sq = np.random.default_rng(3), (d / 3) ** 3 / (2 * d) ** 2
    g = np.sort(np.abs(rng.standard_normal((trials, d))), axis=1)
    affordable = np.sum(g[:, :k] ** 2, axis=1) <= radius_sq
    norms = np.linalg.norm(rng.standard_normal((trials, n, k)), 2, axis=(1, 2))
    low, high = interval(affordable & (norms > 2 * math.sqrt(n)))
    found = mid(laws.perturbation_failure({"n": n, "d": d, "flips": k}, {"linear": 0}).lhs)
    assert math.exp(-n / 2) + math.exp(-d / 18) < found <= high
    assert high - low < 0.1


def test_the_sparse_width_of_two_has_a_closed_form():
    sides = laws.sparse_width({"s": 1, "d": 2}, {"linear": 1})
    assert sides.lhs == pytest.approx(1 + 2 / math.pi, abs=1e-9)
    assert sides.rhs == pytest.approx(2 * math.log(2) + 1, abs=1e-12)


@pytest.mark.parametrize(("s", "d"), [(1, 10), (3, 10), (9, 10), (5, 100)])
def test_the_sparse_width_by_simulation(s, d):
    squares = np.sort(np.random.default_rng(s).standard_normal((20000, d)) ** 2, axis=1)
    sums = np.sum(squares[:, -s:], axis=1)
    error = np.std(sums) / math.sqrt(len(sums))
    assert laws.sparse_width({"s": s, "d": d}, {"linear": 1}).lhs == pytest.approx(np.mean(sums), abs=5 * error)


@pytest.mark.parametrize("d", [1, 7, 100])
def test_the_sparse_width_of_everything_is_the_width(d):
    sides = laws.sparse_width({"s": d, "d": d}, {"linear": 1})
    assert (sides.lhs, sides.rhs, sides.margin) == (d, d, 0)


def test_the_bernoulli_instance_is_an_enumeration():
    p, d, delta, k = F(1, 4), 10, 0.9, F(1, 4)
    level = 1 - float(k) / math.sqrt(p) * math.sqrt((1 + 2 * math.log(2 / delta)) / d)
    assert 0 < level < 1
    below = F(0)
    for ones in range(d + 1):
        if float(F(ones, d) / p) < level:
            below += math.comb(d, ones) * p**ones * (1 - p) ** (d - ones)
    assert below > 0
    sides = laws.oliveira({"p": p, "d": d, "delta": delta}, {"constant": k})
    assert sides.lhs == pytest.approx(float(below), rel=1e-12)
    assert sides.rhs == delta


def test_the_bernoulli_instance_cannot_fall_below_a_negative_level():
    case = {"p": 0.5, "d": 20, "delta": 0.05}
    assert laws.oliveira(case, {"constant": 7}).lhs == 0.0
    assert not laws.oliveira_informative(case, {"constant": 7})


def test_the_masked_instance_of_one_row_is_a_mixture():
    d, delta, k = 40, 0.5, F(1, 4)
    share = 1 - 0.25 * math.sqrt(6) * math.sqrt((1 + 2 * math.log(4)) / d)
    found = laws.oliveira({"n": 1, "d": d, "delta": delta}, {"constant": k}).lhs
    assert float(found.lower()) <= masked_below(d, share * d / 2) <= float(found.upper())


def test_the_masked_instance_of_three_rows_by_simulation():
    n, d, delta, k, trials = 3, 12, 0.5, F(1, 4), 20000
    rng = np.random.default_rng(8)
    V = rng.standard_normal((trials, n, d)) * (rng.random((trials, 1, d)) < 0.5)
    share = 1 - 0.25 * math.sqrt(6) * math.sqrt((n + 2 * math.log(4)) / d)
    low, high = interval(np.linalg.svd(V, compute_uv=False)[:, -1] ** 2 < share * d / 2)
    found = laws.oliveira({"n": n, "d": d, "delta": delta}, {"constant": k}).lhs
    assert float(found.lower()) <= high
    assert float(found.upper()) >= low


@pytest.mark.parametrize("constant", [7, F(1, 4)])
@pytest.mark.parametrize(
    "case",
    [{"p": 0.5, "d": 20, "delta": 0.5}, {"p": 0.1, "d": 10**5, "delta": 0.05}, {"n": 4, "d": 3000, "delta": 0.3}],
)
def test_oliveira_s_bound_says_something_where_its_level_is_above_zero(case, constant):
    h = math.sqrt(6) if "n" in case else 1 / math.sqrt(case["p"])
    spread = (case.get("n", 1) + 2 * math.log(2 / case["delta"])) / case["d"]
    assert laws.oliveira_informative(case, {"constant": constant}) == (1 - float(constant) * h * math.sqrt(spread) > 0)


@pytest.mark.parametrize(("n", "d"), [(64, 10**12), (1, 10**9), (784, 784 * 10**16)])
def test_the_width_inequality_is_the_one_in_floats(n, d):
    sides = laws.width_inequality({"n": n, "d": d}, {})
    assert mid(sides.lhs) == pytest.approx(width.perturbation_share(d / n), rel=1e-12)
    assert mid(sides.rhs) == pytest.approx(1 / 12, rel=1e-15)
