"""J J^T of a network at one input, layer by layer, without ever forming J.

With one input, a convolution or linear layer l gives the rows J_l[i] = Delta_i P: Delta_i (C_out, S) is what output i
sends back to the layer's S positions, and P (S, q) are the patches of its input. So J_l J_l^T = sum over channels of
Delta_i (P P^T) Delta_j^T, and q may be replaced by the rank of P where that is less. All other weights (of norms, of
layers that run twice, of modules that are not known) come from vector-Jacobian products of their own.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import CheckpointError

from untrained.sims.networks.instance import own_input
from untrained.sims.networks.network import Network
from untrained.sims.ntk.backward import BatchedBackward
from untrained.sims.runtime import memory_available

BUDGET = 400 << 20
"""Bytes that rows of factors of J may take at a time."""
CHUNK = 8 << 20
"""Bytes that one batch of back-propagated sensitivities may take; the work on it takes some times as much."""
BLOCK = 128
"""Rows of one triangle of J J^T that are taken together."""


@dataclass(frozen=True)
class _Factor:
    """Some channels of a layer that is known: its output, to differentiate by, and the patches of its input (S, q).

    `last` says that channels are the last axis of the output, as linear layers have it.
    """

    output: torch.Tensor
    patches: torch.Tensor
    weight: bool
    bias: bool
    last: bool
    first: int
    channels: int

    @property
    def columns(self) -> int:
        """Columns of the rows."""
        return self.channels * (self.patches.shape[1] * self.weight + self.bias)

    def rows(self, sensitivities: torch.Tensor) -> torch.Tensor:
        """Rows of a matrix with the same J_l J_l^T, from what is sent back to the output: (B, columns)."""
        delta = sensitivities.flatten(1, -2).transpose(1, 2) if self.last else sensitivities.flatten(1, 2).flatten(2)
        delta = delta[:, self.first : self.first + self.channels]
        parts = []
        if self.weight:
            parts.append((delta @ self.patches).flatten(1))
        if self.bias:
            parts.append(delta.sum(2))
        return torch.cat(parts, 1)

    def split(self, columns: int) -> Iterator[_Factor]:
        """The same in parts of at most so many columns, or of one channel."""
        step = max(1, columns * self.channels // max(1, self.columns))
        for first in range(self.first, self.first + self.channels, step):
            yield replace(self, first=first, channels=min(step, self.first + self.channels - first))


@dataclass(frozen=True)
class _Weight:
    """Some columns of a weight that no layer accounts for, whose gradient is taken as it is."""

    output: torch.Tensor
    first: int
    columns: int

    def rows(self, sensitivities: torch.Tensor) -> torch.Tensor:
        """The columns of J that belong to it: (B, columns)."""
        return sensitivities.flatten(1)[:, self.first : self.first + self.columns]

    def split(self, columns: int) -> Iterator[_Weight]:
        """The same in parts of at most so many columns."""
        step = max(1, columns)
        for first in range(0, self.columns, step):
            yield replace(self, first=first, columns=min(step, self.columns - first))


_Call = tuple[torch.Tensor | None, torch.Tensor]
"""The input of a layer, None where more came with it, such as a size of its output, and its output."""


def _convolution(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor | None:
    if layer.groups != 1 or isinstance(layer.padding, str) or x.ndim != 4 or len(x) != 1:
        return None
    padding = layer.padding
    if layer.padding_mode != "zeros":
        x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode=layer.padding_mode)
        padding = (0, 0)
    return F.unfold(x, layer.kernel_size, layer.dilation, padding, layer.stride)[0].T


def _transposed(layer: nn.ConvTranspose2d, x: torch.Tensor) -> torch.Tensor | None:
    """Patches of the input with zeros between its pixels: what a plain convolution with the turned kernel sees."""
    if layer.groups != 1 or x.ndim != 4 or len(x) != 1 or isinstance(layer.padding, str):
        return None
    size = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], layer.stride, strict=True)]
    spread = x.new_zeros(1, x.shape[1], *size)
    spread[..., :: layer.stride[0], :: layer.stride[1]] = x
    outer = [d * (k - 1) - p for d, k, p in zip(layer.dilation, layer.kernel_size, layer.padding, strict=True)]
    extra = layer.output_padding
    spread = F.pad(spread, (outer[1], outer[1] + extra[1], outer[0], outer[0] + extra[0]))
    return F.unfold(spread, layer.kernel_size, layer.dilation)[0].T


def _linear(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor | None:
    if x.ndim < 2:
        return None
    return x.flatten(0, -2)


_KNOWN: dict[type[nn.Module], Callable[[Any, torch.Tensor], torch.Tensor | None]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.Linear: _linear,
}


def _narrow(patches: torch.Tensor) -> torch.Tensor:
    """A matrix (S, min(S, q)) with the same P P^T."""
    if patches.shape[1] <= patches.shape[0]:
        return patches.contiguous()
    values, vectors = torch.linalg.eigh(patches @ patches.T)
    return vectors * values.clamp_min(0).sqrt()


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer of a known kind does what its kind does: hooks and weights of other names may change that."""
    own = {name for name, _ in layer.named_parameters(recurse=False)} <= {"weight", "bias"}
    hooked = layer._forward_hooks or any(hook is not own_input for hook in layer._forward_pre_hooks.values())
    return type(layer) in _KNOWN and own and not hooked and "forward" not in vars(layer)


