"""Trying a network once: does it run, and is what it gives a function of its weights alone, with derivatives?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from untrained.sims.networks.output import OutputPart, tensor_of
from untrained.sims.networks.preparing import copied, outside, prepared
from untrained.sims.random.isolated_rng import global_states, isolated_rng
from untrained.sims.user_files import USER_ERRORS, error_line

_ROUNDING = 1e4
"""Two runs that differ by so many units of rounding, of the largest entry, are taken to differ."""


class _Watch(TorchDispatchMode):
    """Notes which operations draw random numbers, and whether one rounds what depends on the weights."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.random: list[str] = []
        self.narrowed: torch.dtype | None = None

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.random.append(func.overloadpacket.__name__.strip("_"))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[-1 if func is torch.ops.aten.copy_.default else 0]
            self._note(source, result)
        return result

    def _note(self, source: object, result: torch.Tensor) -> None:
        if isinstance(source, torch.Tensor) and source.requires_grad and _is_rounded(source.dtype, result.dtype):
            self.narrowed = result.dtype


def _is_rounded(before: torch.dtype, after: torch.dtype) -> bool:
    """Whether numbers, real or complex, lose digits; what becomes whole has no derivative to lose them in."""
    inexact = all(dtype.is_floating_point or dtype.is_complex for dtype in (before, after))
    return inexact and torch.finfo(after).eps > torch.finfo(before).eps


def run_module(module: nn.Module, z: torch.Tensor) -> object:
    """Run a module as it is differentiated: by kernels of attention with derivatives of every order, not compiled.

    One that differentiates in its forward runs with gradients even where none are asked for.
    """
    with sdpa_kernel(SDPBackend.MATH), _uncompiled():
        try:
            return module(z)
        except RuntimeError:
            if torch.is_grad_enabled():
                raise
        with torch.enable_grad():
            return module(z)


