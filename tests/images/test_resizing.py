import numpy as np
import pytest
import torch

from untrained.sims.images.resizing import PIXEL_LIMIT, centre_crop, checked_size, resize
from untrained.sims.random.streams import stream


def by_definition(row, target):
    """Each old pixel in `target` equal parts; each new one is the mean of `len(row)` successive parts."""
    return np.repeat(row, target).reshape(target, len(row)).mean(axis=1)


@pytest.mark.parametrize(("source", "target"), [(8, 4), (7, 3), (9, 8), (100, 1), (13, 12), (6, 6)])
def test_shrinking_averages_exact_areas(source, target):
    row = stream(0, "resizing", source).standard_normal(source)
    # Sums of at most a hundred terms of order one, in float64.
    np.testing.assert_allclose(resize(row[None], (1, target))[0], by_definition(row, target), rtol=0, atol=1e-13)
    np.testing.assert_allclose(resize(row[:, None], (target, 1))[:, 0], by_definition(row, target), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [(28, 28), (9, 17), (8, 30), (64, 8)])
def test_growing_interpolates_between_pixel_centres_as_torch_does(size):
    pixels = stream(0, "growing").standard_normal((2, 3, 8, 8))
    other = torch.nn.functional.interpolate(torch.from_numpy(pixels), size, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(resize(pixels, size), other.numpy(), rtol=0, atol=1e-13)


def test_one_axis_may_grow_while_the_other_shrinks():
    pixels = stream(0, "both").standard_normal((1, 6, 4))
    shrunk = np.stack([by_definition(column, 3) for column in pixels[0].T], axis=1)
    np.testing.assert_allclose(resize(pixels, (3, 9))[0], resize(shrunk, (3, 9)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [(3, 5), (11, 2), (40, 30)])
def test_a_constant_stays_and_no_value_leaves_the_range(size):
    # Weights are quotients rounded once each and sum to one within a few ulp.
    np.testing.assert_allclose(resize(np.full((7, 9), 0.7), size), 0.7, rtol=1e-15 * 16)
    pixels = stream(0, "range").uniform(-1, 1, (7, 9))
    out = resize(pixels, size)
    assert pixels.min() - 1e-15 <= out.min() <= out.max() <= pixels.max() + 1e-15


def test_shrinking_keeps_the_mean_of_any_image():
    pixels = stream(0, "mean").standard_normal((50, 70))
    assert resize(pixels, (13, 11)).mean() == pytest.approx(pixels.mean(), abs=1e-14)


@pytest.mark.parametrize(
    ("shape", "size", "crop"),
    [
        ((10, 20), 5, (10, 10)),
        ((20, 10), 5, (10, 10)),
        ((10, 20), (1, 2), (10, 20)),
        ((10, 21), (1, 2), (10, 20)),
        ((512, 300), (256, 128), (512, 256)),
        ((1, 100), (100, 1), (1, 1)),
        ((3, 3), (7, 9), (2, 3)),
    ],
)
def test_the_crop_is_the_largest_of_that_aspect_ratio_about_the_centre(shape, size, crop):
    pixels = np.arange(shape[0] * shape[1]).reshape(shape)
    part = centre_crop(pixels, size)
    assert part.shape == crop
    top, left = (shape[0] - crop[0]) // 2, (shape[1] - crop[1]) // 2
    assert part[0, 0] == pixels[top, left]
    assert part[-1, -1] == pixels[top + crop[0] - 1, left + crop[1] - 1]


@pytest.mark.parametrize("size", [0, -3, (4, 0), (4,), (1, 2, 3), 2.5, True, (4, True), "28", None])
def test_sizes_that_are_none_are_refused(size):
    with pytest.raises(ValueError, match="size must be a positive integer or two of them"):
        checked_size(size)


def test_sizes_beyond_the_limit_are_refused_and_at_the_limit_are_not():
    assert checked_size((PIXEL_LIMIT, 1)) == (PIXEL_LIMIT, 1)
    with pytest.raises(ValueError, match="size must have at most 67108864 pixels"):
        checked_size((PIXEL_LIMIT + 1, 1))


@pytest.mark.parametrize("size", [np.int64(16), (np.int32(16), 16), [16, np.uint8(16)]])
def test_numbers_of_numpy_are_sides_too(size):
    assert checked_size(size) == (16, 16)
