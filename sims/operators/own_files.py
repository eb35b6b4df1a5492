"""What users bring in files of their own: an operator, a matrix, measurements y, a mask, coil maps."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.io import mmread

from untrained.sims.files import FileWarning, Refused, behind_links, decoding, existing
from untrained.sims.images.decoding import plain_array
from untrained.sims.images.images import load_image
from untrained.sims.operators.base import Operator, Shape
from untrained.sims.operators.matrices import StoredMatrix
from untrained.sims.operators.measurements import OUR_PREFIX
from untrained.sims.operators.user_operator import as_operator
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.user_files import USER_ERRORS, error_line, function_in, neighbours

LARGE_MATRIX = 1 << 28
"""Bytes from which on a dense matrix stays in its npy file and is read in blocks."""
LONGEST_WORD = 40
"""Characters of a word in a text that are shown where it is no number."""
TEXT = (".csv", ".txt")
MATRIX_SUFFIXES = (".npy", ".npz", ".mtx")


def is_reference(text: str) -> bool:
    """Whether a text names a function in a file: `FILE.py:FACTORY`."""
    return ".py" in text


def operator_in_file(reference: str, shape: Shape, m: int | None = None) -> Operator:
    """Return the operator that FACTORY(shape) of `FILE.py:FACTORY` makes, or FACTORY() if so; the file is run, now.

    Raises
    ------
    ValueError
        where the file or the function is missing or fails, or what it returns is no operator.
    """
    where, _, factory = reference.rpartition(":")
    path = behind_links(where)
    if not factory.isidentifier() or path.suffix != ".py" or not path.is_file():
        raise ValueError(f"operator must be FILE.py:FACTORY of a file that exists, got {reference!r}")
    maker = function_in(path, factory, "operator")
    try:
        with neighbours(path.parent):
            with isolated_rng(0, "file"):
                made = _made(maker, factory, shape)
            return as_operator(made, shape, m)
    except ValueError as error:
        raise ValueError(f"{path.name}:{factory}: {error}") from error
    except USER_ERRORS as error:
        raise ValueError(f"{path.name}:{factory} must make an operator, got {error_line(error, path)}") from error


def _made(maker: Callable[..., Any], factory: str, shape: Shape) -> Any:
    """What a factory makes for a shape; one that takes no arguments is called with none."""
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):  # of compiled code, which need not say what it takes
        return maker(shape)
    for arguments in ((shape,), ()):
        if _takes(signature, arguments):
            return maker(*arguments)
    raise Refused(f"factory must take the shape (C, H, W) of images, or nothing, got {factory}{signature}")


def _takes(signature: inspect.Signature, arguments: tuple[Any, ...]) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def operator_of_matrix(path: str, shape: Shape, m: int | None = None) -> Operator:
    """Return products with the matrix of a file on flattened images.

    Raises
    ------
    ValueError
        where the file holds no matrix, or one for images of another size.
    """
    matrix = read_matrix(path)
    try:
        return as_operator(matrix, shape, m)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_matrix(path: str) -> Any:
    """Read a matrix: .npy (a large one stays in its file), .npz (of scipy.sparse, or an array called A), or .mtx.

    Raises
    ------
    ValueError
        where it is none.
    """
    file = existing(path)
    if file.suffix.lower() not in MATRIX_SUFFIXES:
        raise ValueError(f"matrix must be in a file that ends in {', '.join(MATRIX_SUFFIXES)}, got {path}")
    with decoding(file):
        if file.suffix.lower() == ".mtx":
            return mmread(file)
        if file.suffix.lower() == ".npy":
            stored = StoredMatrix.at(file)
            size = stored.rows * stored.columns * stored.dtype.itemsize
            return stored if size > LARGE_MATRIX else np.load(file, allow_pickle=False)
        with np.load(file, allow_pickle=False) as archive:
            if "A" in archive.files or len(archive.files) == 1:
                return archive["A" if "A" in archive.files else archive.files[0]]
        return sparse.load_npz(file)


def holds_measurements(source: str) -> bool:
    """Whether a file holds numbers that a user has measured: text, complex ones, a vector, or an archive not ours."""
    suffix = Path(source).suffix.lower()
    if suffix in TEXT:
        return True
    if suffix not in (".npy", ".npz") or not Path(source).is_file():
        return False
    try:
        if suffix == ".npy":
            array = np.load(source, mmap_mode="r", allow_pickle=False)
            return array.ndim == 1 or array.dtype.kind == "c"
        with Path(source).open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return "kind" not in archive.files or not str(archive["kind"]).startswith(OUR_PREFIX)
    except Exception:  # a damaged file is told as such by its reader
        return False


def arrays_of(source: str) -> tuple[str, ...]:
    """The names of the arrays in an archive of a user's own measurements; none where it is another file.

    Raises
    ------
    ValueError
        where no array is called y, and there are several.
    """
    if Path(source).suffix.lower() != ".npz" or not holds_measurements(source):
        return ()
    with np.load(source, allow_pickle=False) as archive:
        return _checked_names(archive.files, source)


def _checked_names(names: Sequence[str], source: str | Path) -> tuple[str, ...]:
    if "y" not in names and len(names) != 1:
        raise Refused(f"y must be an array called y, got {', '.join(names) or 'none'} in {source}")
    return tuple(names)


def read_measurements(source: str) -> np.ndarray:
    """Read real or complex y: an npy of any shape, y of an npz (or its only array), or numbers in text.

    Text is one row or one column of numbers, or two columns: real and imaginary parts.

    Raises
    ------
    ValueError
        where the file holds none.
    """
    path = existing(source)
    with decoding(path):
        if path.suffix.lower() in TEXT:
            return _numbers_in_text(path)
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            y = loaded
        else:
            with loaded:
                names = _checked_names(loaded.files, source)
                y = loaded["y" if "y" in names else names[0]]
    if y.dtype.kind not in "biufc":
        raise ValueError(f"y must be numbers, got {y.dtype} in {source}")
    return y


def _numbers_in_text(path: Path) -> np.ndarray:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    rows = {place: _cells(line) for place, line in enumerate(lines, 1) if line.strip()}
    table = {place: [_number_in(word, place, path) for word in words] for place, words in rows.items()}
    width = len(next(iter(table.values()), ()))
    for place, row in table.items():
        if len(row) != width or (width > 2 and len(table) > 1):
            wanted = "one row or one column of numbers, or two columns of real and imaginary parts"
            raise Refused(f"y must be {wanted}, got a row of {len(row)} in line {place} of {path}")
    is_complex = any("j" in word.lower() for words in rows.values() for word in words)
    y = np.array(list(table.values()), np.complex128)
    if len(table) > 1 and width == 2:
        if is_complex:
            raise Refused(f"y must be complex numbers, or two columns of their parts, got both in {path}")
        return np.asarray(y.real @ (1, 1j))
    return y.ravel() if is_complex else y.real.ravel()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split(",")] if "," in line else line.split()


def _number_in(word: str, place: int, path: Path) -> complex:
    try:
        return complex(word)
    except ValueError:
        short = word if len(word) <= LONGEST_WORD else word[:LONGEST_WORD] + "…"
        got = repr(short) if word else "an empty cell"
        raise Refused(f"y must be numbers, got {got} in line {place} of {path}") from None


def mask_in_file(path: str) -> np.ndarray:
    """Read a mask, bool, of what is known or measured: what is white in a picture, or not 0 in an npy.

    A picture, as an npy that `write_image` wrote is one, is cut at half of its largest value above black. Any other npy
    has one positive value, and 0.

    Raises
    ------
    ValueError
        where the file is neither, or nothing in it is known.
    """
    values = plain_array(path)
    if values is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FileWarning)  # a mask of 0 and 1 is as good as one of black and white
            light = load_image(path, grey=True)[0].double().numpy() + 1
        values = light > light.max() / 2
    _check_mask(path, values)
    return np.asarray(values != 0)


def _check_mask(path: str, values: np.ndarray) -> None:
    wanted = "mask must have 0 and one positive value, that of what is known, got"
    if values.dtype.kind not in "biuf" or not values.size:
        raise ValueError(f"{wanted} {values.dtype} of shape {values.shape} in {path}")
    if not np.isfinite(values).all():
        raise ValueError(f"{wanted} NaN or infinity in {path}: save it as bool")
    levels = np.unique(values[values != 0])
    if not levels.size:
        raise ValueError(f"mask must know at least one pixel, got 0 alone in {path}")
    if levels.size > 1 or levels[0] < 0:
        raise ValueError(f"{wanted} values from {values.min():g} to {values.max():g} in {path}: save it as bool")


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a named operator with the files of `mask` and `maps` read."""
    return {
        **options,
        **({"mask": mask_in_file(options["mask"])} if isinstance(options.get("mask"), str) else {}),
        **({"maps": maps_in_file(options["maps"])} if isinstance(options.get("maps"), str) else {}),
    }


def maps_in_file(path: str) -> np.ndarray:
    """Read coil maps (coils, H, W), real or complex.

    Raises
    ------
    ValueError
        where the file holds none.
    """
    with decoding(existing(path)):
        maps: np.ndarray = np.load(path, allow_pickle=False)
    if not isinstance(maps, np.ndarray) or maps.ndim != 3 or maps.dtype.kind not in "biufc":
        raise ValueError(f"maps must be an npy of shape (coils, height, width), got {path}, which is none")
    return maps
