"""Gradient descent on a network's weights as the theory has it: plain, from its initialisation, with one step size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.networks.network import Network

Watch = Callable[[int, int, float], None]
"""Told after each step: the step, how many there are, and the misfit."""
BLOWN = 1e3
"""A misfit this many times the first one has diverged."""
FITTED = 1e-6
"""A misfit this share of the first one has converged, in single precision."""


@dataclass(frozen=True)
class Run:
    """Descent on ||A f(theta) - y||^2/2: misfits ||A f(theta_t) - y|| and errors ||f(theta_t) - x||, (steps done + 1,).

    `end` is "converged", "budget ended" or "diverged at step t". `last` (n,) is the last finite output, `best` (n,)
    that of least error, `movement` (count,) is theta_t - theta_0 at the end. Without a truth, errors are NaN.
    """

    step: float
    misfits: np.ndarray
    errors: np.ndarray
    end: str
    last: np.ndarray
    best: np.ndarray
    movement: torch.Tensor

    @property
    def distance(self) -> float:
        """||theta_t - theta_0|| at the end."""
        return float(self.movement.norm())

    def time_to(self, share: float) -> float:
        """First step with ||r_t|| <= share ||r_0||, infinite where there is none."""
        reached = np.flatnonzero(self.misfits <= share * self.misfits[0])
        return float(reached[0]) if len(reached) else float("inf")


def descend(
    network: Network,
    y: np.ndarray,
    step: float,
    steps: int,
    *,
    through: Callable[[torch.Tensor], torch.Tensor] | None = None,
    truth: np.ndarray | None = None,
    watch: Watch | None = None,
) -> Run:
    """Descend from the network's weights, which stay as they are; `through` is A, on outputs (n,), and y (m,).

    Raises
    ------
    ValueError
        where the step or the number of steps is not above 0, or y does not fit the output.
    """
    if not step > 0 or steps < 1:
        raise ValueError(f"step and steps must be above 0, got {step} and {steps}")
    walker, start = network.moved(torch.zeros(network.count)), network.vector()
    weights = [walker.parameter(name) for name in walker.weights]
    wanted = torch.as_tensor(y).to(weights[0])
    x = None if truth is None else torch.as_tensor(truth).to(weights[0])
    state = _State(step)
    for t in range(steps + 1):
        f = walker.output()
        seen = f if through is None else through(f)
        if seen.shape != wanted.shape:
            raise ValueError(f"y must have shape {tuple(seen.shape)}, got {tuple(wanted.shape)}")
        r = seen - wanted
        state.note(t, f.detach(), float(r.detach().norm()), None if x is None else float((f.detach() - x).norm()))
        if watch:
            watch(t, steps, state.misfits[-1])
        if state.end or t == steps:
            break
        _move(weights, torch.autograd.grad(r.square().sum() / 2, weights, allow_unused=True), step)
    return state.run(walker.vector() - start)


def _move(weights: list[torch.Tensor], gradients: tuple[torch.Tensor | None, ...], step: float) -> None:
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                weight.sub_(gradient, alpha=step)


class _State:
    """What has been seen of a descent so far."""

    def __init__(self, step: float) -> None:
        self.step, self.end = step, ""
        self.misfits: list[float] = []
        self.errors: list[float] = []
        self.last = self.best = torch.empty(0)

    def note(self, t: int, f: torch.Tensor, misfit: float, error: float | None) -> None:
        if not misfit <= BLOWN * (self.misfits[0] if self.misfits else misfit):  # not a number included
            self.end = f"diverged at step {t}"
            return
        least = min(self.errors, default=float("inf"))
        self.misfits.append(misfit)
        self.errors.append(float("nan") if error is None else error)
        self.last = f
        if error is None or error < least:
            self.best = f
        if misfit <= FITTED * self.misfits[0]:
            self.end = "converged"

    def run(self, movement: torch.Tensor) -> Run:
        last, best = (tensor.cpu().double().numpy() for tensor in (self.last, self.best))
        misfits, errors = np.array(self.misfits), np.array(self.errors)
        return Run(self.step, misfits, errors, self.end or "budget ended", last, best, movement)
