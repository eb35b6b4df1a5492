"""Exact steps of Net-PGD on drawn decoders obey the factors of own.netpgd.polarised, .cone and .loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.own.netpgd import CLAIMS, restricted_constant

WANTED = ("own.netpgd.polarised", "own.netpgd.loss", "own.netpgd.cone")
CONSTANTS = {
    claim.id: {name: float(c.value) for name, c in claim.constants.items()} for claim in CLAIMS if claim.id in WANTED
}


def decoder(k: int, channels: int, rng: np.random.Generator) -> TwoLayerRange:
    """A drawn decoder whose code has full rank: its first rows are the identity's."""
    code = np.concatenate([np.eye(k, dtype=np.int64), rng.integers(-3, 4, (4 - k, k))])
    return TwoLayerRange(code, rng.integers(-3, 4, (6, 4)), channels)


def outputs(S: TwoLayerRange, count: int, rng: np.random.Generator) -> Array:
    """Points of S, each in a drawn cone, of lengths over two orders of magnitude."""
    chosen = [S.cones[i] for i in rng.integers(0, len(S.cones), count)]
    points = np.stack([cone @ rng.exponential(size=cone.shape[1]) for cone in chosen])
    scaled: Array = points * np.exp(rng.standard_normal(count))[:, None]
    return scaled


def polarised(A: Array, eta: float, u: Array, v: Array) -> float:
    spread = abs(1 - eta) + eta * restricted_constant(A, np.stack([u, v], axis=1))
    return CONSTANTS["own.netpgd.polarised"]["factor"] * spread * float(np.linalg.norm(v))


def cone(plus: Array, star: Array, moved: Array) -> float:
    c = CONSTANTS["own.netpgd.cone"]
    cosine = float(np.clip(plus @ star / np.linalg.norm(plus) / np.linalg.norm(star), -1, 1))
    plane, _ = np.linalg.qr(np.stack([plus, star], axis=1))
    return (c["base"] + math.sqrt(max(0.0, c["inner"] + cosine))) * float(np.linalg.norm(plane.T @ (moved - star)))


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0])
def test_every_step_obeys_the_polarised_and_the_cone_factor(k: int, channels: int, eta: float) -> None:
    rng = np.random.default_rng([k, channels, int(4 * eta)])
    for _ in range(5):
        S = decoder(k, channels, rng)
        A = rng.standard_normal((5, 6)) / math.sqrt(5)
        stars, xs = outputs(S, 20, rng), outputs(S, 20, rng)
        moved = xs - eta * (xs - stars) @ A.T @ A
        for plus, star, x, v in zip(S.nearest(moved).points, stars, xs, moved, strict=True):
            u = plus - star
            assert np.linalg.norm(u) <= polarised(A, eta, u, x - star) * (1 + 1e-9) + 1e-9
            if np.linalg.norm(plus) > 1e-9:
                assert np.linalg.norm(u) <= cone(plus, star, v) * (1 + 1e-7) + 1e-7


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_step_obeys_the_loss_factor(k: int, channels: int) -> None:
    rng, c = np.random.default_rng([k, channels]), CONSTANTS["own.netpgd.loss"]
    for _ in range(5):
        S = decoder(k, channels, rng)
        A = rng.standard_normal((5, 6)) / math.sqrt(5)
        beta = float(np.linalg.norm(A, 2) ** 2)
        stars, xs = outputs(S, 20, rng), outputs(S, 20, rng)
        plus = S.nearest(xs - c["step"] / beta * (xs - stars) @ A.T @ A).points
        before, after = (np.square((p - stars) @ A.T).sum(1) for p in (xs, plus))
        gamma = before / np.square(xs - stars).sum(1)
        assert (after <= (c["ratio"] * beta / gamma - c["less"]) * before * (1 + 1e-9) + 1e-9).all()
