"""A record's identity is the version of its law: nothing in the package looks at what its sources are like."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from untrained.sims.evidence.gather import Dossier, judge_all
from untrained.sims.record.entries import Journal, claim_entry
from untrained.theory.evidence import Symbolic
from untrained.theory.ledger import in_order_of_need, ledger

ROOT = Path(__file__).parents[2]
ROOMS = ("theory", "sims", "figures", "untrained")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
READERS = {
    "getsource",
    "getsourcelines",
    "getsourcefile",
    "getfile",
    "co_code",
    "get_source",
    "get_data",
    "source_hash",
}

IDENTITIES = """
import json
from untrained.sims.evidence.gather import Dossier, judge_all
from untrained.sims.record.entries import Journal, claim_entry
from untrained.theory.evidence import Symbolic
from untrained.theory.ledger import in_order_of_need
one = Dossier("vanveen18.h", (Symbolic(("a",), (), "because"),), {}, 0.0)
needed = {i: Dossier(i, one.evidence, {}, 0.0) for i in in_order_of_need([one.id])}
entry = claim_entry(judge_all(needed)[one.id], {"budget": "quick", "seed": 0})
print(json.dumps([entry, Journal("quick", 0).path.name]))
"""


def looks_at_sources(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name | ast.Attribute) and (getattr(node, "id", "") or node.attr) in READERS:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "*.py" in node.value:
            return True
    return False


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_looks_at_sources(path):
    assert not looks_at_sources(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    ["import inspect\ninspect.getsource(f)", "from inspect import getsource as g\ng(f)\ngetsource(f)",
     "[p.read_bytes() for p in room.rglob('*.py')]", "f.__code__.co_code"],
)  # fmt: skip
def test_looking_at_sources_is_noticed(text):
    assert looks_at_sources(text)


def identities(root, cache):
    environment = {**os.environ, "PYTHONPATH": str(root), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", IDENTITIES]
    return json.loads(subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True).stdout)


def test_a_comment_in_every_source_changes_no_identity(tmp_path, monkeypatch):
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tmp_path / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.json")
        )
    for path in (path for room in ROOMS for path in (tmp_path / room).rglob("*.py")):
        path.write_text(f"{path.read_text(encoding='utf-8')}\n# another comment\n", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    dossier = Dossier("vanveen18.h", (Symbolic(("a",), (), "because"),), {}, 0.0)
    needed = {i: Dossier(i, dossier.evidence, {}, 0.0) for i in in_order_of_need([dossier.id])}
    entry = claim_entry(judge_all(needed)[dossier.id], {"budget": "quick", "seed": 0})
    assert identities(tmp_path, tmp_path) == [entry, Journal("quick", 0).path.name]
    assert entry["version"] == ledger()["vanveen18.h"].version
