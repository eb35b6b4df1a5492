"""Operators, matrices, masks and measurements of a user's own on the command line."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import io, sparse

from untrained.sims.images.images import write_image
from untrained.sims.images.scores import score
from untrained.sims.operators import inpainting
from untrained.sims.operators.coils import coil_sensitivities
from untrained.sims.operators.own_files import read_matrix, read_measurements

X = (np.random.default_rng(7).integers(0, 256, (1, 8, 8)) / 127.5 - 1).astype(np.float32)
A = np.random.default_rng(0).standard_normal((40, 64)) / 6
S = sparse.csr_array(np.where(np.abs(A) > 0.1, A, 0))
C = A * np.exp(1j * np.random.default_rng(1).uniform(0, 7, A.shape))

OPERATOR = """
import sys
import numpy as np
import torch

class EveryOtherRow:
    def __init__(self, shape):
        self.shape = shape
    def forward(self, x):
        return x[:, ::2].ravel()
    def adjoint(self, y):
        x = np.zeros(self.shape, y.dtype)
        x[:, ::2] = y.reshape(x[:, ::2].shape)
        return x

def make(shape):
    return EveryOtherRow(shape)

def nothing(shape):
    return 3

def broken(shape):
    raise RuntimeError("no detector")

def ends(shape):
    sys.exit(0)

class Late(EveryOtherRow):
    calls = 0
    def forward(self, x):
        self.calls += 1
        if self.calls > 60:
            sys.exit(0)
        return super().forward(x)

def ends_late(shape):
    return Late(shape)

def double(shape):
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(5)
    return EveryOtherRow(shape)
