"""Block matching beside its slow twin, and what holds whatever the image."""

import math

import numpy as np
import pytest
import pywt
import torch

from untrained.sims.images.images import example_image
from untrained.sims.images.scores import score
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import block_matching
from untrained.sims.recovery.baselines.block_matching import (
    biorthogonal_matrix,
    cosines,
    denoise_block_matching,
    haar_matrix,
    patch_cosines,
    patch_wavelet,
    reference_tiles,
)


def noise(shape, seed=0):
    return torch.from_numpy(stream(seed, "noise").standard_normal(shape))


def haar_of(stack):
    """Means, then details of means, in pairs; stack (K, ...)."""
    if len(stack) == 1:
        return stack
    even, odd = stack[::2], stack[1::2]
    return np.concatenate([haar_of((even + odd) / math.sqrt(2)), (even - odd) / math.sqrt(2)])


def wavelet_of(v):
    """Three levels of the periodic bior1.5 along the first axis, by another package; coarse first."""
    rows = []
    while len(v) > 1:
        v, detail = pywt.dwt(v, "bior1.5", "periodization", axis=0)
        rows = [detail, *rows]
    return np.concatenate([v, *rows])


def unit_rows(transform, n):
    T = transform(np.eye(n))
    return T / np.linalg.norm(T, axis=1, keepdims=True)


def nearest(image, corner, most):
    """Corners of the patches nearest to one, itself first, among those its tile looks through."""
    near = []
    for axis, at in enumerate(corner):
        references, candidates = reference_tiles(image.shape[axis] - 7)
        near.append(candidates[[at in row for row in references].index(True)])
    patch = lambda i, j: image[i : i + 8, j : j + 8]  # noqa: E731
    corners = [(i, j) for i in near[0] for j in near[1]]
    far = {c: -1.0 if c == corner else float(np.square(patch(*c) - patch(*corner)).sum()) for c in corners}
    size = max(2**k for k in range(9) if 2**k <= min(most, len(corners)))
    return sorted(corners, key=far.get)[:size]


def by_the_definition(noisy, sigma):
    """Both stages on one image (H, W) in float64, stack by stack."""
    T, D = unit_rows(wavelet_of, 8), cosines(8)
    back = np.linalg.inv(T)
    window = np.outer(np.kaiser(8, 2.0), np.kaiser(8, 2.0))
    pilot, corners = noisy, [sorted(set(reference_tiles(side - 7)[0].ravel())) for side in noisy.shape]
    for stage, most in (("hard", 8), ("wiener", 16)):
        above, below = np.zeros(noisy.shape), np.zeros(noisy.shape)
        for corner in [(i, j) for i in corners[0] for j in corners[1]]:
            members = nearest(pilot, corner, most)
            M = T if stage == "hard" else D
            data, guess = (
                haar_of(np.stack([M @ z[i : i + 8, j : j + 8] @ M.T for i, j in members])) for z in (noisy, pilot)
            )
            gains = 1.0 * (abs(data) > 2.7 * sigma) if stage == "hard" else guess**2 / (guess**2 + sigma**2)
            gains[0, 0, 0] = 1
            clean, weight = haar_matrix(len(members)).T @ (gains * data).reshape(len(members), 64), 1 / (gains**2).sum()
            for (i, j), c in zip(members, clean.reshape(-1, 8, 8), strict=True):
                c = back @ c @ back.T if stage == "hard" else D.T @ c @ D
                above[i : i + 8, j : j + 8] += weight * window * c
                below[i : i + 8, j : j + 8] += weight * window
        pilot = above / below
    return pilot


@pytest.mark.parametrize("shape", [(8, 8), (9, 31), (20, 17)])
def test_it_is_what_its_definition_says(shape):
    x = example_image("camera", grey=True, size=32)[:, : shape[0], -shape[1] :].double() + 0.2 * noise((1, *shape))
    image = denoise_block_matching(x, 0.2)[0].numpy()
    np.testing.assert_allclose(image, by_the_definition(x[0].numpy(), 0.2), atol=1e-10)
    assert abs(image - x[0].numpy()).max() > 0.05


def test_colours_are_filtered_apart_but_matched_by_their_mean():
    x = example_image("astronaut", size=24).double() + 0.2 * noise((3, 24, 24))
    grey = x.mean(0, keepdim=True)
    same = denoise_block_matching(grey.expand(3, -1, -1), 0.2)
    # Three equal channels have one cosine coefficient, of sqrt(3) times the size.
    torch.testing.assert_close(same[:1], denoise_block_matching(grey, 0.2 / math.sqrt(3)), atol=1e-10, rtol=0)
    mean = denoise_block_matching(x, 0.2).mean(0, keepdim=True)
    torch.testing.assert_close(mean, denoise_block_matching(grey, 0.2 / math.sqrt(3)), atol=1e-10, rtol=0)


