import itertools
import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from untrained.sims.images.scores import (
    mean_interval,
    paired_interval,
    ratio_interval,
    score,
    typical_interval,
)
from untrained.sims.random.streams import stream


def pair(*shape, noise=0.3):
    draws = stream(0, "scores", *shape)
    truth = draws.uniform(-1, 1, shape)
    return torch.from_numpy(truth + noise * draws.standard_normal(shape)), torch.from_numpy(truth)


def by_definition_mse(x, x_star):
    total = sum((a - b) ** 2 for a, b in zip(x.ravel(), x_star.ravel(), strict=True))
    return total / x.size


def reflected(i, side):
    """Index i of a row of pixels mirrored at its edges, the edge pixel twice."""
    i %= 2 * side
    return i if i < side else 2 * side - 1 - i


def by_definition_ssim(x, x_star, window):
    """Wang et al. 2004, with L = 2, K = (0.01, 0.03), an 11 x 11 Gaussian of sigma 1.5, at each inner centre."""
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    high, wide = x.shape
    kernel = [[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in range(-5, 6)] for i in range(-5, 6)]
    weight = sum(map(sum, kernel))

    def local_mean(f, row, column):
        return sum(
            kernel[i + 5][j + 5] / weight * f(reflected(row + i, high), reflected(column + j, wide))
            for i in range(-5, 6)
            for j in range(-5, 6)
        )

    values, edge = [], window // 2
    for row in range(edge, high - edge):
        for column in range(edge, wide - edge):
            ux = local_mean(lambda i, j: x[i, j], row, column)
            uy = local_mean(lambda i, j: x_star[i, j], row, column)
            vx = local_mean(lambda i, j: x[i, j] ** 2, row, column) - ux**2
            vy = local_mean(lambda i, j: x_star[i, j] ** 2, row, column) - uy**2
            vxy = local_mean(lambda i, j: x[i, j] * x_star[i, j], row, column) - ux * uy
            values.append((2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2)))
    return sum(values) / len(values)


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 12, 11)])
def test_errors_are_those_of_the_definition(shape):
    image, truth = pair(*shape)
    got, x, x_star = score(image, truth), image.numpy(), truth.numpy()
    mse = by_definition_mse(x, x_star)
    # Sums of a few hundred float64 numbers.
    assert got["mse"] == pytest.approx(mse, rel=1e-13)
    assert got["nmse"] == pytest.approx(mse * x.size / sum(v * v for v in x_star.ravel()), rel=1e-13)
    assert got["psnr"] == pytest.approx(20 * math.log10(2 / math.sqrt(mse)), abs=1e-11)
    assert got["data_range"] == 2


@pytest.mark.parametrize(
    ("shape", "window"), [((14, 13), 11), ((11, 11), 11), ((10, 12), 9), ((8, 8), 7), ((3, 5), 3), ((4, 3), 3)]
)
def test_ssim_is_that_of_the_definition_in_every_window(shape, window):
    image, truth = pair(1, *shape)
    got = score(image, truth)
    assert got["ssim_window"] == window
    # Variances are differences of means of order one, so an ulp of one over the least denominator, c1 c2 ~ 1e-6.
    assert got["ssim"] == pytest.approx(by_definition_ssim(image.numpy()[0], truth.numpy()[0], window), abs=1e-9)


def test_whole_windows_need_no_reflection():
    image, truth = pair(1, 12, 12)
    framed = [torch.nn.functional.pad(t, (9, 9, 9, 9), value=50.0)[:, 9:-9, 9:-9] for t in (image, truth)]
    assert score(*framed)["ssim"] == score(image, truth)["ssim"]


def test_ssim_is_the_mean_over_channels():
    image, truth = pair(3, 12, 14)
    each = [score(image[c : c + 1], truth[c : c + 1])["ssim"] for c in range(3)]
    assert score(image, truth)["ssim"] == pytest.approx(np.mean(each), abs=1e-14)
    assert max(each) - min(each) > 1e-3


@pytest.mark.parametrize("shape", [(1, 2, 9), (3, 9, 2), (1, 1, 1)])
def test_below_three_pixels_there_is_no_ssim(shape):
    got = score(*pair(*shape))
    assert math.isnan(got["ssim"])
    assert got["ssim_window"] == 0
    assert got["psnr"] > 0


def test_the_truth_itself_is_perfect():
    _, truth = pair(1, 12, 12)
    got = score(truth, truth)
    assert (got["mse"], got["nmse"], got["psnr"]) == (0, 0, math.inf)
    assert got["ssim"] == pytest.approx(1, abs=1e-12)


def test_black_for_white_is_as_wrong_as_can_be():
    white = torch.ones(1, 12, 12)
    got = score(-white, white)
    # ||x - x*||^2 = 4 n and the range is 2: the decibels are 0; SSIM is (-2 + c1)/(2 + c1), with c1 = 4e-4.
    assert (got["mse"], got["nmse"], got["psnr"]) == (4, 4, 0)
    assert got["ssim"] == pytest.approx((-2 + 4e-4) / (2 + 4e-4), abs=1e-9)


