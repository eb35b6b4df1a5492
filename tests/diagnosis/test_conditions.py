import math

import numpy as np
import pytest

from untrained.sims.diagnosis import conditions
from untrained.sims.ntk.spectrum import Bounds
from untrained.sims.random.streams import stream


def exact(value):
    return Bounds(value, value, value)


def status(condition):
    return condition.verdict.status


def test_a_smallest_singular_value_above_rounding_on_every_seed_supports_a1():
    condition = conditions.full_rank({"0": exact(4.0), "1": exact(9.0)}, {"0": 1e-12, "1": 1e-12}, weights=50, n=8)
    assert status(condition) == "SUPPORTED"
    assert condition.has == "2 to 3"
    assert condition.verdict.worst_case == {"seed": "0"}
    assert condition.verdict.margin == pytest.approx(4e12)


def test_fewer_weights_than_outputs_refute_a1():
    condition = conditions.full_rank({"0": exact(0.0)}, {"0": 1e-12}, weights=5, n=8)
    assert status(condition) == "REFUTED"
    assert condition.needs == "8 weights"


def test_a_smallest_singular_value_below_rounding_decides_nothing():
    condition = conditions.full_rank({"0": exact(1e-15), "1": exact(9.0)}, {"0": 1e-12, "1": 1e-12}, weights=50, n=8)
    assert status(condition) == "INCONCLUSIVE"
    open_ended = conditions.full_rank({"0": Bounds(0.0, 2.0, 4.0)}, {"0": 1e-12}, weights=50, n=8)
    assert status(open_ended) == "INCONCLUSIVE"
    assert open_ended.has == "0 to 2"


def test_one_attack_that_passes_the_bound_refutes_a2():
    condition = conditions.near_start({"a": 0.1, "b": 3.0}, bound=1.0, radius=50.0, nearest=5.0, further={})
    assert status(condition) == "REFUTED"
    assert condition.verdict.worst_case == {"attack": "b"}
    assert condition.verdict.margin == pytest.approx(-2)
    assert "0.1 R" in condition.has


def test_attacks_that_fail_support_a2_only_where_they_succeed_further_out():
    near = {"a": 0.1, "b": 0.2}
    assert status(conditions.near_start(near, 1.0, 50.0, None, {"a": 7.0})) == "SUPPORTED"
    assert status(conditions.near_start(near, 1.0, 50.0, None, {"a": 0.5})) == "CONSISTENT"
    assert status(conditions.near_start(near, 1.0, 50.0, None, {})) == "CONSISTENT"


def test_a2_with_nothing_to_spare_is_refuted():
    assert status(conditions.near_start({"a": 0.1}, 0.0, math.inf, None, {})) == "REFUTED"


def test_a3_is_proved_by_a_closed_form_and_else_only_consistent():
    assert status(conditions.bounded(2.0, 2.0, proved=True)) == "PROVED"
    assert status(conditions.bounded(2.0, 1.0, proved=False)) == "CONSISTENT"
    assert status(conditions.bounded(2.0, 2.1, proved=True)) == "REFUTED"


def test_the_promised_rate_is_held_against_every_step():
    condition = conditions.promised({"1": 0.1, "2": 0.2}, decrement=0.1, real_loss=0.2, covered=True)
    assert status(condition) == "SUPPORTED"
    assert status(conditions.promised({"1": 0.1, "2": -0.2}, 0.1, 0.05, covered=True)) == "REFUTED"
    assert status(conditions.promised({"1": 0.0}, 1e-9, 0.05, covered=False)) == "VACUOUS"
    assert "A2" in conditions.promised({"1": 0.1}, 0.1, 0.2, covered=False).means


def test_the_width_of_the_theorem_is_a_number():
    assert status(conditions.wide(100, 10, 4.3e15)) == "REFUTED"
    assert status(conditions.wide(100, 10, 5.0)) == "PROVED"


