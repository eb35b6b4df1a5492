"""Reading and writing records: one small JSON file a claim, written beside and then renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from untrained.sims.evidence.verify import Gathered
from untrained.sims.files import write_bytes
from untrained.sims.record.entries import gathered_from_json, gathered_to_json
from untrained.theory.verdict import Status

FOLDER = Path(__file__).parent
ROOT = FOLDER.resolve().parents[1]
_FIELDS = {"verdict", "why", "margin", "informative", "domain", "worst_case", "decided_by", "budget", "seed", "code"}


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises
    ------
    ValueError
        where the folder does not exist.
    OSError
        where the folder cannot be written to.
    """
    write_bytes(path, text.encode())


def to_text(value: Any) -> str:
    """JSON text in the order of the data, which is the order of the claims and of their cases."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def load_record(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return the committed record: entry by claim id (tables, whose names begin with _, left out).

    Raises
    ------
    ValueError
        where a file is not the JSON of an entry.
    """
    record = {path.stem: _read(path) for path in sorted(folder.glob("[!_]*.json"))}
    for name, data in record.items():
        if missing := sorted(_FIELDS - set(data)):
            raise ValueError(f"record file must hold the fields of an entry, got {name}.json without {missing[0]}")
        if data["verdict"] not in get_args(Status):
            raise ValueError(f"record file must hold a known verdict, got {name}.json with {data['verdict']!r}")
    return record


def load_table(name: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return the rows of a recorded table.

    Raises
    ------
    ValueError
        where the table was not recorded.
    """
    path = folder / f"_{name}.json"
    if not path.exists():
        raise ValueError(f"table must be one of the record's, got {name!r}")
    rows: list[dict[str, Any]] = _read(path).get("rows", [])
    if not rows or len({frozenset(row) for row in rows}) > 1:
        raise ValueError(f"table must hold rows with the same columns, got another {path.name}")
    return rows


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"record file must be JSON, got {path.name} with {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"record file must hold one object, got {path.name} with {type(data).__name__}")
    return data


def save_record(entries: Mapping[str, Mapping[str, Any]], folder: Path = FOLDER) -> None:
    """Write an entry per claim, without times, so that the same run gives the same files."""
    for claim_id, data in entries.items():
        write_whole(folder / f"{claim_id}.json", to_text({k: v for k, v in data.items() if k != "seconds"}))


def _package_version() -> str:
    try:
        return version("untrained")
    except PackageNotFoundError:
        return "uninstalled"


def code_version() -> str:
    """Package version and a hash of every source file that the ledger's evidence depends on."""
    digest = hashlib.sha256()
    for room in ("theory", "sims/evidence", "sims/random", "sims/dynamics", "sims/record"):
        for path in sorted((ROOT / room).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{_package_version()}+{digest.hexdigest()[:12]}"


def _cache_folder() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "untrained"


class Journal:
    """What a run has gathered so far, a line a claim, so that an interrupted run can go on.

    The name holds budget, seed, claims and code version: only an identical run goes on from it.
    """

    def __init__(self, budget: str, seed: int, ids: Sequence[str] = ()) -> None:
        key = hashlib.sha256(f"{budget} {seed} {code_version()} {' '.join(ids)}".encode()).hexdigest()[:16]
        self.path = _cache_folder() / f"verify-{key}.jsonl"

    def read(self) -> dict[str, Gathered]:
        """Return every claim that was written whole; a torn last line is left out.

        Raises
        ------
        ValueError
            where another line is damaged.
        """
        if not self.path.exists():
            return {}
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
            return {g.id: g for g in (gathered_from_json(json.loads(line)) for line in lines)}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"the journal to resume from must be whole, got a damaged {self.path}") from error

    def start(self, kept: Mapping[str, Gathered]) -> None:
        """Begin the file anew with what is kept from before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, "".join(self._line(g) for g in kept.values()))

    def add(self, gathered: Gathered) -> None:
        """Append one claim."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._line(gathered))

    def close(self) -> None:
        """Remove the file of a run that came to its end."""
        self.path.unlink(missing_ok=True)

    @staticmethod
    def _line(gathered: Gathered) -> str:
        return json.dumps(gathered_to_json(gathered), allow_nan=False) + "\n"
