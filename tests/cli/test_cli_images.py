"""Image files as a user hands them to the command line: what is warned of, refused, written and read again."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from untrained.sims.images.images import read_image, write_image

DENOISE = ("--task", "denoise", "--sigma", 5, "--method", "non-local-means")


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    return untrained


def light(side=16):
    """An image on [-1, 1] without a negative pixel."""
    slope = torch.arange(side * side).reshape(1, side, side) / side**2
    return (0.2 + 0.7 * slope).to(torch.float32)


def test_what_reconstruct_wrote_is_its_own_truth(run):
    write_image("light.png", light())
    assert run("reconstruct", "light.png", *DENOISE, "-o", "x.npy").returncode == 0
    written = np.load("x.npy")
    assert written.min() > 0
    np.testing.assert_array_equal(read_image("x.npy").numpy(), written)
    noisy = ("x.npy", "--task", "denoise", "--noisy", "--method", "noisy", "--truth", "x.npy")
    assert run("reconstruct", *noisy, "-o", "same.npy", "--json", "r.json").returncode == 0
    (entry,) = json.loads(Path("r.json").read_text())["methods"]
    assert entry["scores"]["mse"] == 0
    np.testing.assert_array_equal(np.load("same.npy"), written)


def test_what_reconstruct_wrote_is_measured_as_it_is(run):
    write_image("x.npy", light())
    np.save("half.npy", (light().numpy().astype(np.float64) + 1) / 2)
    for name in ("x", "half"):
        assert run("measure", f"{name}.npy", "--operator", "dct", "--m", 256, "-o", f"{name}.npz").returncode == 0
    with np.load("x.npz") as first, np.load("half.npz") as second:
        # Both are the same float32 pixels, as 2 (v + 1)/2 - 1 is exact in float64 here.
        np.testing.assert_array_equal(first["y"], second["y"])
        assert np.linalg.norm(first["y"]) == pytest.approx(float(light().norm()), rel=1e-5)


def test_a_warning_is_one_line_and_stands_in_the_report(run):
    codes = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16
    tifffile.imwrite("deep.tif", codes)
    said = "deep.tif: its largest code is 4080 of 65535, so no pixel is above -0.875 on [-1, 1]: where white is 4095,"
    ended = run("measure", "deep.tif", "--m", 40, "-o", "y.npz")
    assert ended.returncode == 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"untrained: warning: {said}")
    ended = run("reconstruct", "deep.tif", *DENOISE, "-o", "x.png", "--json", "r.json")
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [line]
    assert json.loads(Path("r.json").read_text())["warnings"] == [line.removeprefix("untrained: warning: ")]


def test_without_a_warning_the_report_has_none(run):
    write_image("light.png", light())
    ended = run("reconstruct", "light.png", *DENOISE, "-o", "x.png", "--json", "r.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(Path("r.json").read_text())["warnings"] == []


def test_the_truth_is_warned_of_too(run):
    write_image("light.png", light())
    pixels = np.asarray(Image.open("light.png"))
    Image.fromarray(np.dstack([pixels, np.full_like(pixels, 128)])).save("clear.png")
    noisy = ("light.png", "--task", "denoise", "--noisy", "--method", "noisy", "--truth", "clear.png")
    ended = run("reconstruct", *noisy, "-o", "x.png")
    assert ended.returncode == 0
    assert ended.stderr == "untrained: warning: clear.png: its transparent pixels are laid on black\n"


def test_one_photograph_lies_alike_in_8_and_16_bits(run):
    codes = np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)
    tags = Image.Exif()
    tags[274] = 6
    Image.fromarray(codes).save("a.png", exif=tags)
    Image.fromarray(codes.astype(np.uint16) * 257).save("b.png", exif=tags)
    for name in ("a", "b"):
        assert run("measure", f"{name}.png", "--m", 40, "-o", f"{name}.npz").returncode == 0
    with np.load("a.npz") as a, np.load("b.npz") as b:
        np.testing.assert_array_equal(a["y"], b["y"])
        assert json.loads(str(a["spec"]))["shape"] == [1, 20, 12]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((8, 8), 7, np.int64), "npy of bool, uint8, uint16 or floats, got x.npy of int64: save it as one"),
        (np.full((8, 8), 7.0), "pixels from 7 to 7: divide them by the value of white"),
        (np.array([[-0.003, 0.9]]), "may be either: clip it to [0, 1]"),
        (np.zeros((8, 8, 4), np.uint8), "got x.npy of shape (8, 8, 4)"),
    ],
)
@pytest.mark.parametrize("command", ["measure", "reconstruct"])
def test_what_is_refused_is_one_sentence_and_no_file(run, command, array, said):
    np.save("x.npy", array)
    options = ("--m", 4, "-o", "y.npz") if command == "measure" else (*DENOISE, "-o", "out.png")
    ended = run(command, "x.npy", *options)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert line.startswith("untrained: ")
    assert said in line
    assert [path.name for path in Path().iterdir()] == ["x.npy"]
