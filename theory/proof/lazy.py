"""A function named now and imported when first called, so that reading the ledger costs nothing."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lazy:
    """Call `name` of `module`, importing the module then."""

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        """Import the module and call the function."""
        return getattr(importlib.import_module(self.module), self.name)(*arguments)
