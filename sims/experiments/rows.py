"""A row as text, and back, bit for bit: JSON, with every number that is not finite as its bits."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

Row = dict[str, float | int | str | bool | None]


def row_to_text(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return the text of a row.

    Raises
    ------
    ValueError
        where a column is no JSON scalar, or has the name of a parameter or of the seed.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"row must be a mapping of columns, got {type(row).__name__}")
    if taken := [name for name in row if name in parameters or name == "seed"]:
        raise ValueError(f"column must not have the name of a parameter or of the seed, got {taken[0]!r}")
    return json.dumps({_name(name): _plain(name, value) for name, value in row.items()}, allow_nan=False)


def row_from_text(text: str) -> Row:
    """Return the row that `row_to_text` wrote."""
    return {name: _float(value["bits"]) if isinstance(value, dict) else value for name, value in _read(text).items()}


def _read(text: str) -> dict[str, Any]:
    return json.loads(text)


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise ValueError(f"name of a column must be a string, got {name!r}")
    return name


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, float):
        raise ValueError(f"column must be a float, int, str, bool or None, got {name} of type {type(value).__name__}")
    return float(value) if math.isfinite(value) else {"bits": struct.pack(">d", value).hex()}


def _float(bits: str) -> float:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    return float(value)
