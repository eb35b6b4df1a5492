"""The committed record: one small JSON file for each claim, study and recipe, with one reader and one writer.

A record's identity is the version of its law: an explicit whole number on the claim, study or recipe that it is
of, raised by hand when its numbers change. What the sources look like is no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from untrained.sims.files import write_text
from untrained.theory.verdict import Status

FOLDER = Path(__file__).parent
CHANGED = "these numbers changed: raise the version of {} and record again"
"""What a test says that recomputes recorded numbers and finds others."""

_Data = dict[str, Any]


@dataclass(frozen=True)
class RecordKind:
    """A kind of record: where its files lie, the fields that each must have, its layout and its most bytes."""

    noun: str
    pattern: str
    fields: frozenset[str]
    layout: Callable[[Mapping[str, Any]], str]
    check: Callable[[_Data], str | None]
    limit: int = 200_000

    def path(self, name: str, folder: Path) -> Path:
        """The file of a record."""
        return folder / self.pattern.format(name)

    def names(self, folder: Path) -> Iterator[str]:
        """The names of the records of this kind that there are, in alphabetical order."""
        before, after = (Path(self.pattern).name).split("{}")
        for path in sorted((folder / self.pattern).parent.glob(f"{before}*{after}")):
            if before or not path.name.startswith("_"):
                yield path.name.removeprefix(before).removesuffix(after)


def to_text(value: Any) -> str:
    """JSON text in the order of the data, which is the order of the claims and of their cases."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _rows_as_lines(data: Mapping[str, Any]) -> str:
    """JSON text with a line for each row, so that a change is seen where it is."""
    head = json.dumps({name: value for name, value in data.items() if name != "rows"}, indent=1, allow_nan=False)
    rows = ",\n".join(json.dumps(row, separators=(",", ":"), allow_nan=False) for row in data["rows"])
    return f'{head[:-2]},\n "rows": [\n{rows}\n]}}\n'


def _elements_as_lines(data: Mapping[str, Any]) -> str:
    """JSON text with a line for each element of each list."""
    fields = [f" {json.dumps(name)}: {_elements(value)}" for name, value in data.items()]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _elements(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    return "[\n" + ",\n".join(f"  {_line(part)}" for part in value) + "\n ]"


def _verdict_fault(data: _Data) -> str | None:
    return None if data["verdict"] in get_args(Status) else f"a known verdict, got {data['verdict']!r}"


def _columns_fault(data: _Data) -> str | None:
    rows = data["rows"]
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        columns = {frozenset(row) for row in rows}
        if len(columns) == 1 and {"source", "quantity", "value"} <= next(iter(columns)):
            return None
    return "rows with the same columns and a source"


_JUDGED = frozenset(
    ("verdict", "why", "margin", "informative", "domain", "worst_case", "decided_by", "budget", "seed", "version")
)
_RECIPE = frozenset(("name", "kind", "title", "source", "version", "groups", "points", "statements"))
_STUDY = frozenset(("name", "says", "axes", "seeds", "version", "rows"))
_MUTANTS = frozenset(("id", "outcome", "pushes", "seed", "version"))
RECORD_KINDS: Mapping[str, RecordKind] = {
    "claim": RecordKind("claim", "{}.json", _JUDGED, to_text, _verdict_fault),
    "mutants": RecordKind("mutants", "mutants/{}.json", _MUTANTS, _elements_as_lines, lambda _: None),
    "study": RecordKind("study", "sweeps/{}.json", _STUDY, _rows_as_lines, _columns_fault, 100_000),
    "recipe": RecordKind("recipe", "recipes/{}.json", _RECIPE, _elements_as_lines, lambda _: None),
}
"""Every kind of record that there is."""


def read_record(kind: str, name: str, folder: Path | None = None) -> _Data:
    """Return the record of a claim, its mutants, a study or recipe.

    Raises
    ------
    ValueError
        where there is none, or its file is not JSON with the fields of its kind.
    """
    of, path = RECORD_KINDS[kind], RECORD_KINDS[kind].path(name, folder or FOLDER)
    if not path.is_file():
        raise ValueError(f"{of.noun} must be one of the record's, got {name!r}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"record of a {of.noun} must be JSON, got {path.name} with {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"record of a {of.noun} must be one object, got {path.name} with {type(data).__name__}")
    if missing := sorted(of.fields - data.keys()):
        raise ValueError(f"record of a {of.noun} must hold its fields, got {path.name} without {missing[0]}")
    if fault := of.check(data):
        raise ValueError(f"record of a {of.noun} must hold {fault}, in {path.name}")
    return data


def read_all(kind: str, folder: Path | None = None) -> dict[str, _Data]:
    """Return every record of a kind that there is, by name.

    Raises
    ------
    ValueError
        as `read_record` does.
    """
    return {name: read_record(kind, name, folder) for name in RECORD_KINDS[kind].names(folder or FOLDER)}


def write_record(kind: str, name: str, data: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Write a record, so that the same data give the same file, and return the file.

    Raises
    ------
    ValueError
        where it is too long for the record, or a number is not finite.
    OSError
        where the folder cannot be written to.
    """
    path, text = RECORD_KINDS[kind].path(name, folder or FOLDER), record_text(kind, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path


def record_text(kind: str, data: Mapping[str, Any]) -> str:
    """Return the text of a record's file.

    Raises
    ------
    ValueError
        where it is too long for the record, or a number is not finite.
    """
    of = RECORD_KINDS[kind]
    text = of.layout(data)
    if (size := len(text.encode())) > of.limit:
        raise ValueError(f"record of a {of.noun} must take at most {of.limit} bytes, got {size}")
    return text


def fits(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether a record is short enough."""
    return len(RECORD_KINDS[kind].layout(data).encode()) <= RECORD_KINDS[kind].limit


def pick(rows: list[_Data], **values: object) -> list[_Data]:
    """Return the rows of a table that hold these values and have a value."""
    return [row for row in rows if row["value"] is not None and all(row[k] == v for k, v in values.items())]
