"""The imaging commands as a user meets them; in this process, but for the one that is interrupted for real."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from untrained import cli
from untrained.sims.images.images import EXAMPLES, read_image, write_image
from untrained.sims.images.scores import score
from untrained.sims.operators import OPERATORS, operator_from_spec
from untrained.sims.recovery import methods, recover
from untrained.sims.runtime import DEVICES

ROOT = Path(__file__).parents[2]
SMALL = ("--set", "steps=12", "--set", 'network_options={"width": 4, "latent": 4}')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with a photograph of 8 x 8 pixels in it."""
    monkeypatch.chdir(tmp_path)
    write_image("photo.png", an_image())
    return tmp_path


def an_image(channels=1, side=8):
    pixels = np.random.default_rng(7).integers(0, 256, (channels, side, side))
    return torch.from_numpy((pixels / 127.5 - 1).astype(np.float32))


@pytest.fixture
def run(folder, untrained):
    return untrained


@pytest.fixture
def measured(run):
    assert run("measure", "photo.png", "--m", 40, "-o", "y.npz").returncode == 0
    return "y.npz"


def files():
    return sorted(path.name for path in Path().iterdir())


def told(ended):
    """The one sentence on standard error."""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("untrained: ")
    return line.removeprefix("untrained: ")


def test_measure_says_what_it_measured(run):
    ended = run("measure", "photo.png", "--operator", "dct", "--m", 16, "--noise", 0.1, "--seed", 5, "-o", "y.npz")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    fingerprint = rows.pop("fingerprint")
    assert rows == {"operator": "dct", "n": "64", "m": "16", "m/n": "0.25", "file": "y.npz"}
    assert len(fingerprint) == 64
    assert files() == ["photo.png", "y.npz"]


@pytest.mark.parametrize(
    ("operator", "share", "m"), [("gaussian", "25%", 48), ("dct", "0.01", 2), ("inpainting", "0.25", 48)]
)
def test_a_share_counts_the_pixels_of_all_channels(run, operator, share, m):
    write_image("colours.png", an_image(3))
    ended = run("measure", "colours.png", "--operator", operator, "--m", share, "-o", "y.npz")
    rows = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    assert (rows["n"], rows["m"]) == ("192", str(m))


def test_the_measurement_file_does_not_hold_the_image(run, measured):
    with np.load(measured) as held:
        assert sorted(held.files) == ["checksum", "format", "kind", "noise", "spec", "y"]
        assert held["y"].shape == (40,)


@pytest.mark.parametrize(
    "options", [("--operator", "fourier-radial", "--lines", 3), ("--operator", "superres", "--factor", 2)]
)
def test_operators_with_options_of_their_own(run, options):
    assert run("measure", "example:camera", "--size", "16x8", *options, "-o", "y.npz").returncode == 0
    report = reported(run, "y.npz", *SMALL)
    assert report["operator"]["options"] == {options[2].removeprefix("--"): options[3]}
    assert report["operator"]["shape"] == [1, 16, 8]


def test_several_coils_are_measured_and_recovered_in_one_command(run):
    options = ("--coils", 2, "--acceleration", 2, "--centre", 0.2, "--columns", "equispaced")
    report = reported(run, "example:camera", "--size", "16x8", "--operator", "multicoil", *options, *SMALL)
    values = {"coils": 2, "acceleration": 2.0, "centre": 0.2, "columns": "equispaced"}
    assert report["operator"]["options"] == values
    assert report["operator"]["m"] == 2 * 2 * 16 * 4


