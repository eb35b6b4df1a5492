"""Whether the theory covers an architecture: its Jacobian measured, the papers' conditions held against it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained.sims.diagnosis.examine import Question as Question
    from untrained.sims.diagnosis.examine import check as check

_OFFERED = ("Question", "check")


def __getattr__(name: str) -> Any:
    """Import what is offered when it is asked for: the spectrum alone needs no library of images."""
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    from untrained.sims.diagnosis import examine

    return getattr(examine, name)
