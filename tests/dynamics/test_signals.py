import numpy as np
import pytest

from untrained.sims.dynamics.signals import camera_crop, camera_crops


@pytest.mark.parametrize("length", [4, 9, 16, 64, 256, 4096])
@pytest.mark.parametrize("index", [0, 1, 37])
def test_crops_have_the_right_length_and_norm_one(length, index):
    y = camera_crop(length, index)
    assert y.shape == (length,)
    assert y.dtype == np.float64
    assert np.linalg.norm(y) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("length", [4, 16, 64, 400])
def test_crops_are_distinct_for_neighbouring_places_and_rows(length):
    places = 64 - round(length**0.5) + 1
    crops = camera_crops(length, range(places + 3))
    assert len({y.tobytes() for y in crops}) == places + 3


def test_crops_differ_by_far_more_than_rounding():
    crops = camera_crops(64, range(0, 600, 60))
    gaps = np.linalg.norm(crops[:, None] - crops[None, :], axis=-1) + np.eye(10)
    assert gaps.min() > 1e-3


def test_crops_show_something_and_are_never_negative():
    crops = camera_crops(64, range(0, 3000, 150))
    assert (crops >= 0).all()
    assert crops.std(axis=-1).min() > 1e-4


def test_batches_are_the_single_crops_in_order():
    np.testing.assert_array_equal(camera_crops(16, range(5)), [camera_crop(16, i) for i in range(5)])


def test_crops_do_not_depend_on_what_was_asked_before():
    first = camera_crop(64, 3)
    original = first.copy()
    first[:] = 0.0
    camera_crop(16, 8)
    np.testing.assert_array_equal(camera_crop(64, 3), original)


def test_crops_are_windows_of_the_block_means():
    from skimage import data

    picture = data.camera().astype(np.float64)
    # At side 4 there are 61 places a row, so index 14 * 61 + 26 starts at row 14 and column 26.
    places = [(8 * r, 8 * c) for r in range(14, 18) for c in range(26, 30)]
    slow = np.array([picture[r : r + 8, c : c + 8].mean() for r, c in places])
    np.testing.assert_allclose(camera_crop(16, 14 * 61 + 26), slow / np.linalg.norm(slow), rtol=1e-13)


@pytest.mark.parametrize("length", [0, 1, 2, 5, 63, 4095, 4097, 65 * 65])
def test_bad_lengths_are_refused(length):
    with pytest.raises(ValueError, match="length must be a square number from 4 to 4096"):
        camera_crop(length, 0)