"""


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    write_image("photo.png", torch.from_numpy(X))
    Path("own.py").write_text(OPERATOR)
    return untrained


def reported(run, *arguments):
    ended = run("reconstruct", *arguments, "--method", "tv", "-o", "x.npy", "--json", "r.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(Path("r.json").read_text())


def save_csv(name, y):
    np.savetxt(name, y, delimiter=",")


def pairs(y):
    return np.stack([y.real, y.imag], -1)


SOURCES = {
    "npy": (lambda: (np.save("A.npy", A), np.save("y.npy", A @ X.ravel())), "y.npy --matrix A.npy", A),
    "column": (lambda: (np.save("A.npy", A), np.save("y.npy", A @ X.reshape(64, 1))), "y.npy --matrix A.npy", A),
    "both": (lambda: np.savez("yA.npz", y=A @ X.ravel(), A=A), "yA.npz", A),
    "kind": (lambda: np.savez("yA.npz", y=A @ X.ravel(), A=A, kind="MR"), "yA.npz", A),
    "y of npz": (lambda: (np.savez("y.npz", y=A @ X.ravel()), np.savez("B.npz", B=A)), "y.npz --matrix B.npz", A),
    "one of npz": (lambda: (np.savez("y.npz", A @ X.ravel()), np.save("A.npy", A)), "y.npz --matrix A.npy", A),
    "csv": (lambda: (sparse.save_npz("S.npz", S), save_csv("y.csv", S @ X.ravel())), "y.csv --matrix S.npz", S),
    "row": (lambda: (io.mmwrite("S.mtx", S), save_csv("y.csv", (S @ X.ravel())[None])), "y.csv --matrix S.mtx", S),
    "complex": (lambda: (np.save("C.npy", C), np.save("y.npy", C @ X.ravel())), "y.npy --matrix C.npy", C),
    "pairs": (lambda: (np.save("C.npy", C), np.save("y.npy", pairs(C @ X.ravel()))), "y.npy --matrix C.npy", C),
    "pairs csv": (lambda: (np.save("C.npy", C), save_csv("y.csv", pairs(C @ X.ravel()))), "y.csv --matrix C.npy", C),
    "complex csv": (lambda: (np.save("C.npy", C), save_csv("y.csv", C @ X.ravel())), "y.csv --matrix C.npy", C),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_measurements_of_ones_own_are_recovered_from(run, kind):
    prepare, words, matrix = SOURCES[kind]
    prepare()
    report = reported(run, *words.split(), "--shape", "8x8", "--truth", "photo.png")
    image = np.load("x.npy")
    r = matrix @ image.ravel() - matrix @ X.ravel()
    (entry,) = report["methods"]
    # Of y in float32, the residual of 40 entries of order one.
    assert entry["misfit"] == pytest.approx(float((np.abs(r) ** 2).sum()), rel=1e-2, abs=1e-10)
    assert entry["scores"] == pytest.approx(score(torch.from_numpy(image), torch.from_numpy(X)), rel=1e-6)
    assert report["operator"]["from"].endswith(words.split()[-1])


def test_an_image_is_measured_by_ones_own_operator_and_recovered_apart_or_at_once(run):
    own = ("--operator", "own.py:make")
    ended = run("measure", "photo.png", *own, "-o", "y.npy")
    assert (ended.returncode, ended.stderr) == (0, "")
    np.testing.assert_allclose(np.load("y.npy"), X[:, ::2].ravel(), atol=1e-6)
    apart = reported(run, "y.npy", *own, "--shape", "8x8", "--truth", "photo.png")
    at_once = reported(run, "photo.png", *own)
    assert apart["methods"][0]["misfit"] == at_once["methods"][0]["misfit"]
    assert apart["operator"]["fingerprint"] == at_once["operator"]["fingerprint"]
    assert apart["operator"]["from"] == "own.py:make"


def test_a_mask_of_ones_own_is_measured_by_and_comes_back_from_the_measurement_file(run):
    mask = np.random.default_rng(3).random((8, 8)) < 0.5
    np.save("mask.npy", mask)
    assert run("measure", "photo.png", "--operator", "inpainting", "--mask", "mask.npy", "-o", "y.npz").returncode == 0
    assert reported(run, "y.npz")["operator"]["fingerprint"] == inpainting((1, 8, 8), mask=mask).fingerprint()


def test_y_of_an_operator_by_name_is_taken(run):
    mask = np.eye(8, dtype=np.uint8) + np.eye(8, k=1, dtype=np.uint8)
    np.save("mask.npy", mask * 255)
    np.save("y.npy", X[:, mask > 0].ravel())
    assert run("reconstruct", "y.npy", "--operator", "inpainting", "--mask", "mask.npy", "--shape", "8x8",
               "--method", "tv", "-o", "x.png").returncode == 0  # fmt: skip


def test_k_space_with_a_mask_and_coil_maps_of_ones_own_is_recovered_from(run):
    maps = 3 * coil_sensitivities(2, 8, 8)
    axes = (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(maps * X, axes), norm="ortho"), axes)
    np.save("columns.npy", np.arange(8) % 4 > 0)
    np.save("maps.npy", maps)
    np.save("k.npy", k * (np.arange(8) % 4 > 0))
    own = ("--operator", "fourier-cartesian", "--mask", "columns.npy", "--coil-maps", "maps.npy")
    report = reported(run, "k.npy", *own, "--shape", "8x8", "--truth", "photo.png")
    assert report["operator"]["coefficients"] == 2 * 48
    # More complex numbers than pixels determine the image.
    assert report["methods"][0]["scores"]["mse"] < 1e-3
    ended = run("measure", "photo.png", *own, "-o", "y.npz")
    assert ended.stderr.startswith("untrained: --out must end in .npy for your own operator or maps, which no")


def test_y_of_another_scale_is_said_and_can_be_told(run):
    np.save("A.npy", A)
    np.save("y.npy", A @ ((X.ravel() + 1) * 127.5))
    own = ("y.npy", "--matrix", "A.npy", "--shape", "8x8")
    ended = run("reconstruct", *own, "--method", "tv", "-o", "x.npy", "--json", "r.json")
    assert ended.returncode == 0
    assert ended.stderr.startswith("tv: no image on [-1, 1] has this y, which is ")
    assert "(--pixels LOW:HIGH)" in ended.stderr
    assert json.loads(Path("r.json").read_text())["methods"][0]["warning"] in ended.stderr
    entry = reported(run, *own, "--pixels", "0:255")["methods"][0]
    np.save("y.npy", A @ X.ravel())
    assert entry["misfit"] == pytest.approx(reported(run, *own)["methods"][0]["misfit"], rel=1e-2)


REFUSED = {
    "y.npy --matrix A.npy": "--shape must be given with measurements y, the image's HxW or CxHxW, got none for y.npy",
    "y.npy --shape 8x8": "--operator or --matrix must be given with measurements y, got neither for y.npy",
    "y.npy --matrix A.npy --shape 8x8 --pixels 1:0":
        "--pixels must be LOW:HIGH, two increasing numbers such as 0:255, got '1:0'",
    "photo.png --matrix A.npy --pixels 0:1":
        "--pixels is for measurements y with a --shape, got it for the image photo.png",
    "y.npy --matrix A.npy --shape 8": "--shape must be HxW or CxHxW in pixels, got '8'",
    "y.npy --matrix A.npy --shape 2x8x8": "--shape must be (1 or 3, height, width), got [2, 8, 8]",
    "y.npy --matrix A.npy --shape 4x8": "A.npy: operator must have 32 columns for images of shape (1, 4, 8), got 64",
    "y.npy --matrix A.txt --shape 8x8": "--matrix must be in a file that ends in .npy, .npz, .mtx, got A.txt",
    "y.npy --matrix y.npy --shape 8x8": "--matrix must have two dimensions, got shape (40,) in y.npy",
    "y.npy --matrix none.npy --shape 8x8": "path must name a file that exists, got 'none.npy'",
    "y.npy --matrix A.npy --operator dct --shape 8x8":
        "--operator must be left out where matrix is given, got 'dct' and 'A.npy'",
    "y.npy --operator own.py:broken --shape 8x8":
        "own.py:broken must make an operator, got RuntimeError: no detector (line 23)",
    "y.npy --operator own.py:ends --shape 8x8": "own.py:ends must make an operator, got SystemExit: 0 (line 26)",
    "photo.png --operator own.py:ends_late":
        "forward of the user's operator must run without error, got SystemExit: 0 (line 33)",
    "y.npy --operator own.py:nothing --shape 8x8":
        "own.py:nothing: operator must have a method forward, got int without it",
    "y.npy --operator own.py:absent --shape 8x8":
        "factory must be a function in own.py (which has EveryOtherRow, make, nothing, broken, ends, Late, ends_late, "
        "double), got 'absent'",
    "y.npy --operator none.py:make --shape 8x8":
        "--operator must be FILE.py:FACTORY of a file that exists, got 'none.py:make'",
    "y.npy --operator own.py:make --shape 8x8": "y must have the operator's 32 entries, got 40 in y.npy",
    "y.npy --operator own.py:make --shape 8x8 --lines 3":
        "--lines is for operators by name, got it for one of your own",
    "nan.npy --matrix A.npy --shape 8x8": "y must be finite, got NaN or infinity in 1 of its entries",
    "words.csv --matrix A.npy --shape 8x8": "y must be numbers, got 'one' in line 1 of words.csv",
    "table.csv --matrix A.npy --shape 8x8":
        "y must be real where A x is, for the operator user, got complex numbers in table.csv (two columns of text are",
    "upper.npz --matrix A.npy --shape 8x8": "y must be an array called y, got Y, A in upper.npz",
    "upper.npz": "y must be an array called y, got Y, A in upper.npz",
    "several.npz --matrix A.npy --shape 8x8": "y must be an array called y, got meas, more in several.npz",
    "photo.png --matrix A.npy --task denoise --sigma 5":
        "--matrix is for the task sense, got it for denoise, which sees",
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_missing_or_wrong_is_told_in_a_sentence(run, words):
    np.save("A.npy", A)
    Path("A.txt").write_text("1")
    np.save("y.npy", A @ X.ravel())
    np.save("nan.npy", np.where(np.arange(40) == 3, np.nan, 1))
    np.savez("upper.npz", Y=A @ X.ravel(), A=A)
    np.savez("several.npz", meas=A @ X.ravel(), more=0)
    Path("words.csv").write_text("one,two\n")
    Path("table.csv").write_text("".join(f"{i},{value}\n" for i, value in enumerate(A @ X.ravel())))
    ended = run("reconstruct", *words.split(), "--method", "tv", "-o", "x.png")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"untrained: {REFUSED[words]}")
    assert not Path("x.png").exists()


def test_what_a_factory_sets_for_all_of_torch_is_put_back(run):
    state = torch.random.get_rng_state()
    short = "--method", "csdip", "--preset", "fast", "--set", "steps=2", "-o", "x.png"
    ended = run("reconstruct", "photo.png", "--operator", "own.py:double", *short)
    assert (ended.returncode, torch.get_default_dtype()) == (0, torch.float32)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("calls", "message"), [(0, "net.py:net must accept a latent"), (50, "net.py must let the run")]
)
def test_an_exit_anywhere_in_code_of_ones_own_is_no_success(run, calls, message):
    Path("net.py").write_text(
        "import sys, torch\n"
        "calls = []\n"
        "class Net(torch.nn.Linear):\n"
        "    def forward(self, z):\n"
        "        calls.append(1)\n"
        f"        if len(calls) > {calls}:\n"
        "            sys.exit(0)\n"
        "        return super().forward(z).reshape(1, 1, 8, 8)\n"
        "def net():\n"
        "    return Net(3, 64), torch.ones(1, 3)\n"
    )
    ended = run("reconstruct", "photo.png", "--operator", "dct", "--m", "20", "--network", "net.py:net", "-o", "x.png")
    assert (ended.returncode, Path("x.png").exists()) == (2, False)
    assert f"untrained: {message}" in ended.stderr.splitlines()[-1]
    assert "got SystemExit: 0" in ended.stderr.splitlines()[-1]


def test_a_measurement_file_is_refused_for_an_operator_that_it_cannot_hold(run):
    ended = run("measure", "photo.png", "--operator", "own.py:make", "-o", "y.npz")
    assert (ended.returncode, Path("y.npz").exists()) == (2, False)
    assert "--out must end in .npy for your own operator or maps" in ended.stderr
    np.save("A.npy", A)
    ended = run("reconstruct", "photo.png", "--matrix", "A.npy", "--method", "tv", "-o", "A.npy")
    assert "the output must not replace what is read" in ended.stderr


def test_matrices_are_read_as_they_are(run):
    np.save("A.npy", A)
    np.savez("A.npz", A=A, other=1)
    sparse.save_npz("S.npz", sparse.coo_array(S))
    io.mmwrite("C.mtx", sparse.coo_array(C))
    np.testing.assert_array_equal(read_matrix("A.npy"), A)
    np.testing.assert_array_equal(read_matrix("A.npz"), A)
    assert sparse.issparse(read_matrix("S.npz"))
    np.testing.assert_allclose(read_matrix("C.mtx").toarray(), C, rtol=1e-14)


TEXTS = {
    "1\n\n2\n-3e1\n": [1, 2, -30],
    "1, 2, 3": [1, 2, 3],
    "1 2\t3\n": [1, 2, 3],
    "\ufeff1+2j\n(3-4j)\n 5\n": [1 + 2j, 3 - 4j, 5],
    "1, 2\n3 4\n": [1 + 2j, 3 + 4j],
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_a_row_or_a_column_of_numbers_or_two_of_their_parts(tmp_path, text):
    (tmp_path / "y.csv").write_text(text, encoding="utf-8")
    assert read_measurements(str(tmp_path / "y.csv")).tolist() == TEXTS[text]


SHAPES = "one row or one column of numbers, or two columns of real and imaginary parts"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,,3", "y must be numbers, got an empty cell in line 1 of"),
        ("1\n2,\n", "y must be numbers, got an empty cell in line 2 of"),
        ("re,im\n1,2\n", "y must be numbers, got 're' in line 1 of"),
        ("1\n\n1+2i\n", "y must be numbers, got '1+2i' in line 3 of"),
        ("1;2\n", "y must be numbers, got '1;2' in line 1 of"),
        (";".join(30 * ["1.5"]), f"y must be numbers, got '{';'.join(10 * ['1.5'])};…' in line 1 of"),
        ('1\n"2"\n', "y must be numbers, got '\"2\"' in line 2 of"),
        ("# y\n1\n", "y must be numbers, got '#' in line 1 of"),
        ("1\nNA\n", "y must be numbers, got 'NA' in line 2 of"),
        ("1,2,3\n4,5,6\n", f"y must be {SHAPES}, got a row of 3 in line 1 of"),
        ("1,2\n3\n", f"y must be {SHAPES}, got a row of 1 in line 2 of"),
        ("1+2j,3\n4,5\n", "y must be complex numbers, or two columns of their parts, got both in"),
    ],
)
def test_text_that_is_no_y_is_refused_by_its_line(tmp_path, text, sentence):
    path = tmp_path / "y.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{sentence} {path}')}$"):
        read_measurements(str(path))
