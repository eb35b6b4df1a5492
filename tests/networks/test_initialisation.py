import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from untrained.sims.networks.generators import dcgan
from untrained.sims.networks.initialisation import LAWS, initialise
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.random.streams import stream

# P below which a sample refutes its law: with some thirty looks at fixed seeds, 1e-6 each leaves 3e-5 in all.
UNLIKELY = 1e-6


def is_uniform(sample, bound):
    """Whether N numbers pass for U(-bound, bound): by their ends, by Kolmogorov and Smirnov, by their variance."""
    x = sample.detach().flatten().double().numpy()
    # P(largest < bound (1 - 28/N)) = (1 - 14/N)^N < exp(-14) < UNLIKELY; float32 rounds by at most 6e-8
    nearly_attained = all(bound * (1 - 28 / len(x)) < end <= bound * (1 + 6e-8) for end in (x.max(), -x.min()))
    # x^2 has variance (1/5 - 1/9) bound^4, and five standard deviations have probability 6e-7
    near = abs(np.mean(x**2) - bound**2 / 3) < 5 * bound**2 * math.sqrt(4 / 45 / len(x))
    return bool(nearly_attained and near and stats.kstest(x / bound, stats.uniform(-1, 2).cdf).pvalue > UNLIKELY)


def initialised(layer, law, seed=0):
    initialise(layer, stream(seed, "weights"), law)
    return layer


def same_law(one, two):
    pair = (x.detach().flatten().numpy() for x in (one, two))
    return stats.ks_2samp(*pair).pvalue > UNLIKELY


# A layer, and how many numbers each version takes to meet in one output.
LAYERS = [
    (lambda: nn.ConvTranspose2d(96, 24, 4), {"torch-0.4.1": 96 * 16, "torch-today": 24 * 16}),
    (lambda: nn.ConvTranspose2d(64, 128, (2, 3), groups=4), {"torch-0.4.1": 64 * 6, "torch-today": 32 * 6}),
    (lambda: nn.Conv2d(24, 96, 3), {"torch-0.4.1": 24 * 9, "torch-today": 24 * 9}),
    (lambda: nn.Conv2d(64, 128, 3, groups=4), {"torch-0.4.1": 64 * 9, "torch-today": 16 * 9}),
    (lambda: nn.Linear(50, 300), {"torch-0.4.1": 50, "torch-today": 50}),
]


@pytest.mark.parametrize("law", ["torch-0.4.1", "torch-today"])
@pytest.mark.parametrize(("build", "fans"), LAYERS)
def test_weights_are_uniform_within_the_bound_of_their_version(build, fans, law):
    bounds = {name: 1 / math.sqrt(fan) for name, fan in fans.items()}
    weight = initialised(build(), law).weight
    assert is_uniform(weight, bounds[law])
    for other in set(bounds.values()) - {bounds[law]}:
        assert not is_uniform(weight, other)


@pytest.mark.parametrize("wrong", [0.99, 1.01])
def test_a_bound_that_is_off_by_a_hundredth_is_refuted(wrong):
    weight = initialised(nn.ConvTranspose2d(96, 24, 4), "torch-0.4.1").weight
    assert not is_uniform(wrong * weight, 1 / math.sqrt(96 * 16))


def test_a_normal_law_of_the_same_variance_is_refuted():
    normal = torch.from_numpy(stream(0, "normal").normal(0, 1 / math.sqrt(3), 10_000)).clip(-1, 1)
    assert not is_uniform(normal, 1.0)


@pytest.mark.parametrize(("build", "fans"), LAYERS)
def test_todays_law_is_that_of_a_fresh_module(build, fans):
    with isolated_rng(1, "fresh"):
        fresh = build()
    ours = initialised(build(), "torch-today")
    assert is_uniform(fresh.weight, 1 / math.sqrt(fans["torch-today"]))
    assert same_law(fresh.weight, ours.weight)
    if fans["torch-0.4.1"] != fans["torch-today"]:
        assert not same_law(fresh.weight, initialised(build(), "torch-0.4.1").weight)