def test_a_range_of_more_dimensions_than_measurements_is_refuted():
    assert status(conditions.low_dimension(64, 100, None, exact=False)) == "INCONCLUSIVE"
    refuted = conditions.low_dimension(784, 100, 1e-9, exact=False)
    assert status(refuted) == "REFUTED"
    assert refuted.verdict.margin == pytest.approx(-6.84)
    assert status(conditions.low_dimension(50, 100, None)) == "SUPPORTED"


def test_ratios_far_apart_refute_an_isometry_and_others_prove_nothing():
    assert status(conditions.restricted_isometry({"seeds": (0.9, 1.1), "moves": (1e-8, 1.5)})) == "REFUTED"
    assert status(conditions.restricted_isometry({"seeds": (0.9, 1.1)})) == "CONSISTENT"


def test_a_picture_that_takes_longer_than_noise_refutes_the_bias():
    never = math.inf
    held = conditions.image_first("bias", "they are", {"cat": (10, 100), "coins": (10, never), "moon": (never, never)})
    assert status(held) == "SUPPORTED"
    assert held.has == "10 times at least; twice in 2 of 2 cases"
    assert status(conditions.image_first("bias", "they are", {"cat": (10, 100), "coins": (30, 20)})) == "REFUTED"
    assert status(conditions.image_first("bias", "they are", {"cat": (10, 19)})) == "REFUTED"
    assert status(conditions.image_first("bias", "they are", {"cat": (never, 20)})) == "REFUTED"
    assert status(conditions.image_first("bias", "they are", {"cat": (never, never)})) == "VACUOUS"


def test_gains_decide_on_denoising_and_sensing():
    assert status(conditions.denoises(0.7, 1.0, 100)) == "SUPPORTED"
    assert status(conditions.denoises(1.4, 1.0, 100)) == "REFUTED"
    # 7.8e-7 dB, and anything within what chance in 100 entries of noise may do: chi-square/100 lies in (0.74, 1.30).
    for error in (1 - 9e-8, 0.9, 1.1):
        assert status(conditions.denoises(error, 1.0, 100)) == "INCONCLUSIVE"
    assert status(conditions.recovers(0.2, 0.4, 100, 256)) == "SUPPORTED"
    assert status(conditions.recovers(0.5, 0.4, 100, 256)) == "REFUTED"
    # 100 random measurements of 256 pixels miss a share of energy within 14 % of its mean, which errors halve.
    for gain in (1e-7, 0.05, -1e-7, -0.05):
        assert status(conditions.recovers(0.4 * (1 - gain), 0.4, 100, 256)) == "INCONCLUSIVE"


def test_what_chance_in_the_measurements_may_do_is_what_random_projections_miss():
    m, n, misses = 20, 60, []
    for number in range(400):
        Q, _ = np.linalg.qr(stream(0, "rows", number).standard_normal((n, m)))
        misses.append(1 - float(np.sum(Q[0] ** 2)))  # of the first unit vector
    low, high = np.quantile(misses, [0.025, 0.975]) / np.mean(misses)
    for end, inside, outside in ((low**0.5, 1.02, "SUPPORTED"), (high**0.5, 0.98, "REFUTED")):
        assert status(conditions.recovers(end * inside, 1.0, m, n)) == "INCONCLUSIVE"
        assert status(conditions.recovers(end / inside, 1.0, m, n)) == outside


def test_a_number_that_is_none_counts_against():
    assert status(conditions.recovers(math.nan, 4.0, 100, 256)) == "REFUTED"
    assert status(conditions.recovers(1e-9, 0.0, 256, 256)) == "REFUTED"


def test_a_fit_of_few_steps_does_not_tell_twice_as_long():
    def bias(**times):
        return status(conditions.image_first("bias", "they are", times))

    assert bias(a=(1, 2)) == bias(a=(2, 4)) == bias(a=(1, 2), b=(10, 100)) == "INCONCLUSIVE"
    assert bias(a=(1, 3)) == bias(a=(2, 5)) == "SUPPORTED"
    assert bias(a=(1, 1)) == bias(a=(2, 3)) == bias(a=(1, 2), b=(10, 11)) == "REFUTED"
