"""The theory of untrained neural-network priors: every numbered claim executable, and images recovered with them.

Everything here is imported when it is first asked for:

- `verify`, `claims`, `mutants`: the ledger, or your own claims, judged, listed, and pushed to where they fail;
- `check`: which conditions of the theory a network meets; `width`: whether a width is enough for its theorem;
- `certify`: a proof that one descent of the two-layer generator converges;
- `image`, `operators`, `measure`, `recover`: images measured and recovered;
- `denoise`, `inpaint`, `upscale`: photographs that are noisy, have holes, or are small;
- `sweep`, `reproduce`: experiments over grids, and the papers' figures and tables;
- `figures`: the pictures of what is recorded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untrained import figures as figures
    from untrained.api import certify as certify
    from untrained.api import check as check
    from untrained.api import claims as claims
    from untrained.api import denoise as denoise
    from untrained.api import inpaint as inpaint
    from untrained.api import mutants as mutants
    from untrained.api import recover as recover
    from untrained.api import reproduce as reproduce
    from untrained.api import sweep as sweep
    from untrained.api import upscale as upscale
    from untrained.api import verify as verify
    from untrained.api import width as width
    from untrained.sims import operators as operators
    from untrained.sims.images.images import image as image
    from untrained.sims.operators.measurements import measure as measure

__all__ = [
    "certify",
    "check",
    "claims",
    "denoise",
    "figures",
    "image",
    "inpaint",
    "measure",
    "mutants",
    "operators",
    "recover",
    "reproduce",
    "sweep",
    "upscale",
    "verify",
    "width",
]

_ROOMS = {"figures": "untrained.figures", "operators": "untrained.sims.operators"}
_HOMES = {"image": "untrained.sims.images.images", "measure": "untrained.sims.operators.measurements"}
"""The module of each function that stands in a room as it is; the others stand in `untrained.api`."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("untrained")
    if name not in __all__:
        raise AttributeError(f"module 'untrained' has no attribute {name!r}")
    if name in _ROOMS:
        return importlib.import_module(_ROOMS[name])
    return getattr(importlib.import_module(_HOMES.get(name, "untrained.api")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
