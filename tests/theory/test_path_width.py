"""The sharper theorem at given sizes, against its definition by plain quadrature, exact tails, and its claims."""

import math
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from scipy.special import erfc
from scipy.stats import binom, chi2, ncx2

from untrained.theory.claim import Constant, Premises
from untrained.theory.ledger import ledger
from untrained.theory.objects.covered_widths import (
    SharperTheorem,
    event_count,
    largest_rate,
    rate_for,
    usual_rate,
)
from untrained.theory.objects.path_budget import PathBudget, misfit_square, output_share, surplus
from untrained.theory.papers.own.path_width import surplus_decides

HALF, TENTH = F(1, 2), F(1, 10)
PATHS = (
    PathBudget(F(400), HALF, F(1, 4)),
    PathBudget(F(95), F(1, 2 * 10**6), F(1, 10**6)),
    PathBudget(F(10**7, 784), F(1, 128), F(1, 784)),
    PathBudget(F(10**9), F(5), F(1)),
)


def capped_energies(multipliers):
    """E min(x^2, lambda g^2) for each lambda: the integral over t of P(x^2 > t) P(lambda g^2 > t), at t = s^2."""
    s = (np.arange(4000) + 0.5) * 10 / 4000
    density = 2 * s * erfc(s / math.sqrt(2))
    return np.array([(density * erfc(s / math.sqrt(2 * one))).sum() for one in multipliers]) * 10 / 4000


def integral_by_sums(path):
    """int w(x) dx over w > 0, w(x) = sqrt(max over lambda of E min(x^2, lambda g^2)/2 - lost - lambda x^2) - below."""
    eps, tau, n = 1 / math.sqrt(path.aspect), math.sqrt(2 * path.rate), 1 / path.inverse_rows
    multipliers = np.geomspace(1e-3, 1e7, 2500)
    left = capped_energies(multipliers) / 2 - eps * tau / 2 - eps**2 / n
    x = (np.arange(4000) + 0.5) / 4000
    energies = np.array([(left - multipliers * one**2).max() for one in x])
    w = np.sqrt(np.maximum(energies, 0)) - (1 + tau) * eps
    return float(np.maximum(w, 0).mean())


@pytest.mark.parametrize("path", PATHS)
def test_the_integral_is_that_of_its_definition(path):
    slow = integral_by_sums(path)
    total, length = path.integral()
    assert float(total) == pytest.approx(slow, rel=1e-4)
    assert float(path.integral_at_most()) == pytest.approx(slow, rel=1e-4)
    assert total < path.integral_at_most()
    assert 0 < length < 1


@pytest.mark.parametrize("aspect", [10**8, 10**12, 10**18])
def test_far_out_a_bound_is_a_number(aspect):
    path = PathBudget(F(aspect), HALF, F(1, 4))
    wide, narrow = surplus(path, TENTH), surplus(PathBudget(F(aspect, 10), HALF, F(1, 4)), TENTH)
    assert 0 < narrow.surplus < wide.surplus
    assert 0.27 < wide.smallest < 0.3
    assert float(wide.surplus) == pytest.approx(
        integral_by_sums(path) - float(wide.misfit) / math.sqrt(aspect) / 0.95, rel=1e-3
    )


THETAS = np.linspace(1e-5, 0.5 - 1e-5, 400_001)


@pytest.mark.parametrize(("d", "n", "tau"), [(40, 4, 3.0), (1600, 4, 2.0), (3000, 30, 1.0), (600, 30, 3.0)])
def test_the_output_is_bounded_by_the_best_exponent_and_its_exact_tail_is_below(d, n, tau):
    q = output_share(arb(n / d).sqrt(), arb(tau))
    need = tau**2 * n / d / 2
    direct = ((need + np.log((1 + 1 / np.sqrt(1 - 2 * THETAS)) / 2)) / THETAS).min()
    assert float(q.most) == pytest.approx(direct, rel=1e-6)
    assert q.least <= q.most
    count = np.arange(1, d + 1)

    def tail(level):
        return float((binom.pmf(count, d, 0.5) * chi2.sf(level * d, count)).sum())

    granted = math.exp(-(tau**2) * n / 2)
    assert tail(float(q.most)) <= granted < tail(0.5 + 0.7 * (float(q.most) - 0.5))


