"""`untrained denoise`, `inpaint` and `upscale` as a user meets them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from untrained.sims.images.images import example_image, read_image, write_image

SMALL = ("--set", "steps=40", "--set", "network_options.channels=8")


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    truth = example_image("camera", size=(32, 32), grey=True)
    write_image("clean.png", truth)
    known = np.ones((32, 32), dtype=bool)
    known[4:9, 10:22] = False
    Image.fromarray(np.uint8(255 * known)).save("mask.png")
    codes = np.asarray(Image.open("clean.png"))
    Image.fromarray(np.dstack([codes] * 3 + [np.uint8(255 * known)])).save("alpha.png")
    Image.fromarray(np.asarray(Image.open("clean.png").resize((16, 16)))).save("small.png")
    return lambda *arguments: untrained(*arguments, "-o", "x.npy", "--json", "r.json")


def report():
    return json.loads(Path("r.json").read_text())


def test_noise_is_added_to_a_clean_image_for_a_trial(run):
    ended = run("denoise", "clean.png", "--add-noise", 30, "--clip", "--seed", 3, *SMALL)
    assert (ended.returncode, ended.stderr) == (0, "")
    (entry,) = report()["methods"]
    assert (entry["method"], entry["settings"]["stopping"]) == ("conv-decoder", "cautious-discrepancy")
    assert entry["scores"]["psnr"] > 0
    assert report()["denoising"]["clip"]
    assert report()["notes"] == [
        "conv-decoder goes by cautious-discrepancy, as the noise level is known (--set stopping=RULE: by another)"
    ]
    assert report()["notes"][0] in ended.stdout


def test_a_noisy_image_has_its_noise_estimated(run):
    ended = run("denoise", "clean.png", "--compare", "non-local-means,tv", "--truth", "clean.png", "-o", "all.png")
    assert ended.returncode == 2  # a picture of all is no npy
    ended = run("denoise", "clean.png", "--method", "non-local-means", "--truth", "clean.png")
    assert ended.returncode == 0
    assert report()["measurement"]["noise"] > 0
    assert report()["notes"][0].startswith("sigma estimated as")
    assert run("denoise", "clean.png", "--method", "tv", "--sigma", 12).returncode == 0
    assert report()["notes"] == []
    assert report()["measurement"]["noise"] == pytest.approx(2 * 12 / 255 * 32)


def test_denoise_is_reconstruct_with_the_task(run):
    assert run("denoise", "clean.png", "--add-noise", 20, "--method", "tv").returncode == 0
    image, one = read_image("x.npy", signed=True), report()["methods"]
    assert run("reconstruct", "clean.png", "--task", "denoise", "--sigma", 20, "--method", "tv").returncode == 0
    two = report()["methods"]
    assert np.array_equal(image, read_image("x.npy", signed=True))
    assert [{**entry, "seconds": 0} for entry in one] == [{**entry, "seconds": 0} for entry in two]


def test_holes_are_those_of_a_mask_or_of_alpha(run):
    assert run("inpaint", "clean.png", "--mask", "mask.png", "--sigma", 0, "--method", "tv").returncode == 0
    image = read_image("x.npy", signed=True)
    assert report()["inpainting"] == {"mask": "mask.png", "known": 32 * 32 - 60, "sigma": 0.0}
    words = ("inpaint", "alpha.png", "--grey", "--sigma", 0, "--method", "tv", "--truth", "clean.png")
    assert run(*words).returncode == 0
    assert np.allclose(image, read_image("x.npy", signed=True), atol=1e-5)
    assert report()["methods"][0]["scores"]["psnr"] > 20
    assert run("inpaint", "clean.png", "--mask", "mask.png", "--size", 16, "--method", "tv").returncode == 0
    assert report()["operator"]["shape"] == [1, 16, 16]
    assert report()["notes"][0].startswith("sigma estimated as")


def test_a_small_image_grows(run):
    assert run("upscale", "small.png", "--method", "tv", "--truth", "clean.png").returncode == 0
    assert read_image("x.npy", signed=True).shape == (1, 32, 32)
    assert report()["upscaling"] == {"factor": 2, "sigma": None}
    assert report()["notes"] == []
    words = ("upscale", "small.png", "--size", 8, "--factor", 4, "--sigma", 3, "--method", "csdip", "--set", "steps=20")
    assert run(*words, "--set", "network_options.width=4", "--truth", "clean.png").returncode == 0
    # 0.9 times 6/255 by pixels of which A makes 1/256 of the square
    assert report()["notes"][0].startswith("csdip weighs total variation by 0.34, as the noise level is known")


def test_a_measurement_that_says_its_noise_is_fitted_no_further_than_that(run):
    measured = (
        "reconstruct",
        "clean.png",
        "--operator",
        "gaussian",
        "--m",
        200,
        "--preset",
        "fast",
        "--set",
        "steps=20",
    )
    weighs = "csdip weighs total variation by 0.13, as the noise level is known (--set tv_by_noise=0: not by it)"
    assert run(*measured, "--noise", 2).returncode == 0
    assert (report()["methods"][0]["settings"]["stopping"], report()["notes"]) == ("last-window", [weighs])
    assert run(*measured, "--noise", 2, "--set", "tv_by_noise=0").returncode == 0
    assert report()["methods"][0]["settings"]["stopping"] == "cautious-discrepancy"
    assert run(*measured, "--noise", 2, "--set", "tv_by_noise=0", "--set", "stopping=fixed").returncode == 0
    assert (report()["methods"][0]["settings"]["stopping"], report()["notes"]) == ("fixed", [])
    assert run(*measured).returncode == 0
    assert (report()["methods"][0]["settings"]["stopping"], report()["notes"]) == ("last-window", [])


def test_the_noise_of_measurements_is_estimated_where_asked(run):
    measured = ("reconstruct", "clean.png", "--operator", "inpainting", "--m", 700, "--noise", 8, "--method", "tv")
    assert run(*measured, "--estimate-noise").returncode == 0
    assert report()["notes"][0].startswith("sigma estimated as")
    # each of 700 pixels has deviation 8/sqrt(700) = 38 of 255: more than the texture of the photograph
    assert report()["measurement"]["noise"] == pytest.approx(8, rel=0.3)
    assert report()["methods"][0]["settings"]["noise"] == report()["measurement"]["noise"]


@pytest.mark.parametrize(
    "words",
    [
        ("denoise", "tv.png", "--sigma", 10, "--method", "tv", "-o", "o.png", "--folder", "."),
        ("denoise", "clean.png", "--method", "tv", "--truth", "tv.png", "-o", "o.png", "--folder", "."),
        ("upscale", "small.png", "--truth", "tv.npy", "-o", "o.png", "--folder", "."),
        ("inpaint", "clean.png", "--mask", "tv.npy", "--sigma", 0, "--method", "tv", "-o", "tv.npy"),
        ("inpaint", "clean.png", "--mask", "tv.npy", "--method", "tv", "-o", "o.png", "--folder", "."),
        ("reconstruct", "tv.png", "--operator", "dct", "--m", 50, "--method", "tv", "-o", "o.png", "--folder", "."),
        ("reconstruct", "clean.png", "--set", "prior=tv.npy", "--operator", "dct", "--m", 50, "-o", "tv.npy"),
        ("measure", "tv.npy", "--m", 50, "-o", "tv.npy"),
        ("measure", "clean.png", "--operator", "inpainting", "--mask", "tv.npy", "-o", "tv.npy"),
    ],
)
def test_no_file_that_is_read_is_written_over(run, untrained, words):
    Path("tv.png").write_bytes(Path("clean.png").read_bytes())
    np.save("tv.npy", np.eye(32, dtype=bool))
    before = {path: path.read_bytes() for path in Path().iterdir()}
    ended = untrained(*words)
    assert ended.returncode == 2
    assert "the output must not replace what is read, got" in ended.stderr
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_the_picture_of_all_does_not_replace_an_image_of_the_folder(run, untrained):
    words = ("denoise", "clean.png", "--sigma", 9, "--compare", "tv,noisy", "-o", "imgs/tv.png", "--folder", "imgs")
    Path("imgs").mkdir()
    ended = untrained(*words)
    assert (ended.returncode, list(Path("imgs").iterdir())) == (2, [])
    assert ended.stderr.startswith("untrained: --out must name another file than the images of --folder, got imgs")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("denoise", "absent.png"), "path must name a file that exists"),
        (("denoise", "y.npz"), "an image must be given to denoise, got the measurement file"),
        (("denoise", "clean.png", "--sigma", 3, "--add-noise", 4), "--add-noise must be given without --sigma"),
        (("denoise", "clean.png", "--sigma", 0), "--sigma must be a finite number above 0"),
        (("denoise", "clean.png", "--add-noise", 0), "--add-noise must be a finite number above 0, got 0.0"),
        (("denoise", "clean.png", "--clip"), "--clip is for noise that is added"),
        (("denoise", "clean.png", "--method", "tv", "--compare", "tv,csdip"), "--method and --compare must not"),
        (("denoise", "clean.png", "--add-noise", 9, "--truth", "clean.png"), "--truth is for"),
        (("inpaint", "clean.png"), "--mask must be given for an image without alpha"),
        (("inpaint", "clean.png", "--mask", "absent.png"), "path must name a file that exists"),
        (("inpaint", "clean.png", "--mask", "small.png"), "--mask must be bool of shape (32, 32), got bool of shape"),
        (("inpaint", "clean.png", "--mask", "mask.png", "--sigma", -1), "--sigma must be a finite number of at least"),
        (("upscale", "clean.png", "--factor", 1), "--factor must be"),
        (("upscale", "small.png", "--method", "tv", "--truth", "small.png"), "--truth must have the shape measured"),
        (("upscale", "small.png", "--method", "non-local-means"), "must see every pixel for non-local-means"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(run, words, said):
    ended = run(*words)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert said in line
    assert not Path("x.npy").exists()
    assert not Path("r.json").exists()
