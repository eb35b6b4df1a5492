"""`--report` of verify, reconstruct and check: one page of the run, refused early where it cannot be written."""

import json
import os
import re

import numpy as np
import pytest
import torch

from untrained.sims.images.images import write_image

NETWORK = """
from torch import nn, randn

def factory():
    layers = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(4, 1, 1), nn.Tanh()
    return nn.Sequential(*layers), randn(1, 4, 4, 4)

def noisy():
    return nn.Sequential(factory()[0], nn.Dropout(0.5)), randn(1, 4, 4, 4)
"""
HOSTILE = "<img src=x onerror=alert(1)>&'.png"


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    """Run a command in a folder with a network and two photographs, one of them under a hostile name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK)
    pixels = np.random.default_rng(7).integers(0, 256, (1, 8, 8))
    image = torch.from_numpy((pixels / 127.5 - 1).astype(np.float32))
    write_image("photo.png", image)
    write_image(HOSTILE, image)
    return untrained


COMMANDS = {
    "verify": ("verify", "vanveen18.eq14.printed", "--workers", 1),
    "reconstruct": ("reconstruct", "photo.png", "--m", 40, "--operator", "dct", "--method", "tv", "-o", "out.png"),
    "check": ("check", "net.py:factory", "--seeds", 1, "--steps", 3),
}


def page_of(place="run.html"):
    """The page, which asks for nothing outside itself."""
    with open(place, encoding="utf-8") as file:
        text = file.read()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "https://" not in text
    assert text.count("<script") == 1
    return text


def test_a_verdict_is_a_page(run):
    ended = run(*COMMANDS["verify"], "--report", "run.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    text = page_of()
    assert '<span class="v v-refuted">REFUTED</span>' in text
    assert "the probability of failure is 1, and the probability that the claim allows is 0.0183" in text
    assert "untrained verify vanveen18.eq14.printed --workers 1 --report run.html" in text
    assert "<math" in text


def test_mutants_are_a_page(run):
    ended = run("verify", "vanveen18.lemB2.ceiling.printed", "--workers", 1, "--mutants", "--report", "run.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "vanveen18.lemB2.ceiling.printed, pushed" in page_of()


def test_one_method_is_a_page_and_so_are_several(run):
    for name, methods in (("one.html", ("--method", "tv")), ("run.html", ("--compare", "tv,lasso-dct"))):
        ended = run(*COMMANDS["reconstruct"][:6], *methods, "-o", "out.png", "--json", "r.json", "--report", name)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert "photo.png by tv</h1>" in page_of("one.html")
    text = page_of()
    with open("r.json", encoding="utf-8") as file:
        entries = json.load(file)["methods"]
    assert all(f"{entry['scores']['mse']:.4g}" in text for entry in entries)
    assert text.count("data:image/png;base64,") == 3
    assert text.count("data:image/svg+xml;base64,") == 1
    assert "untrained reconstruct photo.png --m 40 --operator dct --compare tv,lasso-dct" in text


def test_without_the_truth_there_are_no_errors_to_draw(run):
    assert run("measure", "photo.png", "--m", 40, "--operator", "dct", "-o", "y.npz").returncode == 0
    ended = run("reconstruct", "y.npz", "--method", "tv", "-o", "out.png", "--report", "run.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert page_of().count('src="data:image/') == 1


def test_an_examination_is_a_page_also_of_what_was_refused(run):
    ended = run("check", "net.py:factory", "net.py:noisy", *COMMANDS["check"][2:], "--report", "run.html")
    assert ended.returncode == 2
    assert ended.stdout.endswith("run.html\n")
    text = page_of()
    assert "Why each verdict is what it is" in text
    assert "network must not draw random numbers, got Dropout" in text
    assert text.count("data:image/svg+xml;base64,") == 1
    assert "untrained check net.py:factory net.py:noisy --seeds 1 --steps 3 --report run.html" in text


def test_a_hostile_name_is_inert(run):
    ended = run("reconstruct", HOSTILE, *COMMANDS["reconstruct"][2:], "--report", "run.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    text = page_of()
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;&#39;.png by tv</h1>" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_what_cannot_be_written_is_refused_before_anything_runs(run, tmp_path, monkeypatch, name):
    for work in ("evidence.gather.gather_all", "recovery.tasks.prepare_task", "networks.loading.as_network"):
        monkeypatch.setattr(f"untrained.sims.{work}", lambda *_, **__: 1 / 0)
    (tmp_path / "folder.html").mkdir()
    before = sorted(os.listdir())
    for place, sentence in (
        ("run.txt", "--report must end in .html, got run.txt"),
        ("none/run.html", "--report must name a file in a folder that can be written to, got none/run.html"),
        ("folder.html", "--report must name a file in a folder that can be written to, got folder.html"),
    ):
        ended = run(*COMMANDS[name], "--report", place)
        assert (ended.returncode, ended.stderr) == (2, f"untrained: {sentence}\n")
    assert sorted(os.listdir()) == before


def test_where_writing_fails_the_earlier_page_stays(run, monkeypatch):
    replace = os.replace

    def full(part, place):
        if os.path.basename(place) == "run.html":
            raise OSError(28, "No space left on device")
        replace(part, place)

    assert run(*COMMANDS["reconstruct"], "--report", "run.html").returncode == 0
    earlier = page_of()
    monkeypatch.setattr("os.replace", full)
    ended = run(*COMMANDS["reconstruct"], "--seed", 1, "--report", "run.html")
    assert ended.returncode == 2
    assert ended.stderr.startswith("untrained: the system refused to go on, with ")
    assert page_of() == earlier
    assert not [name for name in os.listdir() if name.endswith(".part")]
