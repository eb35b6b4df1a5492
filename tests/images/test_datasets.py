import gzip
import io
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch

from untrained.sims.images.datasets import (
    BYTE_LIMIT,
    DATASETS,
    PHOTOGRAPHS,
    available,
    data_folder,
    dataset,
    digits,
    read_idx,
)
from untrained.sims.images.images import example_image
from untrained.sims.random.streams import stream

rng = stream(0, "datasets")
IMAGES = rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)
COLOURS = rng.integers(0, 256, (4, 5, 6, 3)).astype(np.uint8)
LABELS = np.array([7, 0, 255], dtype=np.uint8)


def idx(array, kind=8):
    """The format of the MNIST files: two zeros, type, number of axes, their lengths big-endian, the bytes."""
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of data that the environment names."""
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("array", [IMAGES, LABELS, IMAGES[:0]], ids=["images", "labels", "none"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_idx_files_are_read_plain_and_packed_whatever_their_name(tmp_path, array, pack):
    (tmp_path / "file").write_bytes(pack(idx(array)))
    out = read_idx(tmp_path / "file")
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, array)


WHOLE = idx(IMAGES)
IDX_REFUSED = {
    "empty": (b"", "a file with content"),
    "another type": (idx(IMAGES, kind=13), "with magic 00000d03"),
    "two axes": (idx(IMAGES[0]), "with magic 00000802"),
    "text": (b"hello, this is text", "with magic 68656c6c"),
    "torn magic": (WHOLE[:3], "with magic 000008"),
    "torn header": (WHOLE[:9], "a torn header"),
    "too short": (WHOLE[:-1], "of the 60 bytes that its header says, got .* with 59"),
    "too long": (WHOLE + b"\0", "of the 60 bytes that its header says, got .* with more"),
    "bomb": (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**31, 2**31), f"at most {BYTE_LIMIT} bytes"),
    "torn gzip": (gzip.compress(WHOLE)[:-9], "can be read whole"),
    "gzip of another sum": (gzip.compress(WHOLE)[:-8] + bytes(8), "can be read whole"),
    "gzip of nothing": (gzip.compress(b""), "with magic "),
    "gzip head alone": (b"\x1f\x8b", "can be read whole"),
}


@pytest.mark.parametrize("case", IDX_REFUSED)
def test_idx_files_that_are_none_are_refused_in_one_sentence(tmp_path, case):
    content, why = IDX_REFUSED[case]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=why) as refusal:
        read_idx(tmp_path / "file")
    assert str(refusal.value).startswith("path must name a")


def test_an_absent_idx_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a file that exists"):
        read_idx(tmp_path / "absent")
    with pytest.raises(ValueError, match="got the folder"):
        read_idx(tmp_path)


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"])
def test_mnist_is_read_under_both_names(folder, name):
    (folder / name).write_bytes(gzip.compress(WHOLE) if name.endswith("gz") else WHOLE)
    images = dataset("mnist")
    assert images.dtype == torch.float32
    np.testing.assert_array_equal(images.numpy(), ((2.0 * IMAGES[:, None] - 255) / 255).astype(np.float32))
    assert available("mnist") is None


def test_xray_has_one_channel_and_retina_three(folder):
    (folder / "chest_xray_256.npz").write_bytes(npz(images=IMAGES, names=np.array(["a", "b"])))
    (folder / "retina_rgb_128.npz").write_bytes(npz(images=COLOURS))
    np.testing.assert_array_equal(dataset("xray").numpy(), ((2.0 * IMAGES[:, None] - 255) / 255).astype(np.float32))
    retina = dataset("retina")
    assert (retina.shape, retina.is_contiguous()) == ((4, 3, 5, 6), True)
    for i, c in ((0, 0), (1, 2), (3, 1)):
        assert retina[i, c, 4, 2] == np.float32((2.0 * COLOURS[i, 4, 2, c] - 255) / 255)


def torn(content):
    """The last quarter of the archive's first member is damaged, its directory is whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        end = archive.infolist()[0].compress_size
    return content[: end // 2] + b"\xff" * 9 + content[end // 2 + 9 :]


NPZ_REFUSED = {
    "empty": (b"", "a file with content"),
    "text": (b"hello, this is text", "can be read whole"),
    "cut": (npz(images=IMAGES)[:-30], "can be read whole"),
    "torn": (torn(npz(images=rng.integers(0, 256, (9, 30, 30)).astype(np.uint8))), "can be read whole"),
    "one array": (npy(IMAGES), "an npz with the array images"),
    "another key": (npz(pictures=IMAGES), "an npz with the array images"),
    "floats": (npz(images=IMAGES / 255), "images of uint8, got .* of float64"),
    "objects": (npz(images=np.array([{}], dtype=object)), "can be read whole"),
    "one image": (npz(images=IMAGES[0]), r"must hold images of shape \(N, H, W\), got \(5, 3\)"),
    "colours": (npz(images=COLOURS), r"must hold images of shape \(N, H, W\)"),
    "no image": (npz(images=IMAGES[:0]), r"must hold images of shape \(N, H, W\), got \(0, 5, 3\)"),
}


@pytest.mark.parametrize("case", NPZ_REFUSED)
def test_archives_that_are_none_are_refused_and_not_available(folder, case):
    content, why = NPZ_REFUSED[case]
    (folder / "chest_xray_256.npz").write_bytes(content)
    with pytest.raises(ValueError, match=why) as refusal:
        dataset("xray")
    assert "\n" not in str(refusal.value)
    assert available("xray") == str(refusal.value)


@pytest.mark.parametrize("images", [IMAGES, np.moveaxis(COLOURS, 3, 1)])
def test_retinas_without_channels_at_the_end_are_refused(folder, images):
    (folder / "retina_rgb_128.npz").write_bytes(npz(images=images))
    with pytest.raises(ValueError, match=r"must hold images of shape \(N, H, W, 3\)"):
        dataset("retina")


@pytest.mark.parametrize("name", DATASETS)
def test_an_absent_file_is_named_with_the_way_to_name_the_folder(folder, name):
    with pytest.raises(ValueError, match=f"^{name} must be in the folder that UNTRAINED_DATA names, got no .* in"):
        dataset(name)
    assert "UNTRAINED_DATA" in available(name)


@pytest.mark.parametrize("named", ["absent", "file"])
def test_a_variable_that_names_no_folder_is_refused(tmp_path, monkeypatch, named):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path / named))
    with pytest.raises(ValueError, match=f"UNTRAINED_DATA must name the folder of data, got UNTRAINED_DATA=.*{named}"):
        dataset("mnist")


