"""Directions in which to perturb the weights so that a Jacobian changes most, and the rectifiers they flip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from untrained.sims.networks.network import Network
from untrained.sims.random.streams import stream

_KINKED = {"relu", "relu_", "leaky_relu", "leaky_relu_", "relu6", "prelu", "threshold", "threshold_", "clamp_min"}
_SMOOTHED = {"relu", "relu_", "leaky_relu", "leaky_relu_"}


@dataclass(frozen=True)
class Activations:
    """Output (n,) of one run with, for each rectifier, what went in and what came out, all attached to the weights."""

    output: torch.Tensor
    before: tuple[torch.Tensor, ...]
    after: tuple[torch.Tensor, ...]


def _input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs.get("input")


class _Watching(TorchFunctionMode):
    """Note what goes into rectifiers, as layers, functions or methods, and what comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[torch.Tensor] = []
        self.after: list[torch.Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in _KINKED:
            return func(*args, **kwargs)
        self.before.append(_input(args, kwargs).clone())  # the rectifier may overwrite it
        result = func(*args, **kwargs)
        self.after.append(result)
        return result


class _Smoothing(TorchFunctionMode):
    """Round the corner of every rectifier, over `width` times the size of what goes in."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.width = width

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _SMOOTHED:
            return func(*args, **kwargs)
        x = _input(args, kwargs)
        slope = 0.0 if name.startswith("relu") else kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
        return _softened(x, slope, self.width)  # never in place: what is overwritten cannot be differentiated twice


def _softened(x: torch.Tensor, slope: float, width: float) -> torch.Tensor:
    scale = float(x.detach().square().mean().sqrt()) * width
    if not scale > 0:
        return F.leaky_relu(x, slope)
    return slope * x + (1 - slope) * scale * F.softplus(x / scale)


def activations(network: Network) -> Activations:
    """Run the network once and return what its rectifiers saw; none are found in a network of smooth layers only."""
    with _Watching() as record:
        y = network.output()
    pairs = [(x, o) for x, o in zip(record.before, record.after, strict=True) if x.requires_grad]
    return Activations(y, tuple(x for x, _ in pairs), tuple(o for _, o in pairs))


def smoothed(network: Network, width: float) -> Callable[[], torch.Tensor]:
    """The network's output as a function of its weights with rounded rectifiers: a surrogate that has curvature."""

    def output() -> torch.Tensor:
        with _Smoothing(width):
            return network.output()

    return output


PAST = 1.02
"""How far rectifiers are pushed, in units of the distance at which the linearised network flips them."""
ROUNDED = 0.2
"""Width of the rounded corners of the surrogate, in units of the size of what goes in."""


@dataclass(frozen=True)
class Perturbation:
    """A unit direction (count,) with the distances along it that look promising."""

    name: str
    direction: torch.Tensor
    distances: tuple[float, ...]


def plain_perturbations(
    network: Network, radius: float, seed: int, paths: Mapping[str, torch.Tensor], layers: int = 0
) -> Iterator[Perturbation]:
    """The given paths, a random direction, and the weights shrunk to zero and grown: all of them, and single layers.

    Of the layers those of least norm are taken, of which a given distance is the largest share.
    """
    theta = network.vector()
    for name, path in paths.items():
        yield _perturbation(name, path.to(theta), radius, float(path.norm()))
    draws = stream(seed, "attack", "random").standard_normal(network.count)
    yield _perturbation("random", torch.from_numpy(draws).to(theta), radius)
    for name, part in {"all weights": theta, **_layers(network, theta, layers)}.items():
        yield _perturbation(f"shrinking {name}", -part, radius, 0.999 * float(part.norm()))
        yield _perturbation(f"growing {name}", part, radius)


def _perturbation(name: str, towards: torch.Tensor, radius: float, *distances: float) -> Perturbation:
    inside = tuple(t for t in distances if 0 < t < radius)
    return Perturbation(name, towards / towards.norm().clamp_min(1e-300), (*inside, radius))


def _layers(network: Network, theta: torch.Tensor, most: int) -> dict[str, torch.Tensor]:
    """theta with all but one weight tensor set to zero, for those of least norm; nothing where there is only one."""
    sizes = [network.parameter(name).numel() for name in network.weights]
    parts = list(zip(network.weights, theta.split(sizes), strict=True))
    chosen = sorted((float(part.norm()), name) for name, part in parts if part.norm() > 0)[:most]
    starts = dict(zip(network.weights, torch.tensor([0, *sizes]).cumsum(0).tolist(), strict=False))
    layers = {}
    for _, name in chosen if len(parts) > 1 else []:
        place = slice(starts[name], starts[name] + network.parameter(name).numel())
        layers[name] = torch.zeros_like(theta)
        layers[name][place] = theta[place]
    return layers


def sign_flips(network: Network, radius: float, u: torch.Tensor) -> Iterator[Perturbation]:
    """Push as many rectifiers through zero as the radius allows: those nearest to it, or those worth most to u^T f.

    For the two-layer generator these are the cheapest flips, and those with the largest <u, v_l>^2/g_l^2.
    """
    a = activations(network)
    if not a.before:
        return
    h = torch.cat([_in_units(x) for x in a.before])
    yield from _flipped("flips nearest to zero", network, a, h.abs().argsort(), radius)
    sent = torch.autograd.grad(a.output, a.after, u, retain_graph=True, allow_unused=True)
    pairs = zip(sent, a.after, strict=True)
    worth = torch.cat([o.new_zeros(o.numel()) if g is None else g.flatten() for g, o in pairs]).abs()
    order = (worth / h.abs().clamp_min(1e-300)).argsort(descending=True)
    yield from _flipped("flips worth most", network, a, order, radius)


def nearest_flips(network: Network, most: int = 4) -> Iterator[Perturbation]:
    """Push single rectifiers just through zero: of those nearest to it in what goes in, the nearest in the weights."""
    a = activations(network)
    if not a.before:
        return
    h = torch.cat([_in_units(x) for x in a.before])
    nearest = [_through_zero(network, a, one[None]) for one in h.abs().argsort()[: 4 * most]]
    for direction, distance in sorted(nearest, key=lambda pair: pair[1])[:most]:
        if 0 < distance < math.inf:
            yield Perturbation("first flips", direction, (distance,))


def _in_units(x: torch.Tensor) -> torch.Tensor:
    """What goes into one layer's rectifiers, in units of its root mean square."""
    flat = x.detach().flatten()
    return flat / flat.square().mean().sqrt().clamp_min(1e-300)


def _flipped(name: str, network: Network, a: Activations, order: torch.Tensor, radius: float) -> Iterator[Perturbation]:
    """The push of as many of the ordered rectifiers as `radius` allows, by bisection over their number."""
    low, high, best = 0, len(order), None
    number = high  # all of them first
    while low < number <= high:
        direction, distance = _through_zero(network, a, order[:number])
        if distance <= radius:
            low, best = number, Perturbation(name, direction, (distance, radius))
        else:
            high = number - 1
        number = max(low + 1, math.isqrt(max(low, 1) * high))
        if low >= 0.95 * high:
            break
    if best is not None:
        yield best


def _through_zero(network: Network, a: Activations, chosen: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Steepest descent of sum h_i(0) h_i(theta) over the chosen, and how far it is until that sum is below zero."""
    weights = [network.parameter(name) for name in network.weights]
    mask = torch.zeros(sum(x.numel() for x in a.before), dtype=torch.bool, device=chosen.device)
    mask[chosen] = True
    masks = mask.split([x.numel() for x in a.before])
    targets = [(x.detach() * part.view_as(x)) for x, part in zip(a.before, masks, strict=True)]
    sent = torch.autograd.grad(a.before, weights, targets, retain_graph=True, allow_unused=True)
    G = _joined(sent, weights)
    size = float(G.norm())
    energy = sum(float(target.square().sum()) for target in targets)
    return -G / max(size, 1e-300), PAST * energy / size if size > 0 else float("inf")


def _joined(parts: Sequence[torch.Tensor | None], weights: Sequence[torch.Tensor]) -> torch.Tensor:
    pairs = zip(parts, weights, strict=True)
    return torch.cat([w.new_zeros(w.numel()) if g is None else g.detach().flatten() for g, w in pairs])


def ascents(
    network: Network, step: torch.Tensor, u: torch.Tensor, v: torch.Tensor, radius: float
) -> Iterator[Perturbation]:
    """Steepest ascent of u^T J(theta) v from theta_0 + step: of the network itself, and with its rectifiers rounded.

    On a ball this is a step of the power method; mixed with the step so far it is one of gradient ascent.
    """
    there = network.moved(step)
    outputs = {"ascent": there.output}
    if activations(there).before:
        outputs["ascent, rounded"] = smoothed(there, ROUNDED)
    for name, output in outputs.items():
        G = _steepest(output, [there.parameter(key) for key in there.weights], u, v)
        if G is not None:
            yield _perturbation(name, G, radius)
            yield _perturbation(name, G / G.norm() + step / step.norm().clamp_min(1e-300), radius)


def _steepest(
    output: Callable[[], torch.Tensor], weights: list[torch.Tensor], u: torch.Tensor, v: torch.Tensor
) -> torch.Tensor | None:
    """Gradient of u^T J(theta) v in theta (count,), None where there is none or it cannot be had."""
    try:
        first = torch.autograd.grad(output(), weights, u, create_graph=True, allow_unused=True)
        parts = v.split([w.numel() for w in weights])
        product = sum((g * p.view_as(g)).sum() for g, p in zip(first, parts, strict=True) if g is not None)
        if not isinstance(product, torch.Tensor) or not product.requires_grad:
            return None
        G = _joined(torch.autograd.grad(product, weights, allow_unused=True), weights)
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError:  # what torch raises where there is no second derivative: then no ascent is tried
        return None
    return G if 0 < float(G.norm()) < float("inf") else None
