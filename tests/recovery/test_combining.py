"""Restarts taken together, against their definition, and what the weights are there for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from untrained.sims.operators import make_operator
from untrained.sims.operators.user_operator import as_operator
from untrained.sims.recovery.combining import (
    AGREEMENT,
    EDGE_SCALE,
    EDGE_WEIGHT,
    TEMPERATURE,
    disagreement,
    plausible_mean,
    plausible_weights,
)


def blocks() -> torch.Tensor:
    """Three blocks of grey, (1, 16, 16) on [-1, 1]."""
    x = torch.full((1, 16, 16), -1.0)
    x[:, 2:8, 3:9], x[:, 9:14, 5:15], x[:, 4:7, 11:14] = 1.0, 0.3, 0.6
    return x


def by_the_letter(images, misfits):
    """Losses, disagreement and weights, pixel by pixel and in float64."""
    losses = []
    for image, misfit in zip(images, misfits, strict=True):
        edges = 0.0
        for plane in image:
            H, W = plane.shape
            for i in range(H):
                for j in range(W):
                    for k, l in ((i + 1, j), (i, j + 1)):
                        if k < H and l < W:
                            edges += EDGE_SCALE * math.log(1 + abs(plane[k, l] - plane[i, j]) / EDGE_SCALE)
        losses.append(misfit + EDGE_WEIGHT * edges)
    mean = sum(images) / len(images)
    spread = sum(np.sum((image - mean) ** 2) for image in images) / (len(images) - 1)
    share = spread / sum(np.sum((plane - plane.mean()) ** 2) for plane in mean)
    temperature = TEMPERATURE * (1 + (share / AGREEMENT) ** 4) * min(losses)
    weights = np.exp(-(np.array(losses) - min(losses)) / temperature)
    return share, weights / weights.sum()


@pytest.mark.parametrize(("colours", "spread"), [(1, 0.02), (1, 0.3), (3, 0.2)])
def test_weights_are_those_of_their_definition(colours, spread):
    rng = np.random.default_rng(colours)
    base = rng.standard_normal((colours, 6, 5))
    images = [base + spread * rng.standard_normal(base.shape) for _ in range(4)]
    misfits = rng.random(4)
    share, weights = by_the_letter(images, misfits)
    stacked = torch.from_numpy(np.stack(images))
    assert disagreement(stacked) == pytest.approx(share)
    assert plausible_weights(stacked, torch.from_numpy(misfits)).numpy() == pytest.approx(weights)


def test_where_fits_agree_the_one_of_fewer_edges_counts_and_where_they_do_not_all_do():
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((3, *blocks().shape))).float()
    alike = blocks() + 0.05 * noise
    alike[0] = blocks()
    assert plausible_weights(alike, torch.zeros(3))[0] > 0.99
    apart = torch.stack([alike[0], alike[1].roll(7, -1), alike[2].roll(7, -2)])
    assert disagreement(apart) > 3 * AGREEMENT
    assert plausible_weights(apart, torch.zeros(3)).numpy() == pytest.approx(np.full(3, 1 / 3), abs=0.05)


def test_the_mean_is_of_images_so_weighed_in_any_units():
    operator = make_operator("gaussian", (1, 16, 16), 60, 0, torch.device("cpu"))
    images = blocks() + 0.1 * torch.from_numpy(np.random.default_rng(1).standard_normal((4, 1, 16, 16))).float()
    y = operator.forward(blocks())
    weights = plausible_weights(images, (operator.forward(images) - y).square().sum(-1))
    expected = sum(w * image for w, image in zip(weights, images, strict=True))
    torch.testing.assert_close(plausible_mean(operator, y, images), expected)
    own, scaled = (as_operator(units * operator.matrix.numpy(), (1, 16, 16)) for units in (1, 1000))
    torch.testing.assert_close(plausible_mean(scaled, 1000 * y, images), plausible_mean(own, y, images))


@pytest.mark.parametrize("images", [blocks()[None], torch.zeros(3, 1, 4, 4), torch.ones(2, 1, 4, 4).cumsum(0)])
def test_one_image_and_images_without_edges_have_weights_too(images):
    weights = plausible_weights(images, torch.zeros(len(images)))
    assert weights.numpy() == pytest.approx(np.full(len(images), 1 / len(images)))
