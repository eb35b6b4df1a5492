"""What is known of sigma_min at the start: the exact law that `untrained width` shows against definitions and draws."""

import json
import math
from fractions import Fraction as F

import numpy as np
import pytest
from scipy.stats import binom, chi2

import untrained as door
from untrained.figures.width_report import width_parts
from untrained.sims.diagnosis.width_answer import answer_width, known_widths, start_log_failure
from untrained.theory.objects.relu_generator import jacobian

HALF = F(1, 2)


@pytest.mark.parametrize("d", [1, 7, 40, 300])
def test_one_row_is_a_mixture_of_chi_squares(d):
    shares = [binom.pmf(s, d, 0.5) * (chi2.cdf(d / 4, s) if s else 1) for s in range(d + 1)]
    assert math.exp(start_log_failure(1, d, HALF)) == pytest.approx(math.fsum(shares), rel=2e-4)


@pytest.mark.parametrize(("n", "d"), [(2, 20), (4, 60), (7, 90)])
def test_jacobians_that_are_drawn_are_as_often_too_small(n, d):
    rng, draws, below, z = np.random.default_rng(n), 3000, 0, np.array([3.0, -1.0, 0.5])
    nu = 0.7
    for _ in range(draws):
        J = jacobian(nu * rng.standard_normal((n, d)), rng.standard_normal((d, 3)), z)
        below += np.linalg.svd(J, compute_uv=False)[n - 1] < nu * math.sqrt(d) * np.linalg.norm(z) / 2
    p = math.exp(start_log_failure(n, d, HALF))
    assert 0.02 < p < 0.98
    assert abs(below - draws * p) < 4.5 * math.sqrt(draws * p * (1 - p))


def test_fewer_columns_than_rows_are_always_too_small():
    assert start_log_failure(9, 8, HALF) == 0


@pytest.mark.parametrize("size", [(33, 40), (2, 10_001), (16, 7501)])
def test_sizes_that_take_long_are_not_evaluated(size):
    assert known_widths(*size).start_log_failure is None


@pytest.mark.parametrize("n", [1, 8, 24])
def test_the_law_is_within_what_the_lemma_grants_from_its_width_on(n):
    others = known_widths(n, 200 * n)
    assert others.start_aspect == 200
    assert others.start_log_granted == pytest.approx(math.log(2) - n)
    assert others.start_log_failure < others.start_log_granted


def rows_of(answer):
    return {row[0]: row[1:] for row in width_parts(answer)[-1].rows}


LEMMA, LAW = "Lemma B.1, sharpened: sigma_min at the start (own.lemB1_200)", "the same, by its exact law"


def test_both_are_shown_and_are_in_the_json():
    answer = answer_width(16, 400)
    rows = rows_of(answer)
    assert rows[LEMMA] == ("from 3200", "200 n", "not covered")
    p = math.exp(answer.others.start_log_failure)
    assert rows[LAW] == ("-", "-", f"holds but for probability {p:.3g}")
    assert 0.1 < p < 0.2
    assert json.loads(json.dumps(answer.to_json()))["others"]["start_log_failure"] == answer.others.start_log_failure


def test_a_size_that_takes_long_is_told_and_null_in_the_json():
    said = door.width(100, 20_000, 0.9)
    rows = rows_of(said.answer)
    assert rows[LEMMA] == ("from 20000", "200 n", "covered, but for probability 7.44e-44")
    assert rows[LAW][2] == "not evaluated above n = 32, d = 10000 or n d = 120000"
    assert json.loads(json.dumps(said.answer.to_json()))["others"]["start_log_failure"] is None
