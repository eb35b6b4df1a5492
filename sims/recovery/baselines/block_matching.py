"""Block matching and collaborative filtering: patches that look alike are stacked and denoised together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch
from scipy.fft import dct
from torch.nn.functional import fold, pad, unfold

PATCH_SIDE = 8
"""Side of a patch in pixels; a smaller image is continued by its border."""
REFERENCE_STEP = 3
"""Most pixels from one reference patch to the next."""
TILE_SIDE = 6
"""Most references a side of a tile, which look through one neighbourhood in one product of matrices."""
SEARCH_REACH = 20
"""How far in pixels every reference looks at least, where the image goes on so far."""
FIRST_STACK, SECOND_STACK = 8, 16
"""Most patches of a stack that is thresholded and of one that is shrunk by Wiener's rule; powers of two."""
THRESHOLD = 2.7
"""Coefficients of a stack are thresholded at so many sigma."""
KAISER = 2.0
"""Parameter of the Kaiser window: what a patch says of its middle counts for more than what it says of its border."""
TAPS = np.array([3, -3, -22, 22, 128, 128, 22, -22, -3, 3]) / 256.0
"""Low-pass analysis filter of the biorthogonal wavelet 1.5, of sum 1; its high-pass filter is Haar's."""
STACKS_AT_ONCE = 512
"""Stacks filtered at once, few enough for the processor's caches."""

Shrinkage = Callable[[list[torch.Tensor]], tuple[torch.Tensor, torch.Tensor]]
"""From stacks (R, K, C, 64), one of each table, to shrunk ones and the weight (R, 1, C, 1) they deserve."""


