"""What Theorem 4.1 says of noise, and that it says so for its own rate only."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.objects import relu_generator

CLAIM, THEOREM = "vanveen18.early_stopping", "vanveen18.thm41.corrected"


@pytest.mark.parametrize(
    ("constants", "without", "says"),
    [
        ({}, (), "affirmed"),
        ({"share": F(99, 100)}, (), "refuted"),
        ({"share": 0}, (), "refuted"),
        ({}, ("event",), "lost"),
    ],
)
def test_the_noise_is_left_whole(constants, without, says):
    assert outcome(CLAIM, without=without, **constants) == says


@pytest.mark.parametrize("constants", [{"eta_bar": 0}, {"eta_bar": 8}, {"rate_divisor": F(1, 16)}])
def test_a_rate_outside_zero_and_one_gives_no_limit(constants):
    assert proof_says(CLAIM, records={THEOREM: constants}) == "open"


def test_a_wide_network_ends_at_the_noisy_signal():
    rng, n, d = np.random.default_rng(2), 4, 2000
    V, W, z = rng.standard_normal((1, n, d)), rng.standard_normal((1, d, 3)), rng.standard_normal((1, 3))
    x, noise = (rng.standard_normal((1, n)) * np.sqrt(d) for _ in range(2))
    path = relu_generator.descend_weights(V, W, z, x + noise, relu_generator.stable_step(V, z), 400)
    error = np.linalg.norm(relu_generator.output(V, path[-1], z) - x)
    assert error == pytest.approx(np.linalg.norm(noise), rel=1e-9)
