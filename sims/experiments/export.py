"""Rows as a table in a file, csv or parquet."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from untrained.sims.files import write_bytes

_SUFFIXES = (".csv", ".parquet")


def check_export(path: Path) -> Path:
    """Return where a table goes, if it can be written.

    Raises
    ------
    ValueError
        where the kind of file is unknown, the folder cannot be written to, or a library is missing.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"export must name a file ending in {' or '.join(_SUFFIXES)}, got {path}")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not path.is_file()):
        raise ValueError(f"export must name a file in a folder that can be written to, got {path}")
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            "a parquet file must be written by pyarrow, got no such library: pip install 'untrained[parquet]'"
        )
    return path


def export(path: Path, table: Sequence[Mapping[str, Any]]) -> None:
    """Write rows to a csv or parquet file, whole or not at all.

    Raises
    ------
    ValueError
        as `check_export` does, or where a column of a parquet file mixes kinds.
    """
    check_export(path)
    names = list(dict.fromkeys(name for row in table for name in row))
    data = _csv(names, table) if path.suffix.lower() == ".csv" else _parquet(names, table)
    write_bytes(path, data)


def _csv(names: Sequence[str], table: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def _parquet(names: Sequence[str], table: Sequence[Mapping[str, Any]]) -> bytes:
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        columns = {name: pyarrow.array([row.get(name) for row in table]) for name in names}
    except (pyarrow.ArrowException, OverflowError) as error:
        raise ValueError(f"a column of a parquet file must be of one kind, got {error}: export to csv") from error
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())
