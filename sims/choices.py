"""Names that are chosen from: what to say where one is unknown."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

ALIKE = 0.6
"""How alike two names are, from 0 to 1, of which one may be meant by the other."""

SYNONYMS = {"gpu": "cuda", "dip": "csdip", "nlm": "non-local-means", "super-resolution": "superres"}
"""What others call the same, or nearly the same."""


def check_choice(what: str, name: str, names: Collection[str]) -> None:
    """Refuse a name that is none of those there are, and say which may be meant.

    Raises
    ------
    ValueError
        where it is none.
    """
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, got {name!r}{suggestion(name, names)}")


def suggestion(name: object, names: Collection[str]) -> str:
    """The end of a sentence on an unknown name: which may be meant, or nothing."""
    near = nearest_choice(name, names) if isinstance(name, str) else None
    return f"; did you mean {near}?" if near else ""


def nearest_choice(name: str, names: Collection[str]) -> str | None:
    """The name that may be meant by another, None where none is near."""
    synonym = SYNONYMS.get(name.lower())
    near = [synonym] if synonym in names else get_close_matches(name.lower(), names, 1, ALIKE)
    return near[0] if near else None