@pytest.mark.parametrize("n", [1, 2, 8, 16])
def test_transforms_are_orthonormal(n):
    for matrix in (haar_matrix(n), cosines(n)):
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(n), atol=1e-14)
    np.testing.assert_allclose(haar_matrix(n), haar_of(np.eye(n)), atol=1e-14)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_the_wavelet_is_that_of_another_package(n):
    # Details are taken with the other sign there.
    np.testing.assert_allclose(abs(biorthogonal_matrix(n)), abs(unit_rows(wavelet_of, n)), atol=1e-12)
    np.testing.assert_allclose(biorthogonal_matrix(n)[0], n**-0.5, atol=1e-14)
    np.testing.assert_allclose((biorthogonal_matrix(n)[1:]).sum(1), 0, atol=1e-14)


def test_a_patch_is_transformed_along_rows_and_columns():
    patch = noise((8, 8)).numpy()
    for matrix, side in ((patch_wavelet(), biorthogonal_matrix(8)), (patch_cosines(), cosines(8))):
        np.testing.assert_allclose(matrix @ patch.ravel(), (side @ patch @ side.T).ravel(), atol=1e-13)


@pytest.mark.parametrize("positions", [1, 2, 3, 4, 17, 19, 57, 249])
def test_references_reach_both_ends_and_look_around_themselves(positions):
    references, candidates = reference_tiles(positions)
    flat = references.ravel()
    assert (flat[0], flat[-1]) == (0, positions - 1)
    assert len(flat) == 1 or 1 <= np.diff(flat).min() <= np.diff(flat).max() <= 3
    for row, near in zip(references, candidates, strict=True):
        assert near[0] <= max(0, row[0] - 20)
        assert near[-1] >= min(positions - 1, row[-1] + 20)
        assert (near[0] >= 0, near[-1] < positions, set(np.diff(near)) <= {1}) == (True, True, True)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_constant_added_comes_out_added(channels):
    x = 0.5 * noise((channels, 21, 16))
    moved = denoise_block_matching(x + 3.0, 0.5)
    torch.testing.assert_close(moved, denoise_block_matching(x, 0.5) + 3.0, atol=1e-10, rtol=0)


@pytest.mark.parametrize("sigma", [0.0, 1e-30, 1e-7])
def test_without_noise_the_image_comes_back(sigma):
    x = example_image("camera", grey=True, size=32).double()
    # No coefficient of a stack is below 1e-7 but by chance; shrinking them all would move a pixel by 2.7e-7 at most.
    torch.testing.assert_close(denoise_block_matching(x, sigma), x, atol=1e-6, rtol=0)


def test_a_flat_image_stays_flat_at_any_strength():
    # All distances are equal, so that only a reference's own place keeps every pixel covered.
    for side in (8, 30):
        x = torch.full((1, side, side), 0.3)
        for sigma in (1e-6, 0.1, 100.0):
            torch.testing.assert_close(denoise_block_matching(x, sigma), x, atol=1e-5, rtol=0)


def test_numbers_are_the_same_each_time_and_shapes_are_kept():
    x = noise((2, 2, 3, 12, 40)).float()
    image = denoise_block_matching(x, 0.4)
    assert (image.shape, image.dtype) == (x.shape, x.dtype)
    assert torch.equal(image, denoise_block_matching(x, 0.4))


def test_a_photograph_is_as_good_as_by_the_published_package():
    x = example_image("camera", grey=True, size=128)
    noisy = x + 0.2 * noise(x.shape).float()
    psnr = score(denoise_block_matching(noisy, 0.2), x)["psnr"]
    # The package bm3d (4.0.3) has 29.31 dB on this image and noise; as good is within 0.15 dB.
    assert psnr > 29.31 - 0.15


@pytest.mark.parametrize("sigma", [-0.1, math.nan, math.inf])
def test_a_strength_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match=r"^sigma must be at least 0 and finite, got"):
        denoise_block_matching(noise((1, 8, 8)), sigma)


def test_what_is_done_at_once_changes_nothing(monkeypatch):
    x = noise((1, 30, 30))
    image = denoise_block_matching(x, 0.3)
    monkeypatch.setattr(block_matching, "STACKS_AT_ONCE", 7)
    torch.testing.assert_close(denoise_block_matching(x, 0.3), image, atol=1e-12, rtol=0)
