"""The shape of the house: how many rooms, how long a function, and one meaning for a name."""

import ast
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("theory", "sims", "figures")
PAPERS = ROOT / "theory" / "papers"
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
DOOR = sorted(path for path in (ROOT / "untrained").rglob("*.py") if not any(p.is_symlink() for p in path.parents))

MOST_FILES = 300
"""Not counting the papers: there a lemma is a file."""
LONG = 14
"""Code lines that nine functions in ten keep to."""
PARTICIPLES = {"asked", "drawn", "found", "given", "held", "kept", "known", "made", "seen", "shown", "taken", "told"}
MOST_PARTICIPLES = 0.001
"""Share of all bindings, at most."""

AROUND = sorted(path for room in ("tests", "benchmarks") for path in (ROOT / room).rglob("*.py"))
NO_NAMES = {"found", "kept", "seen"}
"""Names that tests and benchmarks bind nowhere."""

DEFINED_TWICE = {"CLAIMS", "PRESETS", "check", "estimate", "preset", "recover", "recover_batch"}
"""Public names that several modules define: the ledger collects the CLAIMS of every paper, the registry finds the
functions `recover`, `recover_batch`, `estimate` and `preset` and the PRESETS of every method, and the functions of the
door are called as those that do the work."""


def trees():
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in chain(FILES, DOOR)]


def functions(node):
    """Every function and method that stands in no other function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from functions(child)


def docstring_lines(node):
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part, clean=False) is not None:
            yield from range(part.body[0].lineno, part.body[0].end_lineno + 1)


def code_lines(node, lines):
    """How many lines of a function are neither blank, comment nor docstring."""
    documented = set(docstring_lines(node))
    texts = ((i, lines[i - 1].strip()) for i in range(node.lineno, node.end_lineno + 1))
    return sum(bool(text) and not text.startswith("#") and i not in documented for i, text in texts)


def public_names(tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def bindings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def test_the_rooms_hold_few_files():
    assert len([path for path in FILES if PAPERS not in path.parents]) <= MOST_FILES


def test_nine_functions_in_ten_are_short():
    sizes = [
        code_lines(function, path.read_text(encoding="utf-8").splitlines())
        for path, tree in trees()
        for function in functions(tree)
    ]
    assert sorted(sizes)[int(0.9 * len(sizes))] <= LONG


def test_a_public_name_is_defined_once():
    homes = defaultdict(set)
    for path, tree in trees():
        for name in public_names(tree):
            if not name.startswith("_"):
                homes[name].add(path.relative_to(ROOT).as_posix())
    twice = {name: sorted(places) for name, places in homes.items() if len(places) > 1}
    assert set(twice) == DEFINED_TWICE, twice
    assert len(twice) <= 10


def test_a_noun_names_a_thing_and_no_bare_participle():
    names = [(path, name) for path, tree in trees() for name in bindings(tree)]
    bare = sorted({(path.relative_to(ROOT).as_posix(), name) for path, name in names if name.lower() in PARTICIPLES})
    assert sum(name.lower() in PARTICIPLES for _, name in names) <= MOST_PARTICIPLES * len(names), bare


def test_tests_and_benchmarks_say_what_a_variable_holds():
    names = {(path, name) for path in AROUND for name in bindings(ast.parse(path.read_text(encoding="utf-8")))}
    assert not sorted((path.relative_to(ROOT).as_posix(), name) for path, name in names if name in NO_NAMES)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_linked_into_the_package(room):
    link = ROOT / "untrained" / room
    assert link.is_symlink()
    assert link.resolve() == (ROOT / room).resolve()


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def f(x):\n    '''One.'''\n    # why\n    y = x\n\n    return y\n", 3),
        ("def f(x):\n    return x\n", 2),
        ("def f(x):\n    def g():\n        '''Two\n        lines.'''\n        return x\n    return g\n", 4),
    ],
)
def test_lines_of_code_are_counted_without_words(source, count):
    (function,) = functions(ast.parse(source))
    assert code_lines(function, source.splitlines()) == count


def test_names_are_seen_where_they_are_bound():
    tree = ast.parse("A, found = 1, 2\nB: int = 3\ndef f(kept, _=0): told = kept\nclass C: x = 1\n")
    assert sorted(public_names(tree)) == ["A", "B", "C", "f", "found"]
    assert sorted(bindings(tree)) == ["A", "B", "C", "_", "f", "found", "kept", "told", "x"]


def test_no_two_test_files_have_one_name():
    """Pytest imports them by their names alone, and collects neither."""
    files = defaultdict(list)
    for path in (ROOT / "tests").rglob("*.py"):
        files[path.name].append(path)
    assert {name for name, paths in files.items() if len(paths) > 1} <= {"conftest.py"}
