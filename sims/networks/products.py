"""Upsampling and transposed convolution as matrix products: fast where images are small, and repeatable on CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeVar

import torch
from torch.nn import functional as F

FEW = 64
"""Pixels up to which x^T w is a faster product than w^T x (measured with 16 to 512 channels on one core)."""
_Kind = tuple[torch.device, torch.dtype]
_T = TypeVar("_T")


@dataclass(frozen=True)
class AxisMap:
    """One axis of an upsampling and a transposed convolution after it: all that their matrix depends on."""

    length: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    mode: str | None = None
    size: int | None = None
    factor: float | None = None
    aligned: bool | None = None

    @property
    def between(self) -> int:
        """Pixels after the upsampling."""
        return self.size or (self.length if self.factor is None else int(self.length * self.factor))

    @property
    def after(self) -> int:
        """Pixels after the transposed convolution."""
        return (self.between - 1) * self.stride - 2 * self.padding + self.kernel

    def matrices(self) -> torch.Tensor:
        """One matrix for each tap of the kernel: (kernel, pixels after, pixels before), float64."""
        taps = torch.zeros(self.kernel, self.after, self.between, dtype=torch.float64)
        for tap, pixel in product(range(self.kernel), range(self.between)):
            if 0 <= (to := pixel * self.stride - self.padding + tap) < self.after:
                taps[tap, to, pixel] = 1
        return taps @ self._upsampling()

    def _upsampling(self) -> torch.Tensor:
        units = torch.eye(self.length, dtype=torch.float64)
        if self.mode is None:
            return units
        mode = "linear" if self.mode == "bilinear" else self.mode
        return F.interpolate(units[None], self.size, self.factor, mode, self.aligned)[0].T


@lru_cache(maxsize=256)
def _two_matrices(rows: AxisMap, columns: AxisMap, like: _Kind) -> tuple[torch.Tensor, torch.Tensor]:
    """One for the left, (pixels after, kernel * pixels before), and one for the right, (kernel * before, after)."""
    left, right = rows.matrices().transpose(0, 1).flatten(1), columns.matrices().transpose(1, 2).flatten(0, 1)
    return left.to(*like).contiguous(), right.to(*like).contiguous()


@lru_cache(maxsize=256)
def _one_matrix(rows: AxisMap, columns: AxisMap, like: _Kind) -> torch.Tensor:
    """Both axes at once: (kernel area * pixels before, rows after, columns after)."""
    both = torch.einsum("ari,bcj->abijrc", rows.matrices(), columns.matrices())
    return both.flatten(0, 3).to(*like).contiguous()


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _fixed(make: Callable[[AxisMap, AxisMap, _Kind], _T], rows: AxisMap, columns: AxisMap, like: _Kind) -> _T:
    """What is made of sizes alone: a compiler need not look into it, and could not see that it is cached."""
    return make(rows, columns, like)


class _Columns(torch.autograd.Function):
    """w^T x of each copy, (B, Cin, P) by (B, Cin, N) to (B, N, P), in the order of factors that is fast for P."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        if x.shape[2] <= FEW:
            return torch.bmm(x.transpose(1, 2), w).transpose(1, 2)
        return torch.bmm(w.transpose(1, 2), x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        x, w = ctx.saved_tensors
        turned = g.transpose(1, 2).contiguous() if x.shape[2] <= FEW else g.transpose(1, 2)
        gx = torch.bmm(turned, w.transpose(1, 2)).transpose(1, 2) if ctx.needs_input_grad[0] else None
        return gx, x * turned if x.shape[2] == 1 else torch.bmm(x, turned)


def _columns(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """What each pixel of x (B, Cin, H, W) adds through each tap: (B, Cout * kernel area, H * W)."""
    columns: torch.Tensor = _Columns.apply(x.flatten(2), weight.flatten(2))  # type: ignore[no-untyped-call]
    return columns


def _both_sides(images: torch.Tensor, rows: AxisMap, columns: AxisMap) -> torch.Tensor:
    """(K, kernel * H, kernel * W) to (K, rows after, columns after)."""
    left, right = _fixed(_two_matrices, rows, columns, (images.device, images.dtype))
    return torch.bmm(left.expand(len(images), *left.shape), images @ right)


def resized(x: torch.Tensor, rows: AxisMap, columns: AxisMap) -> torch.Tensor:
    """Upsample images (B, C, H, W) by a matrix for rows and one for columns."""
    return _both_sides(x.flatten(0, 1), rows, columns).unflatten(0, x.shape[:2])


def transposed_by_products(
    x: torch.Tensor, weight: torch.Tensor, stride: tuple[int, ...], padding: tuple[int, ...]
) -> torch.Tensor:
    """Convolve x (B, Cin, H, W), transposed, by weight (B, Cin, Cout, k, l): a batched matrix product and a fold."""
    copies, _, outputs, *kernel = weight.shape
    size = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(x.shape[2:], stride, padding, kernel, strict=True))
    folded = F.fold(_columns(x, weight), size, tuple(kernel), stride=stride, padding=padding)
    return folded.reshape(copies, outputs, *size)


def transposed_in_one(x: torch.Tensor, weight: torch.Tensor, rows: AxisMap, columns: AxisMap) -> torch.Tensor:
    """Upsample and convolve x (B, Cin, H, W) by weight (B, Cin, Cout, k, l), all that is fixed being one matrix."""
    copies, _, outputs = weight.shape[:3]
    fixed = _fixed(_one_matrix, rows, columns, (x.device, x.dtype))
    out = _columns(x, weight).reshape(copies * outputs, -1) @ fixed.flatten(1)
    return out.reshape(copies, outputs, *fixed.shape[1:])


def transposed_in_two(x: torch.Tensor, weight: torch.Tensor, rows: AxisMap, columns: AxisMap) -> torch.Tensor:
    """The same by a matrix for rows and one for columns: channels are mixed first, while there are few pixels."""
    copies, _, outputs, *kernel = weight.shape
    taps = _columns(x, weight).reshape(copies * outputs, *kernel, *x.shape[2:]).transpose(2, 3)
    out = _both_sides(taps.flatten(3).flatten(1, 2), rows, columns)
    return out.unflatten(0, (copies, outputs))