def test_without_the_variable_the_folder_is_beside_the_repository(tmp_path, monkeypatch):
    monkeypatch.delenv("UNTRAINED_DATA", raising=False)
    module = tmp_path / "repository" / "sims" / "imaging" / "datasets.py"
    monkeypatch.setattr("untrained.sims.images.datasets.__file__", str(module))
    with pytest.raises(ValueError, match=r"got UNTRAINED_DATA unset and no .*shared"):
        data_folder()
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert data_folder() == tmp_path / "shared" / "data"


@pytest.mark.parametrize("name", ["imagenet", "", "MNIST"])
def test_unknown_sets_are_refused_and_are_no_reason_to_skip(name):
    with pytest.raises(ValueError, match="name must be one of mnist, xray, retina, celeba, got"):
        dataset(name)
    with pytest.raises(ValueError, match="name must be one of mnist, xray, retina, celeba, digits, got"):
        available(name)


def or_skip(name):
    if why := available(name):
        pytest.skip(why)


@pytest.mark.parametrize(
    ("name", "shape"), [("mnist", (10000, 1, 28, 28)), ("xray", (37, 1, 256, 256)), ("retina", (12, 3, 128, 128))]
)
def test_the_real_sets_have_their_shapes_and_use_most_of_the_scale(name, shape):
    or_skip(name)
    images = dataset(name)
    assert (images.shape, images.dtype) == (shape, torch.float32)
    assert images.min() < -0.9
    assert images.max() > 0.9


def test_mnist_begins_with_the_seven():
    or_skip("mnist")
    first = dataset("mnist")[0, 0]
    # A bar from the left at the top, a stroke down to the middle, nothing at the lower left.
    assert first[8, 6:16].min() > 0
    assert first[20:26, :8].max() == -1


def test_digits_are_those_of_scikit_learn():
    or_skip("digits")
    from sklearn.datasets import load_digits

    np.testing.assert_array_equal(digits().numpy()[:, 0], (load_digits().images / 8 - 1).astype(np.float32))


def test_digits_grow_by_linear_interpolation():
    or_skip("digits")
    other = torch.nn.functional.interpolate(digits().double(), (28, 28), mode="bilinear", align_corners=False)
    # Float32 pixels below one.
    torch.testing.assert_close(digits(28), other.float(), rtol=0, atol=2**-23)
    assert digits((2, 4)).shape == (1797, 1, 2, 4)


def test_a_wrong_size_of_digits_is_refused():
    or_skip("digits")
    with pytest.raises(ValueError, match="size must be a positive integer"):
        digits(0)


class Bunch:
    images = np.arange(17.0).repeat(64).reshape(17, 8, 8)


def test_digits_span_the_scale_in_seventeen_shades(monkeypatch):
    class Module:
        load_digits = Bunch

    monkeypatch.setitem(sys.modules, "sklearn", Module)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", Module)
    assert digits()[:, 0, 3, 3].tolist() == [v / 8 - 1 for v in range(17)]
    assert digits(28).shape == (17, 1, 28, 28)
    assert available("digits") is None


def test_without_scikit_learn_digits_are_refused_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match="digits must come from an installed scikit-learn"):
        digits()
    assert "scikit-learn" in available("digits")


def test_photographs_are_those_that_need_no_enlarging_cropped_and_shrunk(monkeypatch):
    monkeypatch.setenv("UNTRAINED_DATA", "absent")
    assert tuple(dataset("photographs-16").shape) == (len(PHOTOGRAPHS), 3, 16, 16)
    torch.testing.assert_close(dataset("photographs-16")[0], example_image("astronaut", size=(16, 16)))
    whole = {name: min(example_image(name).shape[1:]) for name in PHOTOGRAPHS}
    assert len(dataset("photographs-512")) == sum(side >= 512 for side in whole.values()) < len(PHOTOGRAPHS)
    assert available("photographs-16") is None
    with pytest.raises(ValueError, match=r"^side must be at most that of a photograph"):
        dataset("photographs-4000")


@pytest.mark.parametrize("name", ["photographs", "photographs-7", "photographs-x", "photographs-64-2"])
def test_other_names_are_no_photographs(name):
    with pytest.raises(ValueError, match=r"^name must be one of mnist"):
        dataset(name)
