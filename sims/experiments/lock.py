"""One writer to a store: a lock of the operating system's beside it, which ends with the process that has it.

The library filelock has no shared lock of a file: its probe would refuse a second one at the same moment, and could not
look into a folder that is read only.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

_TRIES = 10
"""Whoever asks whether a store is locked has the lock for a moment."""


class Lock:
    """The lock of a store, held from the moment it is made.

    Raises
    ------
    ValueError
        where another process has it.
    OSError
        where the file beside the store cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(_beside(path), os.O_RDWR | os.O_CREAT, 0o644)
        if not self._try():
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise ValueError(f"the store must have one writer at a time, got {path} in use by process {holder}")
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def _try(self) -> bool:
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return True
        return False

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    @staticmethod
    def is_locked(path: Path) -> bool:
        """Whether a process has the lock of a store."""
        try:
            file = os.open(_beside(path), os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
