"""Theorems of textbooks: laws by definition, by simulation and by other routes, and proofs without a premise."""

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from papers.statements import bench, outcome, proof_says
from scipy import optimize, special, stats

from untrained.sims.evidence.mutants import mutate
from untrained.theory.laws.suprema import chi_mean
from untrained.theory.laws.wishart import largest_eigenvalue_above, smallest_eigenvalue_below
from untrained.theory.ledger import ledger, theorems_assumed
from untrained.theory.papers.textbook import CLAIMS, counting, gaussian, singular_values
from untrained.theory.papers.textbook.tails import binomial_at_least, binomial_at_most
from untrained.theory.wording import unexplained_numerals

ASSUMED = (
    "textbook.gaussian_lipschitz",
    "textbook.gordon",
    "textbook.massart",
    "textbook.matrix_bernstein",
    "textbook.sudakov_fernique",
)
PROVED = tuple(claim.id for claim in CLAIMS if claim.proofs)


def value(ball):
    return float(ball.mid())


# Laws.


@pytest.mark.parametrize("d", [0, 1, 2, 7, 30])
@pytest.mark.parametrize("p", [F(0), F(1, 7), F(1, 2), F(9, 10), F(1)])
def test_tails_of_the_binomial_law_are_sums_of_its_terms(d, p):
    terms = [math.comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(d + 1)]
    for m in range(-1, d + 2):
        assert value(binomial_at_most(m, d, p)) == pytest.approx(float(sum(terms[: max(0, m + 1)])), rel=1e-11)
        assert value(binomial_at_least(m, d, p)) == pytest.approx(float(sum(terms[max(0, m) :])), rel=1e-11)


def test_a_tail_of_a_long_binomial_law_is_enclosed_by_its_first_term_and_a_geometric_series():
    d, p, m = 10**14, F(1, 10**6), 10**8 - 5 * 10**5
    first = stats.poisson.logpmf(m, 1e8)  # p is small: off by about d p^2 = 1e2 x 1e-6
    log_tail = float(binomial_at_most(m, d, p).log())
    assert first < log_tail < first - math.log(1 - m / 1e8) + 0.01


@pytest.mark.parametrize("k", [1, 2, 9, 1000])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99, 1.2])
def test_the_lower_tail_of_chi(k, share):
    level = math.sqrt(share * k)
    assert value(singular_values.chi_below(k, arb(level))) == pytest.approx(stats.chi.cdf(level, k), rel=1e-9)


def test_means_of_chi_grow_faster_than_roots():
    gaps = [value(chi_mean(k)) - math.sqrt(k) for k in range(1, 400)]
    assert all(b > a for a, b in itertools.pairwise(gaps))
    assert all(value(chi_mean(k)) ** 2 <= k - 0.5 + 3 / (16 * k) for k in range(1, 400))


# Statements.


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_no_number_is_typed(claim):
    texts = [claim.says, claim.tex, *(h.says for h in claim.hypotheses)]
    assert [numeral for text in texts for numeral in unexplained_numerals(text)] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_number_and_hypothesis_is_seen(claim):
    report = mutate(claim, bench(), brackets=False)
    assert report.outcome == "affirmed"
    assert report.faults == ()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_false_sibling_is_refuted(claim):
    for control in claim.controls:
        assert outcome(claim.id, without=control.without, **control.constants) == "refuted", control.name


@pytest.mark.parametrize("claim_id", PROVED)
def test_a_proof_needs_every_hypothesis(claim_id):
    assert proof_says(claim_id) == "proves"
    for hypothesis in ledger()[claim_id].hypotheses:
        assert proof_says(claim_id, without=(hypothesis.name,)) == "open"


@pytest.mark.parametrize("claim_id", PROVED)
def test_a_proof_falls_with_a_weaker_premise(claim_id):
    for need in ledger()[claim_id].needs:
        for name, constant in ledger()[need].constants.items():
            weaker = constant.value * (F(9, 10) if constant.stronger == "up" else F(11, 10))
            assert proof_says(claim_id, records={need: {name: weaker}}) == "open", (need, name)