def test_a_zero_truth_has_an_infinite_relative_error_unless_it_is_met():
    zero = torch.zeros(1, 4, 4)
    assert score(zero + 0.1, zero)["nmse"] == math.inf
    assert score(zero, zero)["nmse"] == 0


def test_nothing_is_clipped():
    zero = torch.zeros(1, 4, 4)
    assert score(zero + 3, zero)["mse"] == 9


def test_sums_are_in_float64():
    truth = torch.zeros(1, 64, 64)
    tiny = torch.full_like(truth, 1e-30)
    # Its square is beneath the least float32.
    assert score(tiny, truth)["mse"] == pytest.approx(1e-60, rel=1e-6)


def test_scores_are_plain_numbers():
    image, truth = pair(1, 12, 12)
    got = score(image.requires_grad_(), truth)
    assert {type(v) for v in got.values()} == {float}
    assert json.loads(json.dumps(got)) == got


def test_other_shapes_than_the_truths_are_refused():
    with pytest.raises(ValueError, match=r"image must have the truth's shape \(1, 4, 4\), got \(1, 4, 5\)"):
        score(torch.zeros(1, 4, 5), torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="truth's shape"):  # which would broadcast
        score(torch.zeros(1, 4, 4), torch.zeros(3, 4, 4))


@pytest.mark.parametrize("shape", [(4, 4), (2, 1, 4, 4), (1, 0, 4)])
def test_what_is_no_single_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"image must have the shape \(C, H, W\)"):
        score(torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("pixel", [math.nan, math.inf])
def test_pixels_that_are_not_finite_are_refused_by_name(pixel):
    good, bad = torch.zeros(1, 4, 4), torch.full((1, 4, 4), pixel)
    with pytest.raises(ValueError, match="image must have finite pixels"):
        score(bad, good)
    with pytest.raises(ValueError, match="truth must have finite pixels"):
        score(good, bad)


VALUES = [0.31, 0.12, 0.55, 0.47, 0.2]
OTHERS = [0.5, 0.33, 0.7, 0.52, 0.41]


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_mean_interval_is_that_of_scipy(level):
    mean, low, high = mean_interval(VALUES, level)
    other = stats.ttest_1samp(VALUES, 0).confidence_interval(level)
    assert (low, high) == pytest.approx((other.low, other.high), rel=1e-10)
    assert mean == pytest.approx(np.mean(VALUES), rel=1e-14)


def test_the_paired_interval_is_that_of_scipy():
    mean, low, high = paired_interval(VALUES, OTHERS, 0.9)
    other = stats.ttest_rel(VALUES, OTHERS).confidence_interval(0.9)
    assert (low, high) == pytest.approx((other.low, other.high), rel=1e-10)
    assert mean == pytest.approx(np.mean(VALUES) - np.mean(OTHERS), rel=1e-12)


@pytest.mark.parametrize("level", [0.6, 0.95])
def test_at_the_ends_of_the_ratio_interval_the_t_test_is_on_the_edge(level):
    ratio, low, high = ratio_interval(VALUES, OTHERS, level)
    assert low < ratio < high
    for end in (low, high):
        p = stats.ttest_1samp(np.subtract(VALUES, np.multiply(end, OTHERS)), 0).pvalue
        assert p == pytest.approx(1 - level, rel=1e-8)


def test_values_in_proportion_have_their_ratio_for_an_interval():
    assert ratio_interval(np.multiply(OTHERS, 0.7), OTHERS) == pytest.approx((0.7, 0.7, 0.7), abs=1e-7)


def test_the_ratio_turns_over_with_its_parts():
    ratio, low, high = ratio_interval(VALUES, OTHERS)
    assert ratio_interval(OTHERS, VALUES) == pytest.approx((1 / ratio, 1 / high, 1 / low), rel=1e-10)


def test_a_denominator_not_told_from_zero_bounds_no_ratio():
    ratio, low, high = ratio_interval([1.0, 1.1, 0.9], [-1.0, 2.0, 0.5])
    assert ratio == pytest.approx(2)
    assert (low, high) == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="second must have a mean other than zero"):
        ratio_interval([1.0, 2.0], [-1.0, 1.0])


def ratios_of_subsets(first, second):
    """The ratio of sums over every subset but the empty one, in order."""
    indices = range(len(first))
    subsets = [s for size in range(1, len(first) + 1) for s in itertools.combinations(indices, size)]
    return sorted(sum(first[i] for i in s) / sum(second[i] for i in s) for s in subsets)


@pytest.mark.parametrize(("level", "beyond"), [(0.5, 8), (0.8, 3), (0.95, 0)])
def test_the_ends_of_typical_values_are_ratios_of_subsets(level, beyond):
    # five pairs have 32 subsets: a quarter, a tenth and a fortieth of them are 8, 3 and none
    ratio, low, high = typical_interval(VALUES, OTHERS, level)
    assert ratio == pytest.approx(sum(VALUES) / sum(OTHERS))
    values = ratios_of_subsets(VALUES, OTHERS)
    wanted = (values[beyond - 1], values[-beyond]) if beyond else (-math.inf, math.inf)
    assert (low, high) == pytest.approx(wanted)


