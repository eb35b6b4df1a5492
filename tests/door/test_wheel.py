"""What is installed: one package and nothing beside it."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from setuptools import build_meta

ROOT = Path(__file__).parents[2]
TAKEN = ("theory", "sims", "figures", "untrained", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The sources alone, links and all, so that building leaves nothing behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in TAKEN:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def build(kind, source, folder):
    """Build in a process of its own: setuptools changes what it is loaded into."""
    script = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(folder)!r}))"
    options = {"cwd": source, "capture_output": True, "text": True, "env": {**os.environ, "PYTHONPATH": ""}}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False, **options)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip().splitlines()[-1]


def names_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_one_package(source, tmp_path):
    names = names_of(build("wheel", source, tmp_path))
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"untrained"}
    modules = {
        f"untrained/{path.relative_to(ROOT).as_posix()}"
        for room in ("theory", "sims", "figures")
        for pattern in ("*.py", "*.json", "*.html", "*.css", "*.js")
        for path in (ROOT / room).rglob(pattern)
    }
    assert modules <= names
    assert {"untrained/py.typed", "untrained/__main__.py", "untrained/cli/__init__.py"} <= names


def test_a_wheel_from_the_archive_of_sources_is_the_same(source, tmp_path):
    archive = build("sdist", source, tmp_path)
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    (tmp_path / "wheel").mkdir()
    again = names_of(build("wheel", unpacked, tmp_path / "wheel"))
    assert again == names_of(build("wheel", source, tmp_path))


def test_a_user_s_own_files_do_not_stand_in_its_way(tmp_path):
    for name in ("figures", "theory", "sims", "results", "random", "numpy", "rich"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user is no part of the package')\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments in (
        ["claims", "vanveen18.sigma"],
        ["figures", "ledger"],
        ["verify", "oymak19.step.rate", "--workers", "2"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "untrained", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_build_backend_is_the_declared_one():
    assert f'build-backend = "{build_meta.__name__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
