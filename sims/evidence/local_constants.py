"""A wall around the one private part of hypothesis that a search needs.

hypothesis tries the constants of whatever code is loaded, which would make recorded searches depend on it, and no
setting turns that off.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import hypothesis
from hypothesis.internal.conjecture import providers

_PRIVATE = ("_get_local_constants", "Constants", "CONSTANTS_CACHE")
_FIRST = (6, 135)
"""The first release that is known to have these names."""


def no_local_constants() -> AbstractContextManager[Any]:
    """Keep hypothesis from trying constants of the code that is loaded, while the context lasts.

    Raises
    ------
    RuntimeError
        where this release of hypothesis does not have the names that are replaced.
    """
    release = tuple(int(part) for part in hypothesis.__version__.split(".")[:2])
    private = {name: getattr(providers, name, None) for name in _PRIVATE}
    missing = [name for name, value in private.items() if value is None]
    if missing or not _FIRST <= release < (7,):
        why = f" without {missing[0]}" if missing else ""
        raise RuntimeError(
            f"hypothesis must be a release from 6.135 to below 7 whose searches can be kept from trying constants of "
            f"the code that is loaded, got {hypothesis.__version__}{why}"
        )
    return mock.patch.multiple(providers, _get_local_constants=private["Constants"], CONSTANTS_CACHE={})
