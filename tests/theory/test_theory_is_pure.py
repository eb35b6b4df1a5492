"""What theory and simulations may not do, read off their syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_IN_THEORY = ("random", "torch", "pathlib", "numpy.random", "hypothesis", "secrets", "io", "tempfile")
NOT_CALLED_IN_THEORY = {"open", "print", "input", "exec", "eval"}
GENERATORS = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox", "BitGenerator"}

FOREIGN = {"sims/random/isolated_rng.py"}
"""Runs the code of users, who draw from global generators: it seeds these, and puts them back."""


def files_of(room):
    return sorted((ROOT / room).rglob("*.py"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def dotted(node):
    """The dotted name of an attribute chain, or nothing."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def imported(tree):
    """Every module or name that a file imports, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaches_in_theory(source):
    tree = ast.parse(source)
    breaches = [f"imports {name}" for name in imported(tree) if f"{name}.".startswith(_fronts())]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            breaches += [f"calls {node.func.id}"] * (node.func.id in NOT_CALLED_IN_THEORY)
        if isinstance(node, ast.Attribute):
            breaches += ["uses np.random"] * (dotted(node) in ("np.random", "numpy.random"))
    return breaches


def _fronts():
    return tuple(f"{name}." for name in NOT_IN_THEORY)


def breaches_in_sims(source):
    tree = ast.parse(source)
    breaches = [f"imports {name}" for name in imported(tree) if f"{name}.".startswith("random.")]
    for node in ast.walk(tree):
        name = dotted(node)
        if name.startswith(("np.random.", "numpy.random.")) and name.split(".")[2] not in GENERATORS:
            breaches.append(f"uses {name}")
        if "manual_seed" in name:
            breaches.append(f"uses {name}")
    return breaches


@pytest.mark.parametrize("path", files_of("theory"), ids=name_of)
def test_theory_draws_nothing_reads_nothing_and_prints_nothing(path):
    assert breaches_in_theory(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [path for path in files_of("sims") if name_of(path) not in FOREIGN], ids=name_of)
def test_simulations_draw_from_explicit_generators_only(path):
    assert breaches_in_sims(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "breach"),
    [
        ("import random", "imports random"),
        ("from numpy.random import default_rng", "imports numpy.random.default_rng"),
        ("from torch import nn", "imports torch.nn"),
        ("import numpy as np\nx = np.random.default_rng(0)", "uses np.random"),
        ("def f():\n    return open('x')", "calls open"),
        ("print(1)", "calls print"),
        ("from pathlib import Path", "imports pathlib.Path"),
    ],
)
def test_a_breach_in_theory_is_seen(source, breach):
    assert breach in breaches_in_theory(source)


@pytest.mark.parametrize(
    "source",
    ["np.random.seed(0)", "x = np.random.randn(3)", "torch.manual_seed(1)", "from random import random"],
)
def test_a_breach_in_simulations_is_seen(source):
    assert breaches_in_sims(source) != []


def test_an_explicit_generator_is_no_breach():
    assert breaches_in_sims("g: np.random.Generator = np.random.default_rng(0)") == []
