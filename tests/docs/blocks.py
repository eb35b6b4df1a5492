"""The fenced blocks of a page, run in order in one folder and compared with the output that the page shows.

- ```console: a line after `$ ` is a command (one that ends in a backslash goes on); the lines below are its output.
- ```python: run in one namespace a page; a ```text block right after it is what it prints.
- ```{code-cell}: a cell of a notebook, run like python; its output, the value of the last line among it, is no part of
  the page.
- ```python file=NAME: a file, written into the folder; where NAME begins with docs/examples/ it must equal that file.

Further words of a block (of a cell: its tags): slow="WHY" (run with `-m slow` only), needs=data (skipped where
UNTRAINED_DATA has none), root (run in the root of the repository), exit=N, about=R (numbers may differ by a part R of
themselves), times (the last number of a line is seconds). In what is shown `...` stands for anything; seconds with
their unit are never compared.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("UNTRAINED_DATA", ROOT.parent / "shared" / "data")).resolve()
PAGES = sorted(path for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern))
CELL = "{code-cell}"
LANGUAGES = {"console", "python", CELL}
_TAGS = re.compile(r"^:tags: \[(.*)\]$", re.MULTILINE)
_NO_PYTHON = re.compile(r"^(:tags:|%).*$", re.MULTILINE)
_FENCE = re.compile(r"^( *)```(\S+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"\d+(\.\d+)?(?= (s|ms|seconds|minutes|a second)\b)")
_LAST = re.compile(r"(?<![\w.])\d+(\.\d+)?(?=\D*$)", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]\w)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words beside it, its text and the output shown below it."""

    page: Path
    line: int
    language: str
    words: dict[str, str]
    text: str
    output: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every console and python block of a page in order."""
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    result = []
    for fence, after in zip_longest(fences, fences[1:]):
        if fence[2] in LANGUAGES:
            words = dict(word.partition("=")[::2] for word in shlex.split(fence[3]))
            close = after and after[2] == "text" and not text[fence.end() : after.start()].strip()
            line = text.count("\n", 0, fence.start()) + 1
            if fence[2] == CELL:
                words |= {tag.strip(): "" for tags in _TAGS.findall(fence[4]) for tag in tags.split(",")}
            result.append(Block(page, line, fence[2], words, fence[4], after[4] if close else ""))
    return result


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output shown."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", text, flags=re.MULTILINE)
    if parts[0].strip() or len(parts) < 3:
        raise ValueError(f"a console block must begin with `$ `, got {text[:40]!r}")
    return list(zip(parts[1::2], parts[2::2], strict=True))


def agrees(output: str, printed: str, words: dict[str, str]) -> bool:
    """Whether what was printed is what the page shows, up to what the block's words leave open."""
    output, printed = (_without_times(text, "times" in words) for text in (output, printed))
    if "about" not in words:
        return bool(re.fullmatch(_pattern(output), printed, re.DOTALL))
    match = re.fullmatch(_pattern(output, numbers=True), printed, re.DOTALL)
    wanted = [float(n) for n in _NUMBER.findall(output)]
    return bool(match) and all(
        abs(float(got) - want) <= float(words["about"]) * abs(want)
        for want, got in zip(wanted, match.groups(), strict=True)
    )


def _without_times(text: str, last: bool) -> str:
    text = _TIME.sub("T", text)
    text = _LAST.sub("T", text) if last else text
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _pattern(output: str, numbers: bool = False) -> str:
    pieces = re.split(rf"(\.\.\.|{_NUMBER.pattern})" if numbers else r"(\.\.\.)", output)
    return "".join(
        ".*?" if piece == "..." else rf"({_NUMBER.pattern})" if i % 2 else re.escape(piece)
        for i, piece in enumerate(pieces)
    )


@dataclass
class Session:
    """A folder with the variables of a shell and the namespace of an interpreter, for the blocks of one page."""

    folder: Path
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "page"})

    def __post_init__(self) -> None:
        bin_ = self.folder.parent / "bin"
        bin_.mkdir()
        (bin_ / "untrained").write_text('#!/bin/sh\nexec python -m untrained "$@"\n')
        (bin_ / "untrained").chmod(0o755)
        self.variables = {
            "PATH": f"{bin_}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(self.folder.parent / "cache"),
            "MPLCONFIGDIR": str(self.folder.parent / "matplotlib"),
            "COLUMNS": "100",
            "PIP_CONSTRAINT": str(ROOT / "requirements.lock"),
            "NO_COLOR": "1",
            **({"UNTRAINED_DATA": str(DATA)} if DATA.is_dir() else {}),
        }

    def run(self, block: Block) -> None:
        """Run a block, and compare."""
        if "file" in block.words:
            self.write(block)
        elif block.language == "console":
            for command, output in commands(block.text):
                self.compare(block, output, self.shell(block, command))
        elif block.language == CELL:
            self.cell(block)
        else:
            self.compare(block, block.output, self.python(block))

    def write(self, block: Block) -> None:
        name = block.words["file"]
        if name.startswith("docs/examples/"):
            assert block.text == (ROOT / name).read_text(encoding="utf-8"), f"{block.place} must show {name} as it is"
        (self.folder / Path(name).name).write_text(block.text, encoding="utf-8")

    def shell(self, block: Block, command: str) -> str:
        folder = ROOT if "root" in block.words else self.folder
        done = subprocess.run(
            command, shell=True, cwd=folder, env={**os.environ, **self.variables}, capture_output=True, text=True
        )
        printed = done.stdout + done.stderr
        assert done.returncode == int(block.words.get("exit", 0)), f"{block.place}: {command}\n{printed}"
        return printed

    def python(self, block: Block) -> str:
        printed = io.StringIO()
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, self.names)
        return printed.getvalue()

    def cell(self, block: Block) -> None:
        tree = ast.parse("\n" * block.line + _NO_PYTHON.sub("", block.text), str(block.page))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, str(block.page), "exec"), self.names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), str(block.page), "eval"), self.names)
                getattr(value, "_repr_html_", value.__repr__)()

    def compare(self, block: Block, output: str, printed: str) -> None:
        assert agrees(output, printed, block.words), f"{block.place} shows\n{output}\nand it printed\n{printed}"