@pytest.mark.parametrize(
    ("build", "fans"),
    [
        (lambda: nn.Conv2d(3, 5000, 1), {"torch-0.4.1": 3, "torch-today": 3}),
        (lambda: nn.ConvTranspose2d(3, 5000, 1), {"torch-0.4.1": 3, "torch-today": 5000}),
        (lambda: nn.Linear(4, 5000), {"torch-0.4.1": 4, "torch-today": 4}),
    ],
)
def test_the_bias_of_a_layer_has_the_bound_of_its_weight(build, fans):
    for law, fan in fans.items():
        assert is_uniform(initialised(build(), law).bias, 1 / math.sqrt(fan))
    with isolated_rng(2, "fresh"):
        assert same_law(build().bias, initialised(build(), "torch-today").bias)
    assert not initialised(build(), "dcgan").bias.any()


def test_batch_norm_begins_as_its_version_says():
    old, today, normal = (initialised(nn.BatchNorm2d(20_000), law) for law in LAWS)
    assert is_uniform(2 * old.weight - 1, 1.0)
    assert not is_uniform(2 * today.weight - 1, 1.0)
    assert torch.equal(today.weight, torch.ones(20_000))
    assert stats.kstest((normal.weight.detach().numpy() - 1) / 0.02, stats.norm.cdf).pvalue > UNLIKELY
    assert not any(norm.bias.any() for norm in (old, today, normal))


def test_the_dcgan_law_is_normal_of_deviation_a_fiftieth():
    weight = initialised(nn.ConvTranspose2d(96, 24, 4), "dcgan").weight.detach().flatten().numpy()
    assert stats.kstest(weight / 0.02, stats.norm.cdf).pvalue > UNLIKELY


@pytest.mark.parametrize("law", LAWS)
def test_every_weight_comes_from_the_generator_and_from_nothing_else(law):
    def weights(torchs, ours):
        with isolated_rng(torchs, "before"):
            network = dcgan((1, 16, 16), width=4).build()
        return torch.cat([w.detach().flatten() for w in initialised(network, law, ours).parameters()])

    assert torch.equal(weights(0, 5), weights(1, 5))
    assert (weights(0, 5) != weights(0, 6)).float().mean() > 0.9


def test_todays_law_starts_the_papers_network_saturated_and_the_old_one_does_not():
    """The last layer's sum of 9 * 64 terms has variance 576 * 1/27 * 1/2 = 3.3^2 today, 0.2^2 then; 2.65 saturates."""

    def saturated(law, seed):
        chosen = dcgan((1, 28, 28))
        with torch.no_grad():
            pixels = initialised(chosen.build().train(), law, seed)(
                chosen.latent.draw(stream(seed, "latent")).float()[None]
            )
        return (pixels.abs() > 0.99).float().mean().item()

    today = [saturated("torch-today", seed) for seed in range(4)]
    # P(|N(0, 3.3^2)| > 2.65) = 0.42, less at the border, where fewer terms meet; one image's share varies by a tenth
    assert min(today) > 0.12
    assert 0.25 < np.mean(today) < 0.5
    assert max(saturated("torch-0.4.1", seed) for seed in range(4)) == 0


def test_what_has_no_law_is_refused():
    with pytest.raises(ValueError, match=r"initialisation must be one of torch-0\.4\.1, .*, got 'xavier'"):
        initialise(nn.Linear(2, 2), stream(0), "xavier")
    for layer in (nn.LayerNorm(4), nn.Embedding(3, 4), nn.PReLU()):
        with pytest.raises(ValueError, match=f"linear layers and batch norm, got {type(layer).__name__}"):
            initialise(nn.Sequential(nn.Linear(2, 2), layer), stream(0))