def _captured(network: Network, by_layers: bool, replaced: bool) -> tuple[torch.Tensor, list[_Factor | _Weight], int]:
    """The output (n,), the factors of J, and the entries of the largest tensor on the way."""
    runs: dict[nn.Module, list[_Call]] = {}

    def note(layer: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any], output: torch.Tensor) -> torch.Tensor:
        x, *more = (*inputs, *keywords.values())
        runs.setdefault(layer, []).append((None if more else x.detach(), output))
        return output.clone()  # what follows may overwrite its input

    plain = [layer for layer in network.module.modules() if by_layers and _is_plain(layer)]
    hooks = [layer.register_forward_hook(note, with_kwargs=True) for layer in plain]
    try:
        with BatchedBackward(replaced) as mode:
            y = network.output()
    finally:
        for hook in hooks:
            hook.remove()
    whole, covered = _known(network, runs)
    widest = max(mode.widest, _largest_saved(network))
    rest = [network.parameter(name) for name in network.weights if name not in covered]
    return y, [*whole, *(_Weight(weight, 0, weight.numel()) for weight in rest)], widest


def _largest_saved(network: Network) -> int:
    """Entries of the largest tensor that is kept for the way back: an attention's are within one operation."""
    entries = [1]

    def pack(part: torch.Tensor) -> torch.Tensor:
        entries.append(part.numel())
        return part.detach()

    with (
        contextlib.suppress(RuntimeError),  # torch.func, within a forward, allows no such hooks
        torch.autograd.graph.saved_tensors_hooks(pack, lambda part: part),
    ):
        network.output()
    return max(entries)


def _known(network: Network, inputs: dict[nn.Module, list[_Call]]) -> tuple[list[_Factor], set[str]]:
    """The factors of the layers that ran once and hold weights of their own, and the names of these weights."""
    names = {id(weight): name for name, weight in network.module.named_parameters(remove_duplicate=True)}
    shared = _shared(network.module)
    factors: list[_Factor] = []
    covered: set[str] = set()
    for layer, calls in inputs.items():
        mine = {key: names[id(weight)] for key, weight in layer.named_parameters(recurse=False)}
        trained = {key for key, name in mine.items() if name in network.weights}
        if len(calls) != 1 or not trained or shared & set(mine.values()):
            continue
        x, output = calls[0]
        patches = None if x is None else _KNOWN[type(layer)](layer, x)
        if patches is not None and output.requires_grad:
            last = type(layer) is nn.Linear
            channels = output.shape[-1 if last else 1]
            factors.append(_Factor(output, _narrow(patches), "weight" in trained, "bias" in trained, last, 0, channels))
            covered |= {mine[key] for key in trained}
    return factors, covered


def _shared(module: nn.Module) -> set[str]:
    """Names of weights that more than one layer holds."""
    first: dict[int, str] = {}
    shared = set()
    for name, weight in module.named_parameters(remove_duplicate=False):
        if id(weight) in first:
            shared.add(first[id(weight)])
        first.setdefault(id(weight), name)
    return shared


def _groups(factors: Sequence[_Factor | _Weight], room: int) -> Iterator[list[_Factor | _Weight]]:
    """Factors, or parts of them, of at most `room` columns together; those near the output come together."""
    used = 0
    group: list[_Factor | _Weight] = []
    for whole in reversed(factors):
        for part in whole.split(room):
            if group and used + part.columns > room:
                yield group
                group, used = [], 0
            group.append(part)
            used += part.columns
    if group:
        yield group


def _rows(y: torch.Tensor, group: Sequence[_Factor | _Weight], widest: int) -> list[torch.Tensor]:
    """The rows of each factor for all n outputs, (n, columns) each."""
    outputs = list({id(factor.output): factor.output for factor in group}.values())
    rows = [torch.empty(len(y), factor.columns, dtype=y.dtype, device=y.device) for factor in group]
    size = CHUNK // (y.element_size() * max(widest, sum(output.numel() for output in outputs)))
    for place, sent in _sent_back(y, outputs, max(1, size)):
        by_id = {id(output): back for output, back in zip(outputs, sent, strict=True)}
        for factor, row in zip(group, rows, strict=True):
            back = by_id[id(factor.output)]
            row[place] = 0 if back is None else factor.rows(back)
    return rows


