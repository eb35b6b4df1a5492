"""Opening files that may be damaged, and writing files whole; where the cache lies."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Refused(ValueError):
    """A file is not what was wanted; the message is the one sentence to show."""


def existing(path: str | Path) -> Path:
    """Return the path of a regular file that is not empty.

    Raises
    ------
    ValueError
        where there is no such file, or it is a folder, a device, empty, or out of reach.
    """
    text, path = str(path), Path(path)
    with decoding(path):
        if not text or not path.exists():  # no text is the folder . as a path
            raise Refused(f"path must name a file that exists, got {text!r}")
        if not path.is_file():
            raise Refused(f"path must name a regular file, got the {'folder' if path.is_dir() else 'device'} {path}")
        if not path.stat().st_size:
            raise Refused(f"path must name a file with content, got the empty {path}")
    return path


class FileWarning(UserWarning):
    """A file was read, but it says more than what was taken from it, or may mean something else."""


@contextmanager
def gathered_warnings() -> Iterator[list[str]]:
    """Gather the sentences of every FileWarning in the block; they are given after it all the same."""
    sentences: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FileWarning)
        yield sentences
    for warning in caught:
        if issubclass(warning.category, FileWarning):
            sentences.append(str(warning.message))
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder throws at a damaged file into one sentence; warnings about metadata are left out.

    Raises
    ------
    ValueError
        where the block raised an exception.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Refused:
            raise
        except Exception as error:
            why = (str(error).splitlines() or [""])[0] or type(error).__name__
            raise Refused(f"path must name a file that can be read whole, got {str(path)!r} ({why})") from error


def behind_links(path: str | Path) -> Path:
    """Return where a path leads; one of a loop of links, at which `Path.resolve` fails, stays as it is."""
    return Path(os.path.realpath(path))


def writable(name: str, path: Path) -> Path:
    """Return where a file will be written, links followed, once it is sure that it can be put there.

    A device or a pipe is refused: it must not be renamed over. `name` is the argument that names the file.

    Raises
    ------
    ValueError
        where it cannot.
    """
    place = behind_links(path)
    plain = place.is_file() and os.access(place, os.W_OK) if place.exists() else place.parent.is_dir()
    if not plain or not os.access(place.parent, os.W_OK):
        raise ValueError(f"{name} must name a file in a folder that can be written to, got {path}")
    return place


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file, links followed, so that a reader sees the old one or the new one, never a part.

    Raises
    ------
    ValueError
        where the folder does not exist or the path is itself a folder.
    OSError
        where the folder cannot be written to.
    """
    path = behind_links(path)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must name a file in a folder that exists, got {str(path)!r}")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".untrained.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:  # which names the part, or no file at all where the disk is full
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8 as `write_bytes` writes bytes.

    Raises
    ------
    ValueError, OSError
        as `write_bytes` does.
    """
    write_bytes(path, text.encode())


def cache_folder() -> Path:
    """Return the folder for what can be computed again; XDG_CACHE_HOME names another."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "untrained"
