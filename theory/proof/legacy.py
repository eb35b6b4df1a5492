"""Controls in the form that they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from untrained.theory.claim import Control


def old(
    name: str, says: str, constants: Mapping[str, Any] | None = None, changes: Mapping[str, Any] | None = None
) -> Control:
    """A control with a sentence of its own, and routes of its own."""
    return Control(name, constants or {}, says=says, changes=changes or {})
