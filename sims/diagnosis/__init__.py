"""Whether the theory covers an architecture: its Jacobian measured, the papers' conditions held against it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained.sims.diagnosis.examination import Question as Question
    from untrained.sims.diagnosis.examination import check as check

_PUBLIC = ("Question", "check")


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used: the spectrum alone needs no library of images."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    return getattr(importlib.import_module("untrained.sims.diagnosis.examination"), name)
