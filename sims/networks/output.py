"""What a network gives: the tensor taken of it, that tensor as a vector, and as an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from math import isqrt, prod

import torch

from untrained.sims.operators.base import Shape

OutputPart = int | str | None
"""Which tensor of a tuple, list, mapping or dataclass is the output: its place or key; None for the first."""

MOST_COLOURS = 4
"""An axis of so many entries at most holds colours."""


def tensors(output: object, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of floating-point numbers in an output, in its order, each with the way to it."""
    if isinstance(output, torch.Tensor):
        if output.is_floating_point():
            yield path, output
    elif isinstance(output, Mapping):
        for key, part in output.items():
            yield from tensors(part, f"{path}[{key!r}]")
    elif isinstance(output, tuple | list):
        for place, part in enumerate(output):
            yield from tensors(part, f"{path}[{place}]")
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        for field in dataclasses.fields(output):
            yield from tensors(getattr(output, field.name), f"{path}[{field.name!r}]")


def tensor_of(output: object, part: OutputPart = None) -> torch.Tensor:
    """Return the output's tensor, or of several the one at `part`, by default the first.

    Raises
    ------
    ValueError
        where there is none.
    """
    places = (f"[{part!r}]", f"[{str(part)!r}]")  # a key may be a number in words, as those of pyramids are
    for path, tensor in tensors(output):
        if part is None or path.startswith(places):
            return _dense(tensor)
    kind = str(output.dtype) if isinstance(output, torch.Tensor) else type(output).__name__
    if part is not None:
        paths = ", ".join(path for path, _ in tensors(output)) or "none"
        raise ValueError(f"part must be of the output, a {kind} (with {paths}), got {part!r}")
    way = ": give its real part, its size, or both parts" if "complex" in kind else ""
    raise ValueError(f"output of the network must be a tensor of floating-point numbers, got {kind}{way}")


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.layout != torch.strided or tensor.is_nested:
        layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
        raise ValueError(f"output of the network must be a dense tensor, got a {layout} one")
    return tensor


def flat(output: object, part: OutputPart = None) -> torch.Tensor:
    """Return an output as a vector (n,), channel by channel.

    Raises
    ------
    ValueError
        where there is no tensor of floating-point numbers in it.
    """
    tensor = tensor_of(output, part)
    sides = _sides(tensor.shape)
    return (tensor.reshape(sides).movedim(-1, 0) if _colours_last(sides) else tensor).reshape(-1)


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side for side in shape if side != 1)


def _colours_last(sides: tuple[int, ...]) -> bool:
    """Whether an output with these sides, none of them 1, is (..., H, W, C) or (pixels of a square, C)."""
    match sides:
        case (pixels, last):
            return last <= MOST_COLOURS < isqrt(pixels) and isqrt(pixels) ** 2 == pixels
        case (*_, height, width, last):
            return last <= MOST_COLOURS < min(height, width)
    return False


def image_shape(shape: tuple[int, ...]) -> Shape:
    """Return an output's shape as that of an image (C, H, W): sides of one entry left out, a square unfolded.

    Colours may come first or last, also of pixels in one long row, as coordinate networks give them. More axes (of a
    batch, of features, the depth of a volume) make C planes; a row that is no square stays one.
    """
    sides = _sides(shape)
    if _colours_last(sides):
        c, *rest = sides[-1], *sides[:-1]
        height, width = rest[-2:] if len(rest) > 1 else (isqrt(rest[0]), isqrt(rest[0]))
        return (c * prod(rest[:-2]), height, width)
    match sides:
        case (*planes, height, width):
            return (prod(planes), height, width)
        case (pixels,) if isqrt(pixels) ** 2 == pixels:
            return (1, isqrt(pixels), isqrt(pixels))
    return (1, 1, prod(sides))


def output_image(output: torch.Tensor, shape: Shape) -> torch.Tensor | None:
    """Return one output as an image of a known shape (C, H, W), None where it is of another.

    It may be that image with its axes of one entry dropped, one with colours last, also of pixels in one long row, or a
    row of as many numbers.
    """
    c, height, width = shape
    sides = _sides(output.shape)
    if sides in (_sides(shape), (prod(shape),)):
        return output.reshape(shape)
    if c > 1 and sides in (_sides((height, width, c)), (height * width, c)):
        return output.reshape(-1, c).T.reshape(shape)
    return None


def described(output: object, part: OutputPart = None) -> list[str]:
    """Say what was taken of an output and as what kind of image, where that is not plain."""
    paths, tensor = [path for path, _ in tensors(output)], tensor_of(output, part)
    says = []
    if len(paths) > 1:
        where = next(path for path, one in tensors(output) if one is tensor)
        says.append(f"of the {len(paths)} tensors of its output ({', '.join(paths)}) {where} is taken")
    c, height, width = image_shape(tensor.shape)
    size = " x ".join(map(str, tensor.shape)) or "1"
    if height == 1 and width > 1:
        says.append(f"its output ({size}) is taken as one row of {width} numbers")
    elif c not in (1, 3):
        says.append(f"its output ({size}) is taken as {c} planes of {height} x {width}")
    return says