def _sent_back(
    y: torch.Tensor, to: Sequence[torch.Tensor], size: int
) -> Iterator[tuple[slice, tuple[torch.Tensor | None, ...]]]:
    """Vector-Jacobian products of the unit vectors, `size` at a time."""
    back = _together
    for start in range(0, len(y), size):
        place = slice(start, min(len(y), start + size))
        units = torch.zeros(place.stop - start, len(y), dtype=y.dtype, device=y.device)
        units[:, place].fill_diagonal_(1)
        try:
            gradients = back(y, to, units)
        except RuntimeError:
            if back is _one_by_one:
                raise
            back = _one_by_one  # some backward pass cannot be batched; what is wrong otherwise comes up again here
            gradients = back(y, to, units)
        yield place, gradients


def _together(y: torch.Tensor, to: Sequence[torch.Tensor], units: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    """By functorch's rules for batches; those behind `is_grads_batched` run most backward passes one by one."""

    def back(unit: torch.Tensor) -> tuple[torch.Tensor, ...]:
        gradients = torch.autograd.grad(y, list(to), unit, retain_graph=True, allow_unused=True)
        reached.extend(part is not None for part in gradients)
        return tuple(part for part in gradients if part is not None)

    reached: list[bool] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        parts = iter(torch.vmap(back)(units))
    return tuple(next(parts) if is_reached else None for is_reached in reached)


def _one_by_one(y: torch.Tensor, to: Sequence[torch.Tensor], units: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    gradients = [torch.autograd.grad(y, list(to), unit, retain_graph=True, allow_unused=True) for unit in units]
    return tuple(
        None if any(part is None for part in parts) else torch.stack(cast("list[torch.Tensor]", list(parts)))
        for parts in zip(*gradients, strict=True)
    )


def _add_triangle(K: torch.Tensor, rows: torch.Tensor) -> None:
    """Add rows rows^T on and below the blocks of the diagonal."""
    for start in range(0, len(K), BLOCK):
        place = slice(start, start + BLOCK)
        K[start:, place].addmm_(rows[start:], rows[place].T)


def _room(n: int, like: torch.Tensor) -> int:
    """Columns of rows that may be held at a time: as the budget has it, fewer where memory is short.

    Raises
    ------
    ValueError
        where J J^T and its eigenvectors do not fit.
    """
    needed = 5 * n * n * like.element_size() + 2 * CHUNK
    available = memory_available(like.device)
    if available is not None and needed > available:
        raise ValueError(
            f"J J^T of n={n} must fit into the {available / 1e9:.1f} GB available on {like.device}, "
            f"got {needed / 1e9:.1f} GB: ask for the extremes of the spectrum only"
        )
    budget = BUDGET if available is None else min(BUDGET, (available - needed) // 2)
    return int(max(1, budget // (n * like.element_size())))


def jacobian_gram(network: Network) -> torch.Tensor:
    """Return J J^T (n, n) over all weights that train, in the network's dtype.

    Time grows as n passes backwards through the network and n^2 columns a layer; memory stays near BUDGET and n^2.

    Raises
    ------
    ValueError
        where the matrix does not fit into memory, with an estimate.
    """
    try:
        K, agrees = _gram(network)
        return K if agrees else _gram(network, by_layers=False)[0]
    except CheckpointError:  # what is computed again must be computed alike
        return _gram(network, by_layers=False, replaced=False)[0]


def _gram(network: Network, *, by_layers: bool = True, replaced: bool = True) -> tuple[torch.Tensor, bool]:
    """J J^T and whether it agrees with a product of its own: a layer's weights may be used elsewhere as well."""
    room = _room(network.n, network.parameter(network.weights[0]))
    y, factors, widest = _captured(network, by_layers, replaced)
    K = torch.zeros(len(y), len(y), dtype=y.dtype, device=y.device)
    for group in _groups(factors, room):
        for rows in _rows(y, group, widest):
            _add_triangle(K, rows)
    K = K.tril() + K.tril(-1).T
    return K, _agrees(K, y, [network.parameter(name) for name in network.weights])


def _agrees(K: torch.Tensor, y: torch.Tensor, weights: Sequence[torch.Tensor]) -> bool:
    """u^T K u = ||J^T u||^2 for some u that no output prefers."""
    u = torch.cos(1 + 1.7 * torch.arange(len(y), dtype=y.dtype, device=y.device))
    sent = torch.autograd.grad(y, list(weights), u, allow_unused=True)
    trained = sum(float(part.square().sum()) for part in sent if part is not None)
    return abs(float(u @ K @ u) - trained) <= torch.finfo(y.dtype).eps ** 0.5 * float(u @ u) * float(K.diagonal().max())