def test_what_is_not_proved_here():
    assert tuple(sorted(claim.id for claim in CLAIMS if not claim.proofs)) == ASSUMED
    rests = theorems_assumed(ledger()["textbook.davidson_szarek.largest"])
    assert set(rests) & set(ASSUMED) == {"textbook.gaussian_lipschitz", "textbook.sudakov_fernique"}


# Matrices and processes.


def test_means_of_maxima_of_three_by_simulation():
    rng = np.random.default_rng(11)
    mix = np.array([[1.0, 0.2, 0.0], [0.3, 0.5, 0.1], [-0.4, 0.0, 0.9]])
    x = rng.standard_normal((400_000, 3)) @ mix.T
    deviations = [(mix[i] - mix[j]) @ (mix[i] - mix[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    claimed = sum(math.sqrt(v) for v in deviations) / (2 * math.sqrt(2 * math.pi))
    assert x.max(1).mean() == pytest.approx(claimed, abs=0.006)
    assert x.min(1).mean() == pytest.approx(-claimed, abs=0.006)


@pytest.mark.parametrize(("n", "d", "s"), [(1, 8, 8), (10, 1, 1), (3, 20, 1), (4, 4, 4)])
def test_sides_of_chevet_by_simulation(n, d, s):
    rng = np.random.default_rng(12)
    V, g = rng.standard_normal((20_000, n, d)), rng.standard_normal((20_000, d))
    norms = np.linalg.norm(V, 2, axis=(1, 2)) if s == d else np.linalg.norm(V, axis=1).max(1)
    width = np.linalg.norm(g, axis=1) if s == d else np.abs(g).max(1)
    sides = gaussian.chevet_sides({"n": n, "d": d, "s": s}, ledger()["textbook.chevet"].values)
    assert float(sides.lhs) == pytest.approx(norms.mean(), abs=0.03)
    assert float(sides.rhs) == pytest.approx(math.sqrt(n) + width.mean(), abs=0.03)


@pytest.mark.parametrize(("n", "s"), [(1, 30), (5, 6), (4, 16)])
def test_laws_of_extreme_singular_values_are_the_pfaffian(n, s):
    """The shortcuts for one row and for s = n + 1 are the general law."""
    smallest, largest = (ledger()[f"textbook.davidson_szarek.{end}"].values for end in ("smallest", "largest"))
    low, high = math.sqrt(s) - math.sqrt(n), math.sqrt(s) + math.sqrt(n)
    below = singular_values.smallest_sides({"n": n, "s": s, "t": 0}, smallest).lhs
    above = singular_values.largest_sides({"n": n, "s": s, "t": 0}, largest).lhs
    assert value(below) == pytest.approx(value(smallest_eigenvalue_below(n, s, low**2)), rel=1e-9)
    assert value(above) == pytest.approx(value(largest_eigenvalue_above(n, s, high**2)), rel=1e-9)


def test_a_lipschitz_function_exceeds_its_mean_as_often_as_its_law_says():
    values = ledger()["textbook.gaussian_lipschitz"].values
    g = np.random.default_rng(13).standard_normal(200_000)
    for K in (0, 1, 2):
        F_ = np.minimum(g + K, 0)
        claimed = gaussian.lipschitz_sides({"K": K, "t": 0}, values).lhs
        assert (F_.mean() < F_).mean() == pytest.approx(value(claimed), abs=0.005)


def test_moments_of_v_by_simulation_are_those_of_the_density():
    n, s = 3, 5
    V = np.random.default_rng(14).standard_normal((200_000, n, s))
    gram = V @ V.transpose(0, 2, 1)
    values = ledger()["textbook.wishart"].values
    for trace, sample in ((0, np.linalg.det(gram)), (1, np.trace(gram, axis1=1, axis2=2) ** 2)):
        by_density, by_entries = (singular_values._trace if trace else singular_values._determinant)(n, s, values)
        assert by_density == by_entries
        assert sample.mean() == pytest.approx(float(by_entries), rel=0.03)


def test_the_triangle_of_v_has_the_entries_that_the_proof_says():
    n, s = 3, 5
    V = np.random.default_rng(16).standard_normal((100_000, n, s))
    L = np.linalg.cholesky(V @ V.transpose(0, 2, 1))
    for i in range(n):
        assert (L[:, i, i] ** 2).mean() == pytest.approx(s - i, abs=0.05)
        assert (L[:, i, i] ** 4).mean() == pytest.approx((s - i) * (s - i + 2), rel=0.03)
    assert np.cov(L[:, 1, 0], L[:, 2, 1]) == pytest.approx(np.eye(2), abs=0.02)


@pytest.mark.parametrize(("n", "s"), [(2, 2), (2, 5), (3, 4)])
def test_from_triangles_to_gram_matrices_the_volume_changes_as_the_proof_says(n, s):
    rng = np.random.default_rng([17, n, s])
    L = np.tril(rng.standard_normal((n, n)))
    places = [(i, j) for i in range(n) for j in range(i + 1)]
    columns = []
    for i, j in places:
        step = np.zeros((n, n))
        step[i, j] = 1
        change = step @ L.T + L @ step.T
        columns.append([change[a, b] for a, b in places])
    claimed = 2**n * math.prod(abs(L[i, i]) ** (n - i) for i in range(n))
    assert abs(np.linalg.det(columns)) == pytest.approx(claimed, rel=1e-10)


# Tails.


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_the_best_t_of_chernoff_gives_the_relative_entropy(p, share):
    x = p * share
    best = optimize.minimize_scalar(
        lambda t: t * x + math.log(1 - p + p * math.exp(-t)), bounds=(0, 50), method="bounded"
    )
    assert best.fun == pytest.approx(-float(special.rel_entr([x, 1 - x], [p, 1 - p]).sum()), abs=1e-7)


def test_other_forms_of_statements_that_are_false():
    assert outcome("textbook.hoeffding", power=F(21, 10)) == "refuted"
    assert outcome("textbook.bernstein_lower", rate=1) == "refuted"
    assert outcome("textbook.binomial_median", above=F(1, 2)) == "refuted"
    assert outcome("textbook.davidson_szarek.smallest", rate=F(101, 100)) == "refuted"
    assert outcome("textbook.mills", slope=F(999, 1000)) == "refuted"


# Counting.


def in_a_half_space(directions):
    """Whether some u has <u, v> >= 1 for all of them, by linear programming."""
    n = directions.shape[1]
    solution = optimize.linprog(np.zeros(n), -directions, -np.ones(len(directions)), bounds=[(None, None)] * n)
    return solution.status == 0


@pytest.mark.parametrize(("D", "n"), [(4, 2), (3, 3), (6, 3), (7, 4)])
def test_half_spaces_by_every_pattern_of_signs(D, n):
    v = np.random.default_rng([15, D, n]).standard_normal((D, n))
    held = sum(in_a_half_space(np.array(signs)[:, None] * v) for signs in itertools.product((1, -1), repeat=D))
    assert F(held, 2**D) == sum(F(math.comb(D - 1, k), 2 ** (D - 1)) for k in range(n))
    if n == 2 or n + 1 >= D:
        assert F(held, 2**D) == counting._in_a_half_space({"D": D, "n": n})


@pytest.mark.parametrize("q", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_two_points_of_one_height_have_a_harmonic_mean_of_at_most_q(q):
    def gap(y, x):
        return q * math.log(y / x) + (1 - q) * (math.log1p(-y) - math.log1p(-x))

    for x in q * np.linspace(0.01, 0.99, 50):
        if gap(1 - 1e-15, x) < 0:
            y = optimize.brentq(gap, q, 1 - 1e-15, args=(x,))
            assert 2 * x * y / (x + y) <= q * (1 + 1e-9)


def test_at_most_half_of_the_beta_law_lies_below():
    for d in range(1, 60):
        m = np.arange(1, d + 1)
        assert (stats.beta.cdf((m - 1) / d, m, d - m + 1) <= 0.5).all()
        p = np.linspace(0.05, 0.95, 7)[:, None]
        assert stats.beta.cdf(p, m, d - m + 1) == pytest.approx(stats.binom.sf(m - 1, d, p), rel=1e-9)


@pytest.mark.parametrize("d", [1, 4, 25])
def test_medians_on_a_grid_of_p(d):
    for p in np.linspace(0.001, 0.999, 200):
        median = stats.binom.median(d, p)
        assert math.floor(d * p) <= median <= math.ceil(d * p)