@pytest.mark.parametrize("count", [9, 20, 21, 30])
def test_at_the_ends_of_typical_values_a_sign_flip_test_is_on_the_edge(count):
    draws = stream(1, "typical", count)
    a, b = draws.exponential(size=count), 1 + draws.exponential(size=count)
    _, low, high = typical_interval(a, b, 0.9)
    flips = draws.choice([-1.0, 1.0], size=(200_000, count))
    for end, sign in ((low, 1), (high, -1)):
        margins = sign * (a - end * b)
        p = np.mean(flips @ margins >= margins.sum() - 1e-12)
        # the share in 200 000 flips of what is one in 2^17 subsets that were drawn, or in all
        assert p == pytest.approx(0.05, abs=5 * (0.05 / 200_000) ** 0.5 + 5 * (0.05 / 2**17) ** 0.5 + 2 / 2**count)


def test_typical_values_cover_as_often_as_they_say_whatever_the_tails():
    draws = stream(2, "typical tails")
    second = 1 + draws.exponential(size=(3000, 8))
    # by Student's law with one degree of freedom, which has no mean; 3 of 256 lie beyond on either side
    first = 0.7 * second + draws.standard_t(1, size=second.shape)
    hits = covered((typical_interval(a, b, 1 - 6.5 / 256) for a, b in zip(first, second, strict=True)), 0.7)
    assert 1e-6 < stats.binom.cdf(hits, 3000, 250 / 256) < 1 - 1e-6


def test_one_large_error_on_the_side_of_the_others_hides_nothing_from_typical_values():
    second = [1.0] * 12
    first = [1.1, 1.2, 1.15, 1.3, 1.1, 1.2, 1.15, 1.3, 1.1, 1.2, 1.15, 9.0]
    assert ratio_interval(first, second)[1] < 0.5
    assert typical_interval(first, second)[1] > 1.1


def test_typical_values_want_a_denominator_above_zero():
    with pytest.raises(ValueError, match="second must hold numbers above zero, got 0"):
        typical_interval([1.0, 2.0], [0.0, 1.0])


REPETITIONS = 3000


def draws_of_pairs():
    """Correlated normal pairs, of means 1 and 2, six at a time."""
    normal = stream(0, "coverage").standard_normal((REPETITIONS, 6, 2))
    a = 1 + 0.4 * normal[..., 0]
    return a, 2 + 0.3 * normal[..., 0] + 0.4 * normal[..., 1]


def covered(interval, truth):
    return sum(low <= truth <= high for _, low, high in interval)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(
    ("name", "of", "truth"),
    [
        ("mean", lambda a, b, level: mean_interval(a, level), 1.0),
        ("difference", paired_interval, -1.0),
        ("ratio", ratio_interval, 0.5),
    ],
)
def test_intervals_cover_as_often_as_they_say(name, of, truth, level):
    hits = covered((of(a, b, level) for a, b in zip(*draws_of_pairs(), strict=True)), truth)
    # Exact under normal pairs, so the count is binomial; six tests at one in a million each.
    assert 1e-6 < stats.binom.cdf(hits, REPETITIONS, level) < 1 - 1e-6


def test_normal_quantiles_for_six_values_would_be_caught():
    a, _ = draws_of_pairs()
    reach = stats.norm.isf(0.025) * a.std(axis=1, ddof=1) / math.sqrt(6)
    hits = int((np.abs(a.mean(axis=1) - 1) <= reach).sum())
    assert stats.binom.cdf(hits, REPETITIONS, 0.95) < 1e-6


def test_a_covariance_left_out_of_the_ratio_would_be_caught():
    a, b = draws_of_pairs()
    # Shifting one of the two by a place leaves its variance and takes the correlation away.
    hits = covered((ratio_interval(x, y) for x, y in zip(a, np.roll(b, 1, axis=1), strict=True)), 0.5)
    assert stats.binom.sf(hits - 1, REPETITIONS, 0.95) < 1e-6


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan])
def test_levels_outside_zero_to_one_are_refused(level):
    pairs = [partial(interval, VALUES, OTHERS, level) for interval in (ratio_interval, typical_interval)]
    for interval in (lambda: mean_interval(VALUES, level), *pairs):
        with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
            interval()


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0], [3.0, 4.0]]])
def test_too_few_or_other_values_are_refused(values):
    with pytest.raises(ValueError, match="values must be at least two finite numbers in a row"):
        mean_interval(values)
    with pytest.raises(ValueError, match="first must be at least two finite numbers"):
        paired_interval(values, VALUES)


def test_values_that_do_not_pair_are_refused():
    for interval in (paired_interval, ratio_interval, typical_interval):
        with pytest.raises(ValueError, match="second must have as many values as first, 5, got 4"):
            interval(VALUES, OTHERS[:4])
