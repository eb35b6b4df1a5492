"""Error bars hold as often as they say, whatever the error is; nothing of the truth enters."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.error_bar import ErrorBar, carried, error_bar, has_bar

N, M = 30, 40


def test_noise_that_is_told_is_no_error_of_the_image():
    """Its part of what was held out, 30 times the error here, is in neither the estimate nor the lower end."""
    rng, sigma, error = stream(3, "noise and error"), 6 * np.sqrt(N), np.full(N, 1.1)
    noises = sigma / np.sqrt(M) * rng.standard_normal((2000, 20))
    draws = rng.standard_normal((2000, 20, N)) @ error / np.sqrt(M) + noises
    bars = [error_bar(torch.from_numpy(residual), M, N, noise=sigma) for residual in draws]
    low, high = (binom.ppf(end, 2000, 0.975) for end in (5e-7, 1 - 5e-7))
    assert low <= sum(bar.low <= 1.1**2 for bar in bars) <= high
    assert all(bar.high >= 1.1**2 for bar in bars)
    spread = np.std([bar.estimate for bar in bars]) / np.sqrt(2000)
    assert np.mean([bar.estimate for bar in bars]) == pytest.approx(1.1**2, abs=5 * spread)
    assert error_bar(torch.from_numpy(draws[0]), M, N).low > 1.1**2


@pytest.mark.parametrize(("rows", "level"), [(1, 0.9), (8, 0.95), (20, 0.5)])
def test_bars_cover_as_often_as_their_level_says(rows, level):
    """Under a coverage of `level`, the count lies within these ends in all but 1e-6 of runs."""
    runs, rng = 4000, stream(0, "error bar", rows)
    held = 0
    for _ in range(runs):
        error = rng.standard_normal(N) * rng.uniform(0.1, 10)
        A = rng.standard_normal((rows, N)) / np.sqrt(M)
        bar = error_bar(torch.from_numpy(A @ error), M, N, level)
        held += bar.low <= np.mean(error**2) <= bar.high
    low, high = binom.ppf([5e-7, 1 - 5e-7], runs, level)
    assert low <= held <= high


def test_bars_of_an_operator_that_was_fitted_to_other_rows():
    """The rows of one A: least squares on the first ones, the bar from the last ones."""
    held, runs = 0, 300
    for seed in range(runs):
        operator = make_operator("gaussian", (1, 4, 6), 20, seed)
        x = torch.from_numpy(stream(seed, "x").standard_normal((1, 4, 6)).astype(np.float32))
        y = operator.forward(x)
        guess = torch.linalg.lstsq(operator.matrix[:12], y[:12, None]).solution
        bar = error_bar((operator.matrix @ guess)[12:, 0] - y[12:], 20, 24)
        held += bar.low <= float((guess.flatten() - x.flatten()).square().mean()) <= bar.high
    low, high = binom.ppf([5e-7, 1 - 5e-7], runs, 0.95)
    assert low <= held <= high


def test_rows_that_were_fitted_give_no_bar():
    """The misfit of rows that made the image says nothing: least squares through all of them has none."""
    operator = make_operator("gaussian", (1, 4, 6), 20, 0)
    x = torch.from_numpy(stream(0, "x").standard_normal((1, 4, 6)).astype(np.float32))
    y = operator.forward(x)
    guess = torch.linalg.lstsq(operator.matrix, y[:, None]).solution
    bar = error_bar((operator.matrix @ guess)[:, 0] - y, 20, 24)
    assert bar.high < 1e-6 < float((guess.flatten() - x.flatten()).square().mean())


def test_the_estimate_is_unbiased():
    rng = stream(1, "unbiased")
    error = rng.standard_normal(N)
    draws = [
        error_bar(torch.from_numpy(rng.standard_normal((5, N)) @ error / np.sqrt(M)), M, N).estimate
        for _ in range(4000)
    ]
    assert np.mean(draws) == pytest.approx(np.mean(error**2), abs=5 * np.std(draws) / np.sqrt(len(draws)))


def test_a_bar_carried_to_another_image_holds_wherever_it_held():
    rng = stream(2, "carried")
    for _ in range(200):
        truth, witness, image = (torch.from_numpy(rng.standard_normal(N)) for _ in range(3))
        error = float((witness - truth).square().mean())
        bar = carried(ErrorBar(0.5 * error, error, 1.5 * error, 3), witness, image)
        assert bar.low <= float((image - truth).square().mean()) <= bar.high
    same = carried(ErrorBar(0.25, 1.0, 4.0, 3), witness, witness)
    assert (same.low, same.high) == pytest.approx((0.25, 4.0))


def test_what_gives_no_bar_is_refused():
    with pytest.raises(ValueError, match="residual must hold at least one measurement that was held out, got none"):
        error_bar(torch.zeros(0), 5, 5)
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1, got 1"):
        error_bar(torch.ones(3), 5, 5, 1)
    assert [has_bar(make_operator(name, (1, 4, 4), 5)) for name in ("gaussian", "gaussian-seeded", "dct")] == [
        True,
        True,
        False,
    ]