@pytest.mark.parametrize(("n", "share", "tau"), [(4, 0.6, 3.0), (30, 0.55, 1.0), (1000, 0.51, 0.1), (1, 0.5, 5.0)])
def test_the_misfit_is_bounded_by_the_best_exponent_and_its_exact_tail_is_below(n, share, tau):
    square = misfit_square(arb(share), arb(tau))
    rest = 1 - 2 * THETAS
    direct = ((share * tau**2 / 2 + THETAS / rest - share * np.log(rest) / 2) / THETAS).min()
    assert float(square.most) == pytest.approx(direct, rel=1e-6)
    assert square.least <= square.most
    mean, rho = 1 + share, float(square.most)

    def tail(level):  # ||sigma xi - y||^2 > level dn, sigma^2 = share d
        return float(ncx2.sf(level * n / share, n, n / share))

    assert tail(rho) <= math.exp(-(tau**2) * n / 2) < tail(mean + 0.7 * (rho - mean))


def sharper_claims(prefix):
    return {i: claim for i, claim in ledger().items() if i.startswith("own.sharper.") and prefix in claim.constants}


def theorem_of(claim, rows):
    """The theorem with a claim's step and failure at so many rows."""
    c = claim.values
    step = F(c.get("step", 0))
    rate = F(c["failure_rate"]) if "failure_rate" in c else rate_for(F(c["failure"]), rows, step)
    return SharperTheorem(rows, step, rate)


@pytest.mark.parametrize("name", sharper_claims("aspect"))
def test_a_claim_covers_its_own_width_and_promises_no_more(name):
    c = ledger()[name].values
    rows = c["rows"]
    d = math.ceil(c["aspect"] * rows)
    theorem = theorem_of(ledger()[name], rows)
    says = theorem.promise(d)
    assert theorem.covers(d)
    assert says.pays > says.misfit
    assert says.misfit <= c["misfit"]
    assert says.length <= c["length"]
    eps = math.sqrt(rows / d)
    assert says.fall >= 1 / (c["rate_divisor"] * ((1 + 2 * eps) ** 2 if theorem.step else 1))
    assert theorem.spread == 2


@pytest.mark.parametrize("name", sharper_claims("least"))
def test_the_least_width_is_that_of_the_claim(name):
    c = ledger()[name].values
    theorem = theorem_of(ledger()[name], c["rows"])
    d = theorem.least_width()
    assert theorem.covers(d)
    assert not theorem.covers(d - 1)
    unit = 10 ** (math.floor(math.log10(c["least"])) + 1 - c["digits"])
    assert abs(F(d, c["rows"]) - c["least"]) <= F(unit) / 2 + F(1, c["rows"])


def test_four_hundred_rows_a_row_are_enough_and_fifty_fewer_are_not():
    for n in (4, 16, 1000):
        assert SharperTheorem(n, TENTH, usual_rate(n, TENTH)).covers(400 * n)
    assert not SharperTheorem(4, TENTH, HALF).covers(351 * 4)
    assert SharperTheorem(10**6, TENTH, HALF).covers(350 * 10**6)
    assert not SharperTheorem(10**6, TENTH, HALF).covers(349 * 10**6)


def as_claim(n, d, step, failure):
    """own.sharper.descent or flow with what is computed for n rows and d neurons in place of its numbers."""
    theorem = SharperTheorem(n, step, rate_for(failure, n, step))
    says = theorem.promise(d)
    divisor = 1 / says.fall if says.fall else 10**30
    if step and says.fall:
        divisor /= (1 + float(theorem.spread) * math.sqrt(n / d)) ** 2
    numbers = {
        "aspect": F(d, n),
        "rows": n,
        "failure": failure,
        "misfit": F(says.misfit * (1 + 1e-9)),
        "length": F(says.length * (1 + 1e-9)),
        "rate_divisor": F(divisor * (1 + 1e-9)),
    }
    numbers |= {"step": step, "deviation": theorem.spread} if step else {}
    claim = ledger()["own.sharper.descent.hundred" if step else "own.sharper.flow.hundred"]
    constants = {name: replace(claim.constants[name], value=value) for name, value in numbers.items()}
    constants |= {"power": Constant(2)}
    return theorem, replace(claim, constants=constants)


