"""The chain of least widths, against the inequalities solved in floats, and the price against a plain search."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy.optimize import brentq

from untrained.theory.ledger import ledger
from untrained.theory.objects.path_budget import PathBudget

CHAIN = "own.width_chain."
TAU, ROWS = 1.0, 4
"""sqrt(2 rate) at the rate 1/2, and the least n."""


def chernoff(need, phi):
    theta = np.linspace(1e-6, 0.5 - 1e-6, 200_001)
    return ((need + phi(theta)) / theta).min()


def misfit_bound(aspect):
    """rho: ||V phi(h_0) - y|| <= rho ||y||, by both Chernoff bounds over a grid of exponents."""
    q = chernoff(TAU**2 / aspect / 2, lambda theta: np.log((1 + 1 / np.sqrt(1 - 2 * theta)) / 2))
    return math.sqrt(
        chernoff(q * TAU**2 / 2, lambda theta: q * (theta / (q * (1 - 2 * theta)) - np.log(1 - 2 * theta) / 2))
    )


def left_before(aspect):
    eps = 1 / math.sqrt(aspect)
    return math.sqrt(0.5 - eps * TAU / 2 - eps**2 / ROWS) - (1 + TAU) * eps


def least_of_chain(linear=0.0, path=5.0, misfit=lambda aspect: 3.0, smallest=lambda aspect: 0.5, factor=3):
    """Root of 2 sqrt(n/d) + sqrt(2 s/d log(d/s) + linear s/d) = sigma_min/6 in s = factor (2 d R)^{2/3}."""

    def gap(log_aspect):
        aspect = math.exp(log_aspect)
        alpha = smallest(aspect) / 2
        share = factor * (2 * path * misfit(aspect) / alpha) ** (2 / 3) * aspect ** (-1 / 3)
        return 2 / math.sqrt(aspect) + math.sqrt(2 * share * math.log(1 / share) + linear * share) - alpha / 3

    return math.exp(brentq(gap, math.log(1e10), math.log(1e18), xtol=1e-12))


def least_by_price():
    """The root of max_psi x w(x) = rho eps, over a grid of angles of the cut."""
    psi = np.linspace(1e-4, math.pi / 2, 20_001)
    x = np.sqrt(np.maximum(math.pi - 2 * psi - np.sin(2 * psi), 0) / (2 * math.pi))

    def gap(aspect):
        eps = 1 / math.sqrt(aspect)
        energy = (2 * psi - np.sin(2 * psi)) / (2 * math.pi) - eps * TAU / 2 - eps**2 / ROWS
        w = np.sqrt(np.maximum(energy, 0)) - (1 + TAU) * eps
        return (x * w).max() - misfit_bound(aspect) * eps

    return brentq(gap, 200, 5000, xtol=1e-6)


WIDTHS = {
    "path": lambda: least_of_chain(1, 21 / 23),
    "misfit": lambda: least_of_chain(1, 21 / 23, misfit_bound),
    "smallest": lambda: least_of_chain(1, 21 / 23, misfit_bound, left_before),
    "path_alone": lambda: least_of_chain(path=21 / 23),
    "misfit_alone": lambda: least_of_chain(misfit=misfit_bound),
    "smallest_alone": lambda: least_of_chain(smallest=left_before),
    "price": least_by_price,
}


def unit(least, digits=4):
    return 10 ** (math.floor(math.log10(least)) + 1 - digits)


@pytest.mark.parametrize("name", WIDTHS)
def test_the_least_width_solves_its_inequality_in_floats(name):
    least = float(ledger()[CHAIN + name].values["least"])
    assert WIDTHS[name]() == pytest.approx(least, abs=0.5001 * unit(least))


def test_the_chain_begins_at_the_papers_own_least_constants():
    assert least_of_chain() == pytest.approx(float(ledger()["vanveen18.width.minimal"].values["least"]), rel=1e-6)
    assert least_of_chain(1) == pytest.approx(float(ledger()["own.width_least"].values["least"]), rel=1e-6)


def test_fewer_changes_alone_save_what_the_notes_say():
    assert least_of_chain(1, factor=1.1895) == pytest.approx(3.28e14, rel=2e-3)


def test_what_is_left_before_a_cut_is_that_of_the_path_budget():
    path = PathBudget(F(867), F(1, 2), F(1, 4))
    assert float(path.uncut) == pytest.approx(left_before(867), rel=1e-12)


@pytest.mark.parametrize("name", WIDTHS)
def test_each_width_is_proved_and_its_neighbours_refuted(name):
    claim_id = CHAIN + name
    least, digits = (float(ledger()[claim_id].values[key]) for key in ("least", "digits"))
    assert outcome(claim_id) == "affirmed"
    for side in (-1, 1):
        assert outcome(claim_id, least=least + side * unit(least, digits)) == "refuted"


@pytest.mark.parametrize(
    ("name", "record", "constants"),
    [
        ("path", "own.meta_path", {"path": F(22, 23)}),
        ("path", "own.sparse_width", {"linear": 2}),
        ("smallest", "own.path_budget.left", {"share": F(49, 100)}),
        ("misfit_alone", "vanveen18.width.printed", {"log_factor": F(201, 100)}),
        ("smallest_alone", "vanveen18.thmB5.rate", {"a1": F(201, 100)}),
        ("misfit_alone", "vanveen18.alpha_R", {"alpha_divisor": F(401, 100)}),
        ("misfit_alone", "own.path_budget.output", {"share": F(49, 100)}),
        ("price", "own.path_budget.angles", {"sine": F(101, 100)}),
        ("price", "own.path_budget.misfit", {"factor": 2}),
        ("path_alone", "vanveen18.lemB4", {"factor": F(31, 10)}),
    ],
)
def test_the_chain_reads_what_it_improves(name, record, constants):
    assert proof_says(CHAIN + name, records={record: constants}) != "proves"
