"""Finished cells on disk, a file a cell, so that a run that was interrupted goes on and recipes share what they can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from untrained.sims.files import cache_folder, write_text

_FIELDS = {"mse", "psnr", "ssim", "seconds", "outcome", "device", "at_once", "m", "picture"}


class Kept:
    """The cells that have been finished, by key, in the cache folder (XDG_CACHE_HOME names another).

    Every file is written whole, so several runs may write at the same time and one that is killed leaves no part.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "cells"

    def start(self) -> None:
        """Make the folder.

        Raises
        ------
        ValueError
            where it cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / ".writable", "")
        except OSError as error:
            at = f"{self.folder} ({error.strerror}); XDG_CACHE_HOME names another"
            raise ValueError(f"the cache folder must be one that can be written to, got {at}") from error

    def read(self, key: str) -> dict[str, Any] | None:
        """Return what was found in a cell, None where it is not finished.

        Raises
        ------
        ValueError
            where its file is damaged.
        """
        path = self._path(key)
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict) or not found.keys() >= _FIELDS:
            raise ValueError(f"a finished cell must be whole, got a damaged {path}: remove it to compute it anew")
        return found

    def add(self, key: str, found: Mapping[str, Any]) -> None:
        """Keep what was found in a cell."""
        write_text(self._path(key), json.dumps(found, allow_nan=False) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