@pytest.mark.parametrize(
    ("n", "d", "step", "failure"),
    [
        (784, 10**7, TENTH, F(1, 100)),
        (784, 92_600, TENTH, F(1, 100)),
        (784, 92_400, TENTH, F(1, 100)),
        (3, 4000, F(1), F(1, 10)),
        (10, 10**6, F(15, 10), F(1, 10**40)),
        (1, 2000, F(0), F(1, 50)),
        (50, 5000, F(0), F(1, 50)),
    ],
)
def test_what_is_said_of_given_sizes_is_proved_as_a_claim_is(n, d, step, failure):
    theorem, claim = as_claim(n, d, step, failure)
    records = {name: ledger()[name] for name in claim.needs}
    low, high = surplus_decides(Premises(claim.values, frozenset({"width"}), records)).margin
    assert low > 0 if theorem.covers(d) else high < 0


def test_what_is_covered_stays_so_when_the_network_is_wider_and_more_may_fail():
    widths, failures = [4**k * 3000 for k in range(5)], [F(1, 10), F(1, 10**6), F(1, 10**12)]
    for step in (F(0), F(3, 2)):
        table = np.array(
            [[SharperTheorem(50, step, rate_for(p, 50, step)).covers(d) for d in widths] for p in failures]
        )
        assert (np.diff(table.astype(int), axis=1) >= 0).all()
        assert (np.diff(table.astype(int), axis=0) <= 0).all()
        assert table.any()
        assert not table.all()


@pytest.mark.parametrize(
    ("n", "failure", "step"), [(1, F(1, 2), F(0)), (7, F(1, 1000), F(19, 10)), (10**5, F(1, 100), F(1))]
)
def test_the_least_width_is_covered_and_one_less_is_not(n, failure, step):
    theorem = SharperTheorem(n, step, rate_for(failure, n, step))
    d = theorem.least_width()
    assert theorem.covers(d)
    assert not theorem.covers(d - 1)


@pytest.mark.parametrize(("n", "d", "step"), [(784, 10**5, F(0)), (100, 10**9, F(1))])
def test_the_largest_rate_is_covered_and_a_larger_one_is_not(n, d, step):
    rate = largest_rate(n, d, step)
    assert SharperTheorem(n, step, rate).covers(d)
    assert not SharperTheorem(n, step, rate * (1 + F(1, 10**4))).covers(d)


def test_no_rate_is_left_where_the_network_is_narrow():
    assert largest_rate(100, 5000, TENTH) is None


@pytest.mark.parametrize("failure", [F(1, 3), F(1, 100), F(1, 10**400)])
@pytest.mark.parametrize("step", [F(0), TENTH])
def test_the_events_fail_together_no_more_often_than_is_granted(failure, step):
    for n in (1, 30, 10**9):
        exponent = arb(rate_for(failure, n, step).numerator) / rate_for(failure, n, step).denominator * n
        together = event_count(step) * (-exponent).exp()
        granted = arb(failure.numerator) / failure.denominator
        assert (1 - 1e-9) * granted < together < (1 + 1e-12) * granted


def test_where_more_than_the_usual_is_asked_for_the_step_is_shorter():
    """||V|| <= sqrt d + sqrt n + t but for e^{-t^2/2}, t = tau sqrt n."""
    usual = SharperTheorem(16, TENTH, HALF)
    safe = SharperTheorem(16, TENTH, F(2))
    assert (usual.spread, safe.spread) == (2, 3)
    assert SharperTheorem(16, TENTH, F(1, 50)).spread == 2
    assert SharperTheorem(16, TENTH, F(51, 100)).spread == F(2010, 1000)


def test_the_usual_failure_needs_to_be_below_one():
    assert usual_rate(4, TENTH) == usual_rate(3, F(0)) == HALF
    with pytest.raises(ValueError, match=r"^probability must be named where 5 e\^\(-n/2\) is not below 1"):
        usual_rate(3, TENTH)
    with pytest.raises(ValueError, match=r"^failure must lie strictly between 0 and 1, got 1$"):
        rate_for(F(1), 4, TENTH)