def reported(run, *arguments):
    ended = run("reconstruct", *arguments, "-o", "x.npy", "--json", "r.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(Path("r.json").read_text())


def test_reconstruct_writes_the_image_that_its_report_scores(run, measured):
    report = reported(run, measured, "--truth", "photo.png", *SMALL)
    (entry,) = report["methods"]
    scores = score(read_image("x.npy", signed=True), an_image())
    assert entry["scores"] == pytest.approx(scores, rel=1e-6)
    assert entry["settings"]["steps"] == 12
    assert entry["settings"]["network_options"] == {"width": 4, "latent": 4}
    assert (report["source"], report["truth"]) == ("y.npz", "photo.png")
    assert files() == ["photo.png", "r.json", "x.npy", "y.npz"]


NET = """
from torch import nn
def make():
    return nn.Sequential(nn.Linear(4, 64), nn.Tanh()), (1, 4)
def narrow():
    return nn.Linear(4, 63), (1, 4)
"""


def test_a_network_of_the_users_own_recovers_and_learns(run, measured):
    Path("net.py").write_text(NET)
    report = reported(run, measured, "--network", "net.py:make", "--preset", "fast", "--set", "steps=12")
    settings = report["methods"][0]["settings"]
    assert (settings["network"], settings["network_options"], settings["steps"]) == ("net.py:make", {}, 12)
    named = reported(run, measured, "--network", "decoder@width=4,latent=6", "--set", "steps=12")
    plain = reported(
        run, measured, "--set", "network=decoder", *SMALL[2:], "--set", "network_options.latent=6", *SMALL[:2]
    )
    assert named["methods"][0]["misfit"] == plain["methods"][0]["misfit"]
    ended = run("learn-prior", measured, "--network", "net.py:make", "--set", "steps=12", "-o", "p.npz")
    assert ended.stdout.startswith("1 layers, from 1 measurements")
    ended = run("reconstruct", measured, "--network", "net.py:narrow", "-o", "x.npy")
    assert told(ended).endswith("must give images of the operator's shape (1, 8, 8), got an output of shape (1, 63)")


def test_a_network_chosen_by_set_leaves_the_preset_s_options(run, measured):
    words = ("--preset", "fast", "--set", "steps=12")
    chosen = reported(run, measured, *words, "--network", "deep-decoder")["methods"][0]
    by_set = reported(run, measured, *words, "--set", "network=deep-decoder")["methods"][0]
    assert {**chosen, "seconds": 0} == {**by_set, "seconds": 0}


def test_settings_are_listed_without_a_source(run):
    ended = run("reconstruct", "--list-settings", "csdip")
    title, head, *rows = ended.stdout.rstrip().splitlines()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert title.startswith("csdip: an untrained network")
    assert head.split()[:5] == ["setting", "type", "default", "(paper)", "fast"]
    assert [row.split()[0] for row in rows if row[0] != " "] == list(methods.known_settings("csdip"))
    both = run("reconstruct", "--list-settings", "--compare", "tv,damp").stdout.splitlines()
    assert [line.split(":")[0] for line in both if line.startswith(("tv:", "damp:"))] == ["tv", "damp"]
    assert run("reconstruct", "--list-settings").stdout.count("what it is") == len(methods.METHODS)


def test_the_table_shows_the_numbers_of_the_report(run, measured):
    ended = run("reconstruct", measured, "--truth", "photo.png", *SMALL, "-o", "x.png", "--json", "r.json")
    head, row = ended.stdout.splitlines()
    (entry,) = json.loads(Path("r.json").read_text())["methods"]
    assert head.split() == ["method", "MSE", "PSNR", "SSIM", "misfit", "steps", "seconds", "outcome"]
    scores, misfit = entry["scores"], entry["misfit"]
    cells = [f"{scores['mse']:.4g}", f"{scores['psnr']:.2f}", f"{scores['ssim']:.3f}", f"{misfit:.3g}"]
    assert row.split()[:5] == ["csdip", *cells]


def test_measuring_and_reconstructing_in_one_go_gives_the_same(run, measured):
    apart = reported(run, measured, "--truth", "photo.png", *SMALL)
    at_once = reported(run, "photo.png", "--operator", "gaussian", "--m", 40, *SMALL)
    for report in (apart, at_once):
        del report["methods"][0]["seconds"]
    assert apart["measurement"] == at_once["measurement"]
    assert apart["methods"] == at_once["methods"]


def test_the_seed_decides(run, measured):
    def image(seed):
        assert run("reconstruct", measured, *SMALL, "--seed", seed, "-o", "x.npy").returncode == 0
        return Path("x.npy").read_bytes()

    assert image(1) == image(1)
    assert image(1) != image(2)


def test_compare_draws_all_and_saves_each(run, measured, monkeypatch):
    again = methods.Method("again", "csdip by another name", "csdip", "CSDIPSettings")
    monkeypatch.setitem(methods.METHODS, "again", again)
    options = ("--truth", "photo.png", "--folder", "each", "--set", "again.steps=3", "--json", "r.json")
    ended = run("reconstruct", measured, "--compare", "csdip, again", *SMALL, *options, "-o", "all.png")
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(Path("r.json").read_text())
    assert [(e["method"], e["settings"]["steps"]) for e in report["methods"]] == [("csdip", 12), ("again", 3)]
    assert sorted(path.name for path in Path("each").iterdir()) == ["again.npy", "again.png", "csdip.npy", "csdip.png"]
    with Image.open("all.png") as picture:
        assert min(picture.size) > 200
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["method", "csdip", "again"]


def test_a_folder_is_enough_for_what_comes_out(run, measured):
    ended = run("reconstruct", measured, *SMALL, "--folder", "alone")
    assert (ended.returncode, sorted(path.name for path in Path("alone").iterdir())) == (0, ["csdip.npy", "csdip.png"])


def test_threads_are_set_and_told(run, measured):
    before = torch.get_num_threads()
    try:
        assert reported(run, measured, *SMALL, "--threads", 2)["threads"] == 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_progress_is_shown_on_a_terminal_and_wiped_off(run, measured, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    ended = run("reconstruct", measured, *SMALL, "-o", "x.png")
    assert ended.returncode == 0
    assert "csdip" in ended.stderr
    assert "12/12" in ended.stderr
    assert "loss" in ended.stderr
    assert ended.stderr.rstrip("\r\n").endswith("\x1b[2K")


def bomb(path, side):
    """A PNG of a few bytes that says it has side x side pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def not_a_measurement(path, **changes):
    """A file like a measurement's, with other content."""
    with np.load("y.npz") as held:
        np.savez(path, **{**dict(held), **changes})


def an_idx_file(count=20, side=8):
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)
    Path("x.idx").write_bytes(struct.pack(">IIII", 0x803, *pixels.shape) + pixels.tobytes())
    return "x.idx"


@pytest.fixture
def odd_files(measured):
    """Files of every kind that nobody wants."""
    Path("text.png").write_text("this is no image")
    Path("empty.png").touch()
    Path("torn.png").write_bytes(Path("photo.png").read_bytes()[:60])
    Path("empty.npz").touch()
    Path("torn.npz").write_bytes(Path("y.npz").read_bytes()[:300])
    Path("text.npz").write_text("this is no measurement")
    Path("folder.png").mkdir()
    bomb("bomb.png", 60_000)
    an_idx_file()
    not_a_measurement("nan.npz", y=np.full(40, np.nan, dtype=np.float32))
    not_a_measurement("changed.npz", y=np.ones(40, dtype=np.float32))
    not_a_measurement("other.npz", kind="untrained learned prior")
    write_image("wide.png", an_image(side=9))
    write_image("tiny.png", an_image(side=4))


IMAGE = ("reconstruct", "photo.png", "-o", "x.png")
FILE = ("reconstruct", "y.npz", "-o", "x.png")
HERE = ("--operator", "gaussian", "--m", 40)
REFUSED = {
    "no image": (("measure", "text.png", "--m", 4, "-o", "z.npz"), "text.png, which is none"),
    "an empty image": (("measure", "empty.png", "--m", 4, "-o", "z.npz"), "got the empty empty.png"),
    "a torn image": (("measure", "torn.png", "--m", 4, "-o", "z.npz"), "torn.png"),
    "a decompression bomb": (("measure", "bomb.png", "--m", 4, "-o", "z.npz"), "pixels"),
    "a missing image": (("measure", "absent.png", "--m", 4, "-o", "z.npz"), "must name a file that exists"),
    "a folder for an image": (("measure", "folder.png", "--m", 4, "-o", "z.npz"), "regular file"),
    "an unknown example": (("measure", "example:lena", "--m", 4, "-o", "z.npz"), "got 'lena'"),
    "more measurements than pixels": (("measure", "photo.png", "--m", 65, "-o", "z.npz"), "between 1 and 64, got 65"),
    "no measurements": (("measure", "photo.png", "--m", 0, "-o", "z.npz"), "between 1 and 64, got 0"),
    "fewer than no measurements": (("measure", "photo.png", "--m", -3, "-o", "z.npz"), "between 1 and 64, got -3"),
    "an m that is left out": (("measure", "photo.png", "-o", "z.npz"), "m must be given for gaussian"),
    "an m that is no number": (("measure", "photo.png", "--m", "x", "-o", "z.npz"), "'--m'"),
    "a share above one": (("measure", "photo.png", "--m", "150%", "-o", "z.npz"), "or a share above 0 and below 1"),
    "a share for lines": (
        ("measure", "photo.png", "--operator", "fourier-radial", "--lines", 2, "--m", "0.1", "-o", "z.npz"),
        "--m must be left out for fourier-radial",
    ),
    "negative noise": (("measure", "photo.png", "--m", 4, "--noise", -1, "-o", "z.npz"), "noise must be"),
    "noise that is no number": (("measure", "photo.png", "--m", 4, "--noise", "nan", "-o", "z.npz"), "noise must be"),
    "a negative seed": (
        ("measure", "photo.png", "--m", 4, "--seed", -1, "-o", "z.npz"),
        "non-negative integer, got -1",
    ),
    "an unknown operator": (("measure", "photo.png", "--operator", "fft", "--m", 4, "-o", "z.npz"), "got 'fft'"),
    "coils without an acceleration": (
        ("measure", "photo.png", "--operator", "multicoil", "--coils", 2, "-o", "z.npz"),
        "--acceleration must be given for multicoil",
    ),
    "an option of another operator": (
        ("measure", "photo.png", "--m", 4, "--lines", 3, "-o", "z.npz"),
        "given with --lines",
    ),
    "a size that is none": (("measure", "photo.png", "--m", 4, "--size", "8by8", "-o", "z.npz"), "N or HxW"),
    "a measurement file of another kind": (("measure", "photo.png", "--m", 4, "-o", "z.txt"), "must end in .npz"),
    "no output": (("measure", "photo.png", "--m", 4), "'--out'"),
    "an operator beyond all memory": (
        ("measure", "example:camera", "--size", 1500, "--m", 2_000_000, "-o", "z.npz"),
        "gaussian-seeded",
    ),
    "measurements that are no numbers": (("reconstruct", "nan.npz", "-o", "x.png"), "nan.npz"),
    "measurements that were changed": (("reconstruct", "changed.npz", "-o", "x.png"), "checksum"),
    "a file of another kind": (("reconstruct", "other.npz", "-o", "x.png"), "must be an untrained measurement"),
    "an empty measurement file": (("reconstruct", "empty.npz", "-o", "x.png"), "got the empty empty.npz"),
    "a torn measurement file": (("reconstruct", "torn.npz", "-o", "x.png"), "torn.npz"),
    "a text for a measurement file": (("reconstruct", "text.npz", "-o", "x.png"), "text.npz"),
    "a missing measurement file": (("reconstruct", "absent.npz", "-o", "x.png"), "must name a file that exists"),
    "a truth of another shape": ((*FILE, "--truth", "wide.png"), "shape measured, (1, 8, 8), got (1, 9, 9)"),
    "a truth that is none": ((*FILE, "--truth", "text.png"), "which is none"),
    "a truth for an image": ((*IMAGE, *HERE, "--truth", "photo.png"), "--truth is for a measurement file"),
    "an image without an operator": (IMAGE, "--operator and --m must be given to measure an image"),
    "an operator for a measurement file": ((*FILE, "--operator", "dct"), "--operator is for an image"),
    "noise for a measurement file": ((*FILE, "--noise", 0), "--noise is for an image"),
    "an image too small for the network": (
        ("reconstruct", "tiny.png", "-o", "x.png", "--operator", "dct", "--m", 4),
        "4x4",
    ),
    "an unknown method": ((*FILE, "--method", "dip"), "one of mixture, csdip, lasso-dct"),
    "an unknown method to compare": ((*FILE, "--compare", "csdip,dip"), "one of mixture, csdip, lasso-dct"),
    "a method twice": ((*FILE, "--compare", "csdip,csdip"), "named once each"),
    "nothing to compare": ((*FILE, "--compare", ""), "got ''"),
    "one method and several": ((*FILE, "--method", "tv", "--compare", "tv"), "must not be given both"),
    "an unknown preset": (
        (*FILE, "--preset", "slow"),
        "--preset must be one of auto, best, fast, paper, smooth, crisp, sharp, steady, paper-under, interpolation, "
        "tv, nlm, wavelet, block-matching, got 'slow'",
    ),
    "an unknown setting": ((*FILE, "--set", "iterations=3"), "csdip (network, network_options"),
    "a setting of two meanings": (
        (*FILE[:2], "--compare", "csdip,damp", "--set", "steps=300", "-o", "x.png"),
        "steps must be given to one method, as csdip.steps=300",
    ),
    "settings of an unknown method": (("reconstruct", "--list-settings", "dip"), "one of mixture, csdip, lasso-dct"),
    "no source": (("reconstruct", "-o", "x.png"), "SOURCE must be given, or --list-settings"),
    "no output of a recovery": (("reconstruct", "y.npz"), "--out or --folder must be given, got neither"),
    "no output of pixels": (("denoise", "photo.png"), "--out or --folder must be given, got neither"),
    "a setting without a value": ((*FILE, "--set", "steps"), "KEY=VALUE, got 'steps'"),
    "a setting of another type": ((*FILE, "--set", "steps=many"), "steps must be a whole number, got 'many'"),
    "a setting out of its range": ((*FILE, "--set", "steps=0"), "steps must be at least 1, got 0"),
    "a prior that is missing": (
        (*FILE, "--set", "prior=no.npz", "--set", "prior_weight=1"),
        "must name a file that exists",
    ),
    "a rule that needs the truth": ((*FILE, "--set", "stopping=oracle"), "needs the true image"),
    "an unknown device": ((*FILE, "--device", "gpu"), "one of cpu, cuda, auto, got 'gpu'"),
    "no threads": ((*FILE, "--threads", 0), "--threads must be at least 1, got 0"),
    "an unknown kind of picture": (("reconstruct", "y.npz", "-o", "x.gif"), "must end in .png, .tif, .tiff, .npy"),
    "a picture of several as numbers": ((*FILE[:2], "--compare", "csdip", "-o", "x.npy"), "end in .png, .pdf, .svg"),
    "an output folder that is missing": (("reconstruct", "y.npz", "-o", "no/x.png"), "can be written to, got no/x.png"),
    "a folder for an output": (("reconstruct", "y.npz", "-o", "folder.png"), "must name a file in a folder"),
    "an output that is the source": (
        ("reconstruct", "photo.png", *HERE, "-o", "photo.png"),
        "must not replace what is read",
    ),
    "a report of another kind": ((*FILE, "--json", "r.txt"), "--json must end in .json"),
    "a report in a missing folder": ((*FILE, "--json", "no/r.json"), "--json must name a file"),
    "a file for a folder": ((*FILE, "--folder", "photo.png"), "--folder must name a folder"),
    "csgm without a generator": ((*FILE, "--method", "csgm"), "csgm needs the setting generator"),
    "csgm without a generator after all": ((*FILE, "--compare", "csdip,csgm"), "csgm needs the setting generator"),
    "a generator that is none": ((*FILE, "--method", "csgm", "--set", "generator=y.npz"), "generator must be a file"),
    "a generator from nothing": (("train-generator", "absent.idx", "-o", "g.npz"), "must name a file that exists"),
    "a generator from a photograph": (("train-generator", "photo.png", "-o", "g.npz"), "idx file"),
    "no epochs": (("train-generator", "x.idx", "--epochs", 0, "-o", "g.npz"), "epochs must be"),
    "a generator of another kind": (("train-generator", "x.idx", "-o", "g.pt"), "must end in .npz"),
    "a prior from nothing": (("learn-prior", "-o", "p.npz"), "FILE..."),
    "a prior from an image": (("learn-prior", "photo.png", "-o", "p.npz"), "photo.png"),
    "a prior over what it is learned from": (("learn-prior", "y.npz", "-o", "y.npz"), "must not replace what is read"),
    "a prior over that of its fits": (
        ("learn-prior", "y.npz", "--set", "prior=y2.npz", "-o", "y2.npz"),
        "must not replace what is read",
    ),
    "a weight over its prior": (("choose-weight", "p.json", "y.npz", "--json", "p.json"), "not replace what is read"),
    "a check over its target": (("check", "decoder", "--target", "p.png", "-o", "p.png"), "not replace what is read"),
    "a prior by an unknown reading": (("learn-prior", "y.npz", *SMALL, "--set", "reading=x", "-o", "p.npz"), "got 'x'"),
    "weights that are none": (("choose-weight", "p.npz", "y.npz", "--weights", "1,x"), "--weights must be numbers"),
    "a weight of no prior": (("choose-weight", "p.npz", "y.npz"), "p.npz"),
    "a weight into a picture": (("choose-weight", "p.npz", "y.npz", "--json", "w.png"), "must end in .json"),
    "a prior from restarts": (("learn-prior", "y.npz", "--set", "restarts=2", "-o", "p.npz"), "restarts must be 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_sentence_and_exit_code_two_and_leaves_no_file(run, odd_files, name):
    arguments, sentence = REFUSED[name]
    before = files()
    ended = run(*arguments)
    assert sentence in told(ended)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert files() == before


def test_cuda_that_is_absent_is_refused(run, measured, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ended = run(*FILE, "--device", "cuda")
    assert ended.returncode == 2
    assert "needs a CUDA device" in told(ended)


def test_memory_that_runs_out_is_told_with_advice(run, measured, monkeypatch):
    def recover(*arguments, **options):
        torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr("untrained.sims.recovery.csdip.recover", recover)
    ended = run(*FILE, "--method", "csdip")
    assert ended.returncode == 2
    assert "csdip must fit in memory" in told(ended)
    assert files() == ["photo.png", "y.npz"]


def test_what_can_be_refused_is_refused_before_the_long_work(run, measured, monkeypatch):
    def recover(*arguments, **options):
        raise AssertionError("recovered before the outputs were checked")

    monkeypatch.setattr("untrained.sims.recovery.csdip.recover", recover)
    for options in (("-o", "x.gif"), ("-o", "no/x.png"), ("-o", "x.png", "--json", "no/r.json")):
        assert run("reconstruct", measured, *options).returncode == 2


def interrupting(step):
    @contextmanager
    def watching(name):
        def watch(at, total, loss):
            if at >= step:
                raise KeyboardInterrupt

        yield watch

    return watching


def test_an_interrupt_writes_the_best_so_far_and_says_so(run, measured, monkeypatch):
    monkeypatch.setattr(cli.console, "progress_of", interrupting(10))
    ended = run("reconstruct", measured, *SMALL[2:], "-o", "x.npy", "--json", "r.json")
    assert ended.returncode == 130
    assert told(ended) == "interrupted in csdip; the best so far by csdip is written to r.json, x.npy"
    report = json.loads(Path("r.json").read_text())
    assert report["ended"] == "interrupted in csdip"
    assert report["methods"][0]["outcome"] == "interrupted"
    assert report["methods"][0]["steps"] <= 10
    assert read_image("x.npy", signed=True).shape == (1, 8, 8)
    assert "interrupted" in ended.stdout


def test_an_interrupt_with_nothing_found_writes_nothing(run, measured, monkeypatch):
    def recover(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("untrained.sims.recovery.csdip.recover", recover)
    ended = run("reconstruct", measured, "--method", "csdip", "-o", "x.npy", "--json", "r.json")
    assert (ended.returncode, told(ended)) == (130, "interrupted")
    assert files() == ["photo.png", "y.npz"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_or_a_termination_writes_the_best_so_far(measured, number, code):
    command = [sys.executable, "-m", "untrained", "reconstruct", measured, "--set", "steps=1000000", *SMALL[2:]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": {**os.environ, "TTY_COMPATIBLE": "1"}}
    process = subprocess.Popen([*command, "-o", "x.npy"], start_new_session=True, **pipes)
    output = b""
    while b"/1000000" not in output and process.poll() is None:
        output += os.read(process.stderr.fileno(), 4096)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.decode().splitlines()[-1].endswith("interrupted in csdip; the best so far by csdip is written to x.npy")
    assert read_image("x.npy", signed=True).shape == (1, 8, 8)


@contextmanager
def terminating(name):
    yield lambda *_: os.kill(os.getpid(), signal.SIGTERM)


def test_learning_that_is_terminated_writes_nothing(run, measured, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli.console, "progress_of", terminating)
    ended = run("learn-prior", measured, *SMALL, "-o", "p.npz")
    assert (ended.returncode, told(ended)) == (143, "interrupted")
    assert files() == ["photo.png", "y.npz"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_off_a_terminal_a_line_a_minute_is_said(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(cli.console.time, "monotonic", lambda: now[0])
    with cli.console.progress_of("csdip") as watch:
        for second in range(0, 200, 10):
            now[0] = float(second)
            watch(second, 1000, 0.5)
    assert capsys.readouterr().err.splitlines() == [
        "csdip: step 60 of 1000, loss 0.5, about 16 min left",
        "csdip: step 120 of 1000, loss 0.5, about 15 min left",
        "csdip: step 180 of 1000, loss 0.5, about 14 min left",
    ]
    assert [cli.console.duration(seconds) for seconds in (8, 99, 100, 7000)] == ["8 s", "99 s", "2 min", "1.9 h"]


def test_the_time_left_is_of_the_fit_that_goes_on(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(cli.console.time, "monotonic", lambda: now[0])
    with cli.console.progress_of("mixture") as watch:
        for second, step in [(50.0, 400), (55.0, 1), (60.0, 6)]:
            now[0] = second
            watch(step, 26, 0.5)
    assert capsys.readouterr().err == "mixture: step 6 of 26, loss 0.5, about 20 s left\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_while_files_are_written_waits_for_them(run, measured, monkeypatch, number, code):
    def report(*arguments):
        os.kill(os.getpid(), number)
        return original(*arguments)

    original = recover.run_report
    monkeypatch.setattr(recover, "run_report", report)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    ended = run("reconstruct", measured, "--method", "tv", "-o", "x.npy", "--json", "r.json")
    assert (ended.returncode, told(ended)) == (code, "interrupted")
    assert json.loads(Path("r.json").read_text())["ended"] is None
    assert files() == ["photo.png", "r.json", "x.npy", "y.npz"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_weights_whose_fits_diverged_are_said_and_kept(run, measured):
    assert run("learn-prior", measured, *SMALL, "-o", "p.npz").returncode == 0
    ended = run("choose-weight", "p.npz", measured, *SMALL, "--weights", "0,1e300", "--json", "w.json")
    assert ended.returncode == 0
    assert "1e+300     diverged\nuse it with --set prior=p.npz --set prior_weight=0\n" in ended.stdout
    assert json.loads(Path("w.json").read_text())["misfits"]["1e+300"] is None


def test_a_method_that_refuses_late_does_not_lose_the_others(run, measured, monkeypatch):
    monkeypatch.setitem(methods.METHODS, "late", methods.Method("late", "refuses", "csdip", "CSDIPSettings"))
    ended = run(
        "reconstruct", measured, "--compare", "csdip,late", *SMALL, "--set", "late.stopping=oracle", "-o", "x.png"
    )
    assert ended.returncode == 2
    assert "late: stopping by the oracle needs the true image" in told(ended)
    assert "what came before, by csdip, is written to x.png" in told(ended)
    assert Path("x.png").is_file()


def test_a_generator_is_trained_and_used(run, measured):
    def trained(seed):
        options = ("--epochs", 2, "--latent", 3, "--seed", seed, "-o", "g.npz")
        ended = run("train-generator", an_idx_file(), "--skip", 5, *options)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "a generator of 1x8x8 pixels, from 15 images, in g.npz\n"
        return Path("g.npz").read_bytes()

    assert trained(1) != trained(2) == trained(2)
    report = reported(run, measured, "--method", "csgm", "--set", "generator=g.npz", "--set", "steps=5")
    assert (report["methods"][0]["method"], report["methods"][0]["settings"]["generator"]) == ("csgm", "g.npz")


def test_training_that_is_interrupted_writes_nothing(run, folder, monkeypatch):
    monkeypatch.setattr(cli.console, "progress_of", interrupting(3))
    ended = run("train-generator", an_idx_file(), "--epochs", 50, "-o", "g.npz")
    assert (ended.returncode, told(ended)) == (130, "interrupted")
    assert files() == ["photo.png", "x.idx"]


def test_every_method_recovers_from_the_same_file(run, measured):
    assert run("train-generator", an_idx_file(), "--epochs", 1, "-o", "g.npz").returncode == 0
    of_every_pixel = ("non-local-means", "block-matching", "noisy", "bm3d")
    others = ("net-gd-phase", "net-pgd-phase", "amplitude-flow", "sparta", *of_every_pixel)
    names = [name for name in methods.METHODS if name not in others]
    words = [
        "csdip.steps=5",
        f"csdip.{SMALL[3]}",
        "damp.steps=3",
        "csgm.generator=g.npz",
        "csgm.steps=5",
        "net-gd.steps=5",
        "conv-decoder.steps=5",
        "conv-decoder.network_options.channels=4",
    ]
    words += ["net-pgd.steps=3", "net-gd.network_options.widths=4-3", "net-pgd.network_options.widths=4-3"]
    settings = [part for word in words for part in ("--set", word)]
    options = ("--truth", "photo.png", "--folder", "each", "--json", "r.json", *settings)
    ended = run("reconstruct", measured, "--compare", ",".join(names), *options, "-o", "all.png")
    told_each_minute = re.compile(r"\S+: step \d+ of \d+, loss .*")
    assert (ended.returncode, [w for w in ended.stderr.splitlines() if not told_each_minute.fullmatch(w)]) == (0, [])
    entries = json.loads(Path("r.json").read_text())["methods"]
    assert [entry["method"] for entry in entries] == names
    with np.load(measured) as held:
        y = torch.from_numpy(held["y"])
    operator = operator_from_spec(json.loads(Path("r.json").read_text())["operator"])
    for entry in entries:
        image = torch.from_numpy(np.load(f"each/{entry['method']}.npy"))
        assert entry["scores"] == pytest.approx(score(image, an_image()), rel=1e-6)
        assert entry["misfit"] == pytest.approx(float((operator.forward(image) - y).square().sum()), rel=1e-3, abs=1e-9)
        assert entry["seconds"] > 0


def test_a_prior_is_learned_from_measurements_and_used(run, measured):
    assert run("measure", "photo.png", "--m", 30, "--seed", 1, "-o", "z.npz").returncode == 0
    ended = run("learn-prior", "y.npz", "z.npz", *SMALL, "--set", "samples=50", "-o", "prior.npz")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "from 2 measurements" in ended.stdout
    plain = reported(run, measured, *SMALL)
    report = reported(run, measured, *SMALL, "--set", "prior=prior.npz", "--set", "prior_weight=100")
    assert report["methods"][0]["settings"]["prior"] == "prior.npz"
    assert report["methods"][0]["misfit"] != plain["methods"][0]["misfit"]


def test_a_prior_is_the_same_for_the_same_seed(run, measured):
    def learned(seed):
        assert run("learn-prior", "y.npz", *SMALL, "--seed", seed, "-o", "prior.npz").returncode == 0
        return Path("prior.npz").read_bytes()

    assert learned(1) == learned(1)
    assert learned(1) != learned(2)


def test_the_weight_of_a_prior_is_chosen_and_written(run, measured):
    assert run("learn-prior", "y.npz", *SMALL, "-o", "prior.npz").returncode == 0
    ended = run("choose-weight", "prior.npz", "y.npz", *SMALL, "--weights", "0,10", "--json", "chosen.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    told_of = json.loads(Path("chosen.json").read_text())
    assert list(told_of["misfits"]) == ["0.0", "10.0"]
    assert f"--set prior_weight={told_of['weight']:g}" in ended.stdout
    assert told_of["misfits"][str(told_of["weight"])] == min(told_of["misfits"].values())


def test_what_a_fit_will_take_is_said_before_it_starts(run, measured, monkeypatch):
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)
    ended = run(*FILE, *SMALL)
    assert re.search(r"^csdip: about [0-9.e-]+ s and [0-9.e-]+ GB$", ended.stderr, re.MULTILINE)


@pytest.mark.parametrize("command", ["measure", "reconstruct", "learn-prior"])
def test_help_names_what_there_is(run, command):
    """The words of the help stand in the source, so that help loads no library."""
    text = " ".join(run(command, "--help").stdout.split()).replace("- ", "-")
    presets = {name for method in methods.METHODS.values() for name in method.presets()}
    wanted = {
        "measure": OPERATORS,
        "reconstruct": (*OPERATORS, *methods.METHODS, *presets, *DEVICES),
        "learn-prior": DEVICES,
    }
    assert [name for name in wanted[command] if name not in text] == []


def test_the_example_of_the_help_is_one():
    assert "camera" in EXAMPLES
