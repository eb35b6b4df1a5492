"""The benchmark of GPUs, by its dry run on the CPU: every part of it runs, and what does not agree ends with one."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

FILE = Path(__file__).parents[2] / "benchmarks/gpu.py"
ABSENT = ("flint", "matplotlib", "rich", "typer", "skimage", "PIL", "pywt")
FEW = ("--images", "1", "--restarts", "2", "--m", "9", "--steps", "2", "--alone", "1")


@pytest.fixture
def gpu(monkeypatch):
    """The script, as if packages that a machine with a GPU need not have were missing."""
    for name in ABSENT:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location("gpu_benchmark", FILE)
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_benchmark", loaded)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def run(gpu, monkeypatch, capsys):
    def of(*words):
        monkeypatch.setattr(sys, "argv", ["gpu.py", *words])
        tf32 = torch.backends.cuda.matmul.allow_tf32
        try:
            with pytest.raises(SystemExit) as ended:
                gpu.main()
        finally:
            torch.backends.cuda.matmul.allow_tf32 = tf32
        return ended.value.code, json.loads(capsys.readouterr().out)

    return of


def test_a_dry_run_has_every_part(run):
    code, report = run("--device", "cpu", *FEW)
    assert code == 0
    assert list(report) == ["device", "torch", "verify", "spectrum", "batched", "wide", "layouts", "csdip"]
    assert "no time was left" not in report.values()
    assert report["verify"]["ok"]
    assert set(report["verify"]["fits"]) == {"csdip", "net-gd", "net-pgd", "conv-decoder"}


def test_what_does_not_agree_ends_with_one(run, gpu, monkeypatch):
    made, calls = gpu.make_operator, []

    def every_other_one_off(name, shape, m, seed=0, *places, **options):
        calls.append(name)
        return made(name, shape, m, seed + (name == "dct" and calls.count("dct") == 2), *places, **options)

    monkeypatch.setattr(gpu, "make_operator", every_other_one_off)
    code, report = run("verify", "--device", "cpu")
    rows = report["verify"]["operators"]
    assert (code, report["verify"]["ok"]) == (1, False)
    assert [name for name, row in rows.items() if not row["ok"]] == ["dct"]


def test_no_part_begins_late(run):
    code, report = run("spectrum", "--device", "cpu", "--minutes", "0")
    assert (code, report["spectrum"]) == (0, "no time was left")


def test_without_a_gpu_it_says_so(gpu, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    gpu.main()
    assert json.loads(capsys.readouterr().out) == {"skipped": "this machine has no CUDA device"}
