"""Masks in files of a user's own: which say what is known, and which are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.images.image_files import npy
from untrained.sims.images.images import image_bytes, write_image
from untrained.sims.operators.own_files import mask_in_file

MASK = np.random.default_rng(3).random((16, 16)) < 0.5
PICTURE = torch.from_numpy(np.where(MASK, 1.0, -1.0).astype(np.float32))[None]


def of_greys(path):
    codes = np.where(MASK, 140, 100).astype(np.uint8)
    codes[tuple(np.argwhere(MASK)[0])] = 255
    codes[tuple(np.argwhere(~MASK)[0])] = 0
    Image.fromarray(codes).save(path)


MASKS = {
    "bool.npy": lambda path: np.save(path, MASK),
    "ones.npy": lambda path: np.save(path, MASK.astype(np.int64)),
    "tiny.npy": lambda path: np.save(path, MASK * np.float16(1e-4)),
    "ours.npy": lambda path: write_image(path, PICTURE),
    "ours.png": lambda path: write_image(path, PICTURE),
    "png.npy": lambda path: Path(path).write_bytes(image_bytes(PICTURE, ".png")),
    "npy.png": lambda path: Path(path).write_bytes(npy(MASK)),
    "grey.png": of_greys,
    "ones.png": lambda path: Image.fromarray(MASK.astype(np.uint8)).save(path),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_what_its_file_says_whatever_its_name(tmp_path, name):
    MASKS[name](tmp_path / name)
    np.testing.assert_array_equal(mask_in_file(str(tmp_path / name)), MASK)


def test_a_mask_saved_as_jpeg_is_cut_in_the_middle(tmp_path):
    Image.fromarray(np.uint8(255 * np.kron(MASK, np.ones((5, 5))))).save(tmp_path / "m.jpg", quality=75)
    assert len(np.unique(np.asarray(Image.open(tmp_path / "m.jpg")))) > 2
    np.testing.assert_array_equal(mask_in_file(str(tmp_path / "m.jpg")), np.kron(MASK, np.ones((5, 5), bool)))


def test_a_mask_of_one_value_knows_all(tmp_path):
    np.save(tmp_path / "m.npy", np.full(5, 3.5))
    assert mask_in_file(str(tmp_path / "m.npy")).all()


VALUES = "mask must have 0 and one positive value, that of what is known, got"
NO_MASKS = {
    "of -1 and 1": (2.0 * MASK - 1, f"{VALUES} values from -1 to 1 in .*: save it as bool"),
    "of three values": (np.arange(256) % 3, f"{VALUES} values from 0 to 2 in .*: save it as bool"),
    "of two positive values": (MASK + 1, f"{VALUES} values from 1 to 2 in .*: save it as bool"),
    "of -1 alone": (-np.ones(4), f"{VALUES} values from -1 to -1 in .*: save it as bool"),
    "of NaN and 1": (np.where(MASK, 1, np.nan), f"{VALUES} NaN or infinity in .*: save it as bool"),
    "of infinity and 0": (np.where(MASK, np.inf, 0), f"{VALUES} NaN or infinity in .*: save it as bool"),
    "of letters": (np.array([["a"]]), f"{VALUES} <U1 of shape .1, 1. in"),
    "of nothing": (np.zeros((0, 3)), f"{VALUES} float64 of shape .0, 3. in"),
    "of 0": (np.zeros(5), "mask must know at least one pixel, got 0 alone in"),
    "of False": (np.zeros(5, bool), "mask must know at least one pixel, got 0 alone in"),
}


@pytest.mark.parametrize("name", NO_MASKS)
def test_an_array_that_may_mean_another_mask_is_refused(tmp_path, name):
    values, said = NO_MASKS[name]
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(ValueError, match=f"^{said}"):
        mask_in_file(str(tmp_path / "m.npy"))


def test_a_black_picture_and_an_archive_are_no_masks(tmp_path):
    write_image(tmp_path / "black.png", -torch.ones(1, 4, 4))
    with pytest.raises(ValueError, match=r"^mask must know at least one pixel, got 0 alone in .*black\.png"):
        mask_in_file(str(tmp_path / "black.png"))
    np.savez(tmp_path / "m.npz", MASK)
    (tmp_path / "m.npz").rename(tmp_path / "m.npy")
    with pytest.raises(ValueError, match=r"got .*m.npy, an archive \(npz or zip\)"):
        mask_in_file(str(tmp_path / "m.npy"))
    (tmp_path / "m.npy").write_bytes(npy(MASK) + npy(MASK))
    with pytest.raises(ValueError, match=r"path must name an npy of one array, got .*m\.npy with more behind it"):
        mask_in_file(str(tmp_path / "m.npy"))