def denoise_block_matching(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by block matching and 3-D filtering: hard thresholds first, Wiener's rule with that pilot second.

    images: (..., C, H, W). sigma: the noise's standard deviation in pixel units. Patches are matched by the mean of
    the channels, and filtered in the cosine transform of the channels. What a stack says of its mean is never shrunk,
    so a constant added to the image is added to the result. Nothing is random, and the work is done on the CPU.

    Raises
    ------
    ValueError
        where sigma is negative or not finite.

    Source: Dabov, Foi, Katkovnik and Egiazarian 2007, image denoising by sparse 3-D collaborative filtering
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be at least 0 and finite, got {sigma}")
    if sigma == 0:
        return images
    height, width = images.shape[-2:]
    flat = images.detach().cpu().reshape(-1, *images.shape[-3:])
    whole = pad(flat, (0, max(0, PATCH_SIDE - width), 0, max(0, PATCH_SIDE - height)), mode="replicate")
    clean = torch.stack([_denoised(image, sigma) for image in whole])
    return clean[..., :height, :width].reshape(images.shape).to(images)


def _denoised(image: torch.Tensor, sigma: float) -> torch.Tensor:
    colours, B, D = (_like(image, matrix) for matrix in (cosines(len(image)), patch_wavelet(), patch_cosines()))
    x = torch.tensordot(colours, image, 1)
    noisy = _patches(x)
    members = _matches(noisy[:, 0], x, FIRST_STACK)
    sums = _filtered([noisy @ B.T], members, lambda stacks: _thresholded(stacks[0], sigma))
    pilot = _patches(_aggregated(*sums, torch.linalg.inv(B).T, x))
    members = _matches(pilot[:, 0], x, SECOND_STACK)
    sums = _filtered([noisy @ D.T, pilot @ D.T], members, lambda stacks: _wiener(stacks[0], stacks[1], sigma))
    return torch.tensordot(colours.T, _aggregated(*sums, D, x), 1)


def _like(image: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(matrix).to(image)


@lru_cache
def cosines(n: int) -> np.ndarray:
    """Return the orthonormal cosine transform of n numbers as a matrix (n, n), its first row constant."""
    return np.asarray(dct(np.eye(n), norm="ortho", axis=0))


@lru_cache
def haar_matrix(n: int) -> np.ndarray:
    """Return the orthonormal Haar transform of n numbers, a power of two, as a matrix (n, n), coarse rows first."""
    if n == 1:
        return np.ones((1, 1))
    pairs = np.kron(haar_matrix(n // 2), [1.0, 1.0]), np.kron(np.eye(n // 2), [1.0, -1.0])
    return np.concatenate(pairs) / math.sqrt(2.0)


@lru_cache
def biorthogonal_matrix(n: int) -> np.ndarray:
    """Return the periodic biorthogonal wavelet transform 1.5 of n numbers, a power of two, its rows of norm 1.

    Source: Cohen, Daubechies and Feauveau 1992, biorthogonal bases of compactly supported wavelets
    """
    if n == 1:
        return np.ones((1, 1))
    low = np.zeros((n // 2, n))
    for i in range(n // 2):
        np.add.at(low[i], (2 * i - 4 + np.arange(len(TAPS))) % n, TAPS)
    rows = np.concatenate([biorthogonal_matrix(n // 2) @ low, np.kron(np.eye(n // 2), [1.0, -1.0])])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def patch_wavelet() -> np.ndarray:
    """Return the wavelet transform of a patch, row by row one vector, as a matrix (64, 64)."""
    return np.kron(biorthogonal_matrix(PATCH_SIDE), biorthogonal_matrix(PATCH_SIDE))


def patch_cosines() -> np.ndarray:
    """Return the orthonormal cosine transform of a patch, row by row one vector, as a matrix (64, 64)."""
    return np.kron(cosines(PATCH_SIDE), cosines(PATCH_SIDE))


def _patches(x: torch.Tensor) -> torch.Tensor:
    """Every patch of (C, H, W), row by row of the image: (P, C, 64)."""
    return unfold(x[None], PATCH_SIDE)[0].T.reshape(-1, len(x), PATCH_SIDE**2)


def reference_tiles(positions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return references (tiles, R) along a side, spread evenly, and the candidates (tiles, W) of each tile."""
    least = math.ceil((positions - 1) / REFERENCE_STEP) + 1
    tiles = math.ceil(least / TILE_SIDE)
    count = tiles * math.ceil(least / tiles)
    references = np.rint(np.linspace(0, positions - 1, count)).astype(int).reshape(tiles, -1)
    width = min(positions, int(np.ptp(references, axis=1).max()) + 2 * SEARCH_REACH + 1)
    first = np.clip((references[:, 0] + references[:, -1] - width + 1) // 2, 0, positions - width)
    return references, first[:, None] + np.arange(width)


def _strips(x: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Rows of tiles: positions of references (tiles, R) and of candidates (tiles, W), the latter ascending."""
    height, width = (side - PATCH_SIDE + 1 for side in x.shape[1:])
    down, right = reference_tiles(height), reference_tiles(width)
    for rows in zip(*down, strict=True):
        yield tuple(  # type: ignore[misc]
            torch.from_numpy((row[None, :, None] * width + columns[:, None, :]).reshape(len(columns), -1))
            for row, columns in zip(rows, right, strict=True)
        )


def _matches(patches: torch.Tensor, x: torch.Tensor, most: int) -> torch.Tensor:
    """The positions (R, K) of the patches nearest to each reference, itself first; K is a power of two."""
    members = []
    for references, candidates in _strips(x):
        size = 2 ** int(math.log2(min(most, candidates.shape[1])))
        p, q = patches[references], patches[candidates]
        distances = torch.baddbmm(q.square().sum(-1)[:, None, :], p, q.mT, alpha=-2.0)  # less |p|^2, the same for all
        own = torch.searchsorted(candidates, references)[..., None]
        nearest = distances.scatter_(2, own, -torch.inf).topk(size, largest=False).indices
        members.append(candidates[torch.arange(len(nearest))[:, None, None], nearest].flatten(0, 1))
    return torch.cat(members)


def _filtered(
    tables: list[torch.Tensor], members: torch.Tensor, shrink: Shrinkage
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums over stacks of what each says of a patch's coefficients (P, C, 64), weighted, and of weights (P, C, 1)."""
    total, weights = torch.zeros_like(tables[0]), torch.zeros_like(tables[0][..., :1])
    H = _like(total, haar_matrix(members.shape[1]))
    for m in members.split(STACKS_AT_ONCE):
        stacks, weight = shrink([(H @ table[m].flatten(2)).unflatten(2, table.shape[1:]) for table in tables])
        clean = (H.T @ (weight * stacks).flatten(2)).reshape(-1, *total.shape[1:])
        total.index_add_(0, m.flatten(), clean)
        weights.index_add_(0, m.flatten(), weight.expand(*m.shape, -1, -1).flatten(0, 1))
    return total, weights


def _thresholded(stacks: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    large = stacks.abs() > THRESHOLD * sigma
    large[:, 0, :, 0] = True
    return stacks * large, 1.0 / large.sum((1, 3), keepdim=True).to(stacks)


def _wiener(stacks: torch.Tensor, pilots: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    gains = 1.0 / (1.0 + (sigma / pilots).square())
    gains[:, 0, :, 0] = 1.0
    return stacks * gains, 1.0 / gains.square().sum((1, 3), keepdim=True)


def _aggregated(total: torch.Tensor, weights: torch.Tensor, inverse: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The image (C, H, W) where every pixel is the weighted mean of what patches say of it."""
    kaiser = np.kaiser(PATCH_SIDE, KAISER)
    window = _like(x, np.outer(kaiser, kaiser).ravel())
    above, below = (
        fold(patches.flatten(1).T[None], x.shape[1:], PATCH_SIDE)[0]
        for patches in ((total @ inverse) * window, weights * window)
    )
    return above / below
