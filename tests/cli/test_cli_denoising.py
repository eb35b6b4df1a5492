"""`untrained reconstruct --task denoise` as a user meets it."""

import json
from pathlib import Path

import pytest

from untrained.sims.images.images import example_image, read_image, write_image
from untrained.sims.images.scores import score

SMALL = ("--set", "conv-decoder.steps=60", "--set", "conv-decoder.network_options.channels=8")
CAMERA = ("example:camera", "--size", 16, "--grey", "--task", "denoise")


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: untrained("reconstruct", *arguments, "-o", "x.npy", "--json", "r.json")


def report():
    return json.loads(Path("r.json").read_text())


def test_a_clean_image_is_made_noisy_and_denoised(run):
    ended = run(*CAMERA, "--sigma", 40, "--seed", 2, "--preset", "fast", *SMALL)
    assert (ended.returncode, ended.stderr) == (0, "")
    (entry,) = report()["methods"]
    truth = example_image("camera", size=(16, 16), grey=True)
    assert entry["method"] == "conv-decoder"
    assert entry["scores"] == pytest.approx(score(read_image("x.npy", signed=True), truth), rel=1e-5)
    assert entry["scores_beside"]["average"] == entry["scores"]
    assert entry["scores_beside"]["last"]["psnr"] != entry["scores"]["psnr"]
    assert entry["settings"]["noise"] == pytest.approx(2 * 40 / 255 * 16)
    assert report()["denoising"] == {
        "sigma": 40.0,
        "noisy": False,
        "clip": False,
        "seed": 2,
        "same": False,
        "law": "normal",
    }
    assert (report()["truth"], report()["operator"]["ratio"]) == ("example:camera", 1.0)


def test_a_noisy_file_is_denoised_and_scored_by_a_truth_where_there_is_one(run):
    truth = example_image("camera", size=(16, 16), grey=True)
    write_image("clean.png", truth)
    write_image("noisy.png", (truth + 0.2).clamp(-1, 1))
    noisy = ("noisy.png", "--task", "denoise", "--noisy", "--method", "non-local-means")
    assert run(*noisy).returncode == 0
    (entry,) = report()["methods"]
    assert (entry["scores"], report()["truth"]) == (None, None)
    assert "scores_beside" not in entry
    assert run(*noisy, "--truth", "clean.png", "--sigma", 20).returncode == 0
    (entry,) = report()["methods"]
    assert (entry["scores"]["data_range"], report()["truth"]) == (2.0, "clean.png")
    assert entry["certificate"]["pixel_sigma"] == pytest.approx(2 * 20 / 255)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*CAMERA, "--sigma", -5), "sigma must be a finite number above 0, got -5.0"),
        (CAMERA, "sigma must be given to add noise"),
        (("example:camera", "--task", "sharpen"), "task must be one of sense, denoise, got 'sharpen'"),
        (("example:camera", "--sigma", 25), "sigma is for the task denoise, got it without: add"),
        (("example:camera", "--noisy"), "noisy is for the task denoise, got it without: add"),
        ((*CAMERA, "--sigma", 25, "--m", 9), "m is for the task sense, got it for denoise"),
        ((*CAMERA, "--noisy", "--clip"), "clip is for noise that is added"),
        (("y.npz", "--task", "denoise", "--sigma", 25), "an image must be given to denoise, got the measurement file"),
        ((*CAMERA, "--sigma", 25, "--truth", "x.png"), "truth is for a measurement file"),
        (
            (*CAMERA, "--sigma", 25, "--set", "network_options.depth=5"),
            "image must be at least 32x32 for 5 doublings, got 16x16",
        ),
        ((*CAMERA, "--sigma", 25, "--set", "stopping=oracle"), "stopping must be a rule that looks at no truth"),
    ],
)
def test_what_cannot_be_denoised_is_refused_in_one_sentence(run, words, said):
    ended = run(*words)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert said in line.replace("--", "")
    assert not Path("x.npy").exists()
