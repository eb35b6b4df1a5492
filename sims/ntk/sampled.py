"""The spectrum of K = J J^T from products with it: extremes by Lanczos iteration, averages from random probes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from scipy.stats import t as student

from untrained.sims.lanczos import Krylov, below_smallest, beyond_largest, lanczos
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.measures import Bounds, Density, Measure, Spectrum, checked_count
from untrained.sims.random.streams import stream

ShareDone = Callable[[float], None]
"""Told the share that is done."""


class LanczosSpectrum(Spectrum):
    """What `steps` products with K from a random start tell, and `probes` further starts for what is an average.

    Half of `level` goes to the extremes, half to the trace and the effective rank, whose bars are Student's.
    """

    exact = False

    def __init__(
        self, jacobian: Jacobian, *, seed: int = 0, steps: int = 120, probes: int = 8, level: float = 1e-3,
        progress: ShareDone | None = None,
    ) -> None:  # fmt: skip
        if probes < 2:
            raise ValueError(f"probes must be at least 2, got {probes}")
        self.n, self.level = jacobian.n, level
        self._jacobian, self._seed, self._steps, self._probes = jacobian, seed, steps, probes
        self._progress = progress or (lambda _: None)
        self._deficient = jacobian.count < jacobian.n

    def apply(self, u: np.ndarray) -> np.ndarray:
        """K u (n,)."""
        v = torch.from_numpy(np.ascontiguousarray(self._checked(u)))
        return self._jacobian.gram(v).cpu().double().numpy()

    @cached_property
    def _krylov(self) -> Krylov:
        """The run from which extremes and leading vectors come."""
        start = stream(self._seed, "spectrum", "start").standard_normal(self.n)
        return lanczos(self._counted(self._steps), start, self._steps)

    def _counted(self, total: int) -> Callable[[np.ndarray], np.ndarray]:
        """`apply`, telling of its progress."""
        done = 0

        def apply(u: np.ndarray) -> np.ndarray:
            nonlocal done
            done += 1
            self._progress(min(1.0, done / total))
            return self.apply(u)

        return apply

    @cached_property
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""
        eps = torch.finfo(self._jacobian.network.dtype).eps
        return float(self.n**0.5 * len(self._krylov.values) * eps * self._krylov.values[-1])

    @cached_property
    def largest(self) -> Bounds:
        """The largest eigenvalue."""
        value = float(self._krylov.values[-1])
        high = beyond_largest(self._krylov, self.level / 4)
        return Bounds(max(value - self.floor, 0.0), value, high + self.floor)

    @cached_property
    def smallest(self) -> Bounds:
        """The smallest eigenvalue."""
        if self._deficient:
            return Bounds(0.0, 0.0, 0.0)
        value = max(float(self._krylov.values[0]), 0.0)
        low = below_smallest(self._krylov, self.level / 4)
        return Bounds(max(low - self.floor, 0.0), value, value + self.floor)

    @cached_property
    def _moments(self) -> tuple[Bounds, Bounds]:
        """tr K and ||K||_F^2: what the Krylov space holds of them, and the rest from Gaussian probes across it."""
        Q, alphas, betas = self._krylov.Q, self._krylov.alphas, self._krylov.betas
        draws = []
        apply = self._counted(self._probes)
        for probe in range(self._probes):
            g = stream(self._seed, "spectrum", "trace", probe).standard_normal(self.n)
            g -= Q @ (Q.T @ g)
            Kg = apply(g)
            Kg -= Q @ (Q.T @ Kg)
            draws.append((float(g @ Kg), float(Kg @ Kg)))
        sums = float(alphas.sum()), float(alphas @ alphas + 2 * betas @ betas)
        first, second = (self._student(part, rest) for part, rest in zip(sums, np.array(draws).T, strict=True))
        return first, second

    def _student(self, part: float, rest: np.ndarray) -> Bounds:
        """kept >= 0 plus the mean of what is drawn, which is not negative."""
        error = student.isf(self.level / 8, len(rest) - 1) * rest.std(ddof=1) / np.sqrt(len(rest))
        value = part + float(rest.mean())
        return Bounds(max(part, value - float(error)), value, value + float(error))

    @property
    def trace(self) -> Bounds:
        """tr K."""
        return self._moments[0]

    @property
    def effective_rank(self) -> Bounds:
        """(tr K)^2/||K||_F^2."""
        first, second = self._moments
        if second.value == 0:
            return Bounds(0.0, 0.0, 0.0)
        low, value = first.low**2 / second.high, first.value**2 / second.value
        return Bounds(max(1.0, low), value, min(float(self.n), first.high**2 / second.low))

    def measure(self, u: np.ndarray) -> Measure:
        """The spectral measure at u."""
        u = self._checked(u)
        size = float(u @ u)
        if size == 0:
            return Measure(np.zeros(1), np.zeros(1))
        steps = max(2, self._steps // 2)  # exact for polynomials up to degree 2 steps - 1
        return _rule(lanczos(self._counted(steps), u, steps), size)

    @cached_property
    def _density(self) -> Density:
        """What has converged counts 1 each; probes across it tell of the rest, with far less spread than without."""
        steps = max(2, self._steps // 4)
        apply = self._counted(steps * self._probes)
        values, vectors = self._converged
        left, probes = self.n - len(values), []
        for k in range(self._probes if left else 0):
            g = stream(self._seed, "spectrum", "probe", k).standard_normal(self.n)
            rest = _rule(lanczos(apply, g - vectors @ (vectors.T @ g), steps), float(left))
            nodes, weights = [values, rest.nodes], [np.ones(len(values)), rest.weights]
            probes.append(Measure(np.concatenate(nodes), np.concatenate(weights)))
        if not probes:
            return Density(np.maximum(values, 0), np.ones(self.n))
        nodes, weights = ([getattr(probe, part) for probe in probes] for part in ("nodes", "weights"))
        return Density(np.concatenate(nodes), np.concatenate(weights) / len(probes), tuple(probes))

    def density(self) -> Density:
        """The measure over all directions."""
        return self._density

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The Ritz pairs from the top whose residual is below a thousandth of their value; one at least."""
        values, vectors = self._converged
        c = min(checked_count(count, self.n), len(values))
        return values[:c].copy(), vectors[:, :c]

    @cached_property
    def _converged(self) -> tuple[np.ndarray, np.ndarray]:
        values, residuals = self._krylov.values[::-1], self._krylov.residuals[::-1]
        loose = np.flatnonzero(residuals > 1e-3 * np.maximum(values, 0))
        c = max(1, int(loose[0]) if len(loose) else len(values))
        return values[:c], self._krylov.vectors(slice(len(values) - c, None))[:, ::-1]

    def rank(self, tol: float | None = None) -> int:
        """Refused: an eigenvalue may hide between those that were found.

        Raises
        ------
        ValueError
            always.
        """
        raise ValueError(f"rank must be asked of an exact spectrum, got one from {self._steps} products, n = {self.n}")


def _rule(krylov: Krylov, total: float) -> Measure:
    """The Gauss rule with weights adding up to `total`."""
    nodes, weights = krylov.quadrature()
    return Measure(np.maximum(nodes, 0), total * weights)