def _uncompiled() -> AbstractContextManager[Any]:
    """Compiled parts run as they were written; nothing is compiled where this is not imported, which takes seconds."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def probe(
    name: str, module: nn.Module, twin: nn.Module, z: torch.Tensor, weights: Sequence[str], part: OutputPart = None
) -> tuple[object, list[torch.Tensor]]:
    """Return what a module gives, run as its prepared copy `twin`, and J^T u for a fixed u, in parts, trying both.

    One that draws random numbers is tried many times.

    Raises
    ------
    ValueError
        where the network fails, draws random numbers, changes itself, holds weights past its copy, computes in less
        than its dtype, gives no tensor of finite numbers, or gives what its weights do not change or what cannot be
        differentiated by them.
    """
    names = {key for key, _ in twin.named_parameters()}
    theta = [twin.get_parameter(key) for key in weights]
    before, watch = [weight.detach().clone() for weight in theta], _Watch()
    with isolated_rng(0, "try", 1):
        states = global_states()
        with watch:
            output = _run_twin(name, module, twin, z)
        watch.random += [] if states == global_states() else ["random"]
    with isolated_rng(0, "try", 2), torch.no_grad():
        again = _run_twin(name, module, twin, z)
    if not all(torch.equal(old, weight) for old, weight in zip(before, theta, strict=True)):
        raise ValueError(f"weights of {name} must stay as they are when it runs, got a forward that changes them")
    more = [key for key, _ in twin.named_parameters() if key not in names]
    if more:
        raise ValueError(
            f"weights of {name} must be there before it runs, got a forward that makes {more[0]}: run it once"
        )
    y = tensor_of(output, part)
    _check_reached(name, y, module)
    _check_output(name, y, tensor_of(again, part), watch, theta[0].dtype)
    gradients = _check_gradient(name, y, theta)
    for number in range(TRIES if watch.random else 0):
        with isolated_rng(0, "try", 4 + number):
            other = tensor_of(run_module(twin, z), part)
        _check_draws(name, (y, *gradients), (other, *_gradients(other, theta)), watch)
    return output, gradients


TRIES = 30
"""Runs of a network that draws random numbers, all of which must give the same output and derivatives."""


def _check_draws(name: str, ones: Sequence[torch.Tensor], others: Sequence[torch.Tensor], watch: _Watch) -> None:
    for what, one, other in zip(("output", *["derivatives"] * len(ones)), ones, others, strict=False):
        if one.shape != other.shape or _differ(one.detach(), other.detach()):
            raise ValueError(
                f"{what} of {name} must be the same each time, got one that draws random numbers ({watch.random[0]})"
            )


def probe_copy(
    name: str, twin: nn.Module, z: torch.Tensor, weights: Sequence[str], part: OutputPart, like: Sequence[torch.Tensor]
) -> list[str]:
    """Run a copy of a module that has run: its derivatives must be `like` the first; say so where differences are not.

    Raises
    ------
    ValueError
        where the copy has other derivatives.
    """
    later = copied(name, twin)
    theta = [later.get_parameter(key) for key in weights]

    def output() -> torch.Tensor:
        with isolated_rng(0, "try", 1):
            y = tensor_of(run_module(later, z), part)
        return y if torch.is_grad_enabled() else y.detach()

    _check_copy(name, output(), theta, like)
    return [] if theta[0].dtype != torch.float64 or _are_differences(output, theta, like) else [OTHERWISE]


OTHERWISE = (
    "its derivatives are not those of its output by differences: a part is detached or rounded, a backward of its own "
    "differs, or it starts on a kink"
)


def _are_differences(
    output: Callable[[], torch.Tensor], theta: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]
) -> bool:
    """Whether u^T J v is a central difference of u^T f along v, the gradient and a random direction mixed."""
    size, away = _norm(gradients), [torch.cos(2.3 * torch.arange(w.numel()).to(w) + 1).view_as(w) for w in theta]
    v = [g / size + r / _norm(away) for g, r in zip(gradients, away, strict=True)]
    expected = float(sum((g * part).sum() for g, part in zip(gradients, v, strict=True)))
    h, ends = 1e-9 * max(_norm(theta), 1e-3), []  # so near that hardly a rectifier of a million flips
    with torch.no_grad():
        for shift in (h, -2 * h):
            for weight, part in zip(theta, v, strict=True):
                weight.add_(part, alpha=shift)
            y = output()
            ends.append(float((y * _direction(y)).sum()))
    rounding = 1e-13 * max(map(abs, ends)) / h
    return abs((ends[0] - ends[1]) / (2 * h) - expected) <= 1e-3 * size + rounding


def _norm(parts: Sequence[torch.Tensor]) -> float:
    return float(torch.stack([part.detach().norm() for part in parts]).norm())


def _run_twin(name: str, module: nn.Module, twin: nn.Module, z: torch.Tensor) -> object:
    try:
        return run_module(twin, z)
    except USER_ERRORS as error:
        size, dtype = tuple(z.shape), str(z.dtype).removeprefix("torch.")
        if _runs_otherwise(name, module, z):
            places = ", ".join(outside(module))
            foreign = "runs layers that are not its own" + (f" ({places})" if places else "")
            raise ValueError(
                f"network must compute in {dtype}, got {name}, whose forward insists on another, or {foreign}: "
                f"{error_line(error)}"
            ) from error
        raise ValueError(f"{name} must accept a latent of shape {size}, got {error_line(error)}") from error


def _runs_otherwise(name: str, module: nn.Module, z: torch.Tensor) -> bool:
    """Whether the module runs in its own dtype, if that is another."""
    own = next((weight.dtype for weight in module.parameters() if weight.is_floating_point()), z.dtype)
    if own == z.dtype:
        return False
    try:
        run_module(prepared(name, module, own), z.to(own) if z.is_floating_point() else z)
    except USER_ERRORS:
        return False
    return True


def _check_output(name: str, y: torch.Tensor, again: torch.Tensor, watch: _Watch, dtype: torch.dtype) -> None:
    if not y.numel():
        raise ValueError(f"output of {name} must have entries, got shape {tuple(y.shape)}")
    if not torch.isfinite(y).all():
        raise ValueError(f"output of {name} must be finite, got a NaN or an infinity")
    if y.shape != again.shape or _differ(y.detach(), again.detach()):
        reason = f"draws random numbers ({watch.random[0]})" if watch.random else "changes from call to call"
        raise ValueError(f"output of {name} must be the same each time, got one that {reason}")
    narrow = y.dtype if _is_rounded(dtype, y.dtype) else watch.narrowed
    if narrow is not None:
        precise, got = (str(kind).removeprefix("torch.") for kind in (dtype, narrow))
        raise ValueError(f"network must compute in {precise}, got {name}, whose forward rounds to {got}: take that out")


def _check_reached(name: str, y: torch.Tensor, module: nn.Module) -> None:
    """Refuse an output of a copy that is computed from a weight of the module that was copied."""
    originals = {id(weight): key for key, weight in module.named_parameters()}
    nodes, met = [y.grad_fn], set[object]()
    while nodes:
        node = nodes.pop()
        if node is None or node in met:
            continue
        met.add(node)
        nodes += [before for before, _ in node.next_functions]
        key = originals.get(id(getattr(node, "variable", None)))
        if key is not None:
            raise ValueError(
                f"weights of {name} must be reached through the module, got a function or hook that holds {key} "
                "itself: let it take what it needs of the layer that it is given"
            )


def _differ(y: torch.Tensor, again: torch.Tensor) -> bool:
    return not _largest(y - again) <= _ROUNDING * torch.finfo(y.dtype).eps * _largest(y)


def _largest(part: torch.Tensor) -> float:
    """The largest size of an entry, 0 where there is none."""
    return float(part.abs().max()) if part.numel() else 0.0


def _check_gradient(name: str, y: torch.Tensor, theta: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if not y.requires_grad:
        raise ValueError(f"output of {name} must depend on its weights, got one that does not")
    try:
        gradients = _gradients(y, theta)
    except RuntimeError as error:
        raise ValueError(f"{name} must be differentiable in its weights, got {error_line(error)}") from error
    if not all(bool(torch.isfinite(g).all()) for g in gradients):
        raise ValueError(f"derivatives of {name} must be finite, got a NaN or an infinity")
    if not any(bool(g.any()) for g in gradients):
        raise ValueError(f"output of {name} must depend on its weights, got one that does not")
    return gradients


def _gradients(y: torch.Tensor, theta: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """J^T u for a fixed u, in parts."""
    parts = torch.autograd.grad(y, list(theta), _direction(y), allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(parts, theta, strict=True)]


def _direction(y: torch.Tensor) -> torch.Tensor:
    """A fixed u of the shape of an output."""
    with isolated_rng(0, "try", 3):
        return torch.randn(y.shape, dtype=y.dtype, device=y.device)


def _check_copy(name: str, y: torch.Tensor, theta: Sequence[torch.Tensor], like: Sequence[torch.Tensor]) -> None:
    """Refuse a network whose copy, made after a run, has other derivatives: it goes on from what it held."""
    gradients = _gradients(y, theta) if y.requires_grad else []
    tolerance = _ROUNDING * torch.finfo(y.dtype).eps * max(_largest(g) for g in like)
    if not gradients or any(_largest(a - b) > tolerance for a, b in zip(gradients, like, strict=True)):
        raise ValueError(
            f"output of {name} must be computed from its weights at each call, got a forward that goes on from an "
            "earlier one: take out what it keeps"
        )
