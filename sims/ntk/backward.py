"""Backward passes that take many sensitivities at a time: while `BatchedBackward` is active, common operations of a
network are replaced by equal ones whose backward passes PyTorch can batch, instead of running them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Operation = Callable[..., torch.Tensor]


class BatchedBackward(TorchFunctionMode):
    """Replaces convolutions, norms by statistics of the input, and resampling, all of 2-D images.

    Where not `replacing`, all run as they are. `widest` is the number of entries of the largest tensor that an
    operation gave.
    """

    def __init__(self, replacing: bool = True) -> None:
        super().__init__()
        self.replaced, self.widest = _REPLACED if replacing else {}, 1

    def __torch_function__(
        self, func: Operation, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        replaced = self.replaced.get(func)
        result = func(*args, **(kwargs or {})) if replaced is None else replaced(func, *args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.widest = max(self.widest, result.numel())
        return result


class _Join(torch.autograd.Function):
    """The first of two equal tensors, differentiated as a function of both."""

    @staticmethod
    def forward(ctx: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a.view_as(a)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return g, g


class _Linear(torch.autograd.Function):
    """y, known to be a linear map of x, sent back by `adjoint`."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, adjoint: Operation) -> torch.Tensor:
        ctx.adjoint = adjoint
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.adjoint(g), None, None


def _weighted(plain: Operation, x: torch.Tensor, weight: torch.Tensor, adjoint: Operation) -> torch.Tensor:
    """A map of x and of its weights, `plain(x)`: the one by its adjoint, the other as PyTorch has it.

    Two branches, so that a backward pass that asks for nothing of the weights spends nothing on them.
    """
    y = plain(x.detach())
    if not x.requires_grad:
        return y
    sent: torch.Tensor = _Linear.apply(x, y.detach(), adjoint)  # type: ignore[no-untyped-call]
    return _Join.apply(sent, y) if y.requires_grad else sent  # type: ignore[no-untyped-call]


def _pair(value: Any) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, list | tuple) else (value,)
    return (int(pair[0]), int(pair[-1]))


def _conv2d(
    func: Operation, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None,
    stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> torch.Tensor:  # fmt: skip
    def plain(x: torch.Tensor) -> torch.Tensor:
        return func(x, weight, bias, stride, padding, dilation, groups)

    if isinstance(padding, str) or input.ndim != 4:
        return plain(input)
    s, p, d, sides = _pair(stride), _pair(padding), _pair(dilation), weight.shape[2:]
    reach = [d[i] * (sides[i] - 1) for i in (0, 1)]
    W, size = weight.detach(), input.shape[2:]
    turned = W.flip(2, 3).transpose(0, 1)
    outer = [reach[i] - p[i] for i in (0, 1)]

    def adjoint(g: torch.Tensor) -> torch.Tensor:
        if s == (1, 1) and groups == 1 and min(outer) >= 0:
            return F.conv2d(g, turned, None, 1, outer, d)
        left = [size[i] - ((g.shape[i + 2] - 1) * s[i] - 2 * p[i] + reach[i] + 1) for i in (0, 1)]
        return F.conv_transpose2d(g, W, None, s, p, left, groups, d)

    return _weighted(plain, input, weight, adjoint)


def _conv_transpose2d(
    func: Operation, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None,
    stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> torch.Tensor:  # fmt: skip
    def plain(x: torch.Tensor) -> torch.Tensor:
        return func(x, weight, bias, stride, padding, output_padding, groups, dilation)

    if input.ndim != 4:
        return plain(input)
    W, (h, w) = weight.detach(), input.shape[2:]

    def adjoint(g: torch.Tensor) -> torch.Tensor:
        return F.conv2d(g, W, None, stride, padding, dilation, groups)[..., :h, :w]

    return _weighted(plain, input, weight, adjoint)


def _standardised(
    x: torch.Tensor, over: tuple[int, ...], weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> torch.Tensor:
    centred = x - x.mean(over, keepdim=True)
    y = centred * (centred.square().mean(over, keepdim=True) + eps).rsqrt()
    shape = (1, -1, *([1] * (x.ndim - 2)))
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _batch_norm(
    func: Operation, input: torch.Tensor, running_mean: torch.Tensor | None, running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None, bias: torch.Tensor | None = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> torch.Tensor:  # fmt: skip
    if not training or running_mean is not None or running_var is not None:
        return func(input, running_mean, running_var, weight, bias, training, momentum, eps)
    return _standardised(input, (0, *range(2, input.ndim)), weight, bias, eps)


def _instance_norm(
    func: Operation, input: torch.Tensor, running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None, weight: torch.Tensor | None = None, bias: torch.Tensor | None = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> torch.Tensor:  # fmt: skip
    if not use_input_stats or running_mean is not None or running_var is not None:
        return func(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    return _standardised(input, tuple(range(2, input.ndim)), weight, bias, eps)


def _interpolate(func: Operation, input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Resampling is one matrix along each side; where the two do not give what it gives, it stays as it is."""
    y = func(input, *args, **kwargs)
    mode = kwargs.get("mode", args[2] if len(args) > 2 else "nearest")
    corners = kwargs.get("align_corners", args[3] if len(args) > 3 else None)
    if input.ndim != 4 or not input.requires_grad:
        return y
    down, across = (_along(func, y, input.shape[i], y.shape[i], mode, corners) for i in (2, 3))
    separable = ((input @ across).transpose(2, 3) @ down).transpose(2, 3)
    near = torch.allclose(separable, y, rtol=0, atol=100 * torch.finfo(y.dtype).eps * float(y.detach().abs().max()))
    return separable if near else y


def _along(func: Operation, like: torch.Tensor, side: int, new: int, mode: str, corners: bool | None) -> torch.Tensor:
    """The matrix (side, new) that resamples a row."""
    units = torch.eye(side, dtype=like.dtype, device=like.device)[None, :, :, None]
    return func(units.detach(), (new, 1), None, mode, corners)[0, :, :, 0]


_REPLACED: dict[Any, Operation] = {
    F.conv2d: _conv2d,
    F.conv_transpose2d: _conv_transpose2d,
    F.batch_norm: _batch_norm,
    F.instance_norm: _instance_norm,
    F.interpolate: _interpolate,
}
