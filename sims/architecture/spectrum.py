"""The spectrum of K = J J^T at one set of weights: whole where the output is small, by Lanczos iteration where not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.stats import t as student

from sims.architecture.gram import jacobian_gram
from sims.architecture.lanczos import Krylov, below_smallest, beyond_largest, lanczos
from sims.architecture.products import Jacobian
from sims.architecture.subject import Subject
from sims.chance.streams import stream

WHOLE = 4096
"""Outputs up to which the whole spectrum is taken."""

Progress = Callable[[float], None]
"""Told the share that is done."""


@dataclass(frozen=True)
class Measure:
    """A spectral measure: eigenvalues or what stands for them (k,), and their weights (k,)."""

    nodes: np.ndarray
    weights: np.ndarray

    def integral(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Sum of weights f(nodes)."""
        return float(self.weights @ f(self.nodes))


@dataclass(frozen=True)
class Density(Measure):
    """The measure over all directions, weights adding up to n; the mean of `probes`, none where it is exact."""

    probes: tuple[Measure, ...] = ()

    def error(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Standard error of the integral, from the spread between the probes."""
        if not self.probes:
            return 0.0
        return float(np.std([probe.integral(f) for probe in self.probes], ddof=1) / np.sqrt(len(self.probes)))


@dataclass(frozen=True)
class Bounds:
    """A number with the ends of its error bar."""

    low: float
    value: float
    high: float


class Spectrum(ABC):
    """Eigenvalues sigma_i^2 of K = J J^T (n, n). All error bars together fail with probability `level` at most, and
    eigenvalues below `floor` cannot be told from rounding.
    """

    n: int
    exact: bool
    level: float

    @property
    @abstractmethod
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""

    @property
    @abstractmethod
    def largest(self) -> Bounds:
        """The largest eigenvalue, sigma_max^2."""

    @property
    @abstractmethod
    def smallest(self) -> Bounds:
        """The smallest eigenvalue, sigma_min^2 where n <= count; its high end is a Rayleigh quotient."""

    @property
    @abstractmethod
    def trace(self) -> Bounds:
        """tr K = ||J||_F^2."""

    @property
    @abstractmethod
    def effective_rank(self) -> Bounds:
        """(tr K)^2/||K||_F^2."""

    @abstractmethod
    def apply(self, u: np.ndarray) -> np.ndarray:
        """K u (n,) of a vector u (n,)."""

    @abstractmethod
    def measure(self, u: np.ndarray) -> Measure:
        """Weights <w_i, u>^2 at the eigenvalues, or their Gauss rule; they add up to ||u||^2."""

    @abstractmethod
    def density(self) -> Density:
        """Weight 1 at each eigenvalue, or an estimate from random probes."""

    @abstractmethod
    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The largest eigenvalues (c,), decreasing, and their eigenvectors (n, c); c < count where fewer are known."""

    @abstractmethod
    def rank(self, tol: float | None = None) -> int:
        """Eigenvalues above `tol`, by default the floor.

        Raises
        ------
        ValueError
            where the spectrum is not exact.
        """

    def _checked(self, u: np.ndarray) -> np.ndarray:
        if np.shape(u) != (self.n,):
            raise ValueError(f"u must have shape ({self.n},), got {np.shape(u)}")
        return np.asarray(u, np.float64)


class ExactSpectrum(Spectrum):
    """All eigenvalues of a matrix K (n, n), whose rounding is n eps lambda_max in the dtype K came in."""

    exact = True

    def __init__(self, K: torch.Tensor, *, level: float = 1e-3) -> None:
        self.n, self.level = len(K), level
        self._K = K.detach().cpu().double()
        values, vectors = torch.linalg.eigh(self._K)
        self.values: np.ndarray = values.numpy()
        self._vectors: np.ndarray = vectors.numpy()
        self._floor = self.n * torch.finfo(K.dtype).eps * max(float(self.values[-1]), 0.0)

    @property
    def floor(self) -> float:
        return self._floor

    @property
    def largest(self) -> Bounds:
        return self._bounds(self.values[-1])

    @property
    def smallest(self) -> Bounds:
        return self._bounds(self.values[0])

    def _bounds(self, value: float) -> Bounds:
        value = max(float(value), 0.0)
        return Bounds(max(value - self.floor, 0.0), value, value + self.floor)

    @property
    def trace(self) -> Bounds:
        value, error = float(np.trace(self._K)), self.floor * self.n**0.5
        return Bounds(max(value - error, 0.0), value, value + error)

    @property
    def effective_rank(self) -> Bounds:
        value = float(self.trace.value**2 / np.sum(self.values**2)) if self.values[-1] > 0 else 0.0
        error = 4 * self.n * self.floor / max(float(self.values[-1]), 1e-300)
        return Bounds(max(value - error, 0.0), value, value + error)

    def apply(self, u: np.ndarray) -> np.ndarray:
        return self._K.numpy() @ self._checked(u)

    def measure(self, u: np.ndarray) -> Measure:
        return Measure(np.maximum(self.values, 0), (self._vectors.T @ self._checked(u)) ** 2)

    def density(self) -> Density:
        return Density(np.maximum(self.values, 0), np.ones(self.n))

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        c = _checked_count(count, self.n)
        return np.maximum(self.values[::-1][:c], 0), self._vectors[:, ::-1][:, :c]

    def rank(self, tol: float | None = None) -> int:
        return int(np.sum(self.values > (self.floor if tol is None else tol)))


def _checked_count(count: int, n: int) -> int:
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    return min(count, n)


class LanczosSpectrum(Spectrum):
    """What `steps` products with K from a random start tell, and `probes` further starts for what is an average.

    Half of `level` goes to the extremes, half to the trace and the effective rank, whose bars are Student's.
    """

    exact = False

    def __init__(
        self, jacobian: Jacobian, *, seed: int = 0, steps: int = 120, probes: int = 8, level: float = 1e-3,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        if probes < 2:
            raise ValueError(f"probes must be at least 2, got {probes}")
        self.n, self.level = jacobian.n, level
        self._jacobian, self._seed, self._steps, self._probes = jacobian, seed, steps, probes
        self._progress = progress or (lambda _: None)
        self._deficient = jacobian.count < jacobian.n

    def apply(self, u: np.ndarray) -> np.ndarray:
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
        eps = torch.finfo(self._jacobian.subject.z.dtype).eps
        return float(self.n**0.5 * len(self._krylov.values) * eps * self._krylov.values[-1])

    @cached_property
    def largest(self) -> Bounds:
        value = float(self._krylov.values[-1])
        high = beyond_largest(self._krylov, self.level / 4)
        return Bounds(max(value - self.floor, 0.0), value, high + self.floor)

    @cached_property
    def smallest(self) -> Bounds:
        if self._deficient:
            return Bounds(0.0, 0.0, 0.0)
        value = max(float(self._krylov.values[0]), 0.0)
        low = below_smallest(self._krylov, self.level / 4)
        return Bounds(max(low - self.floor, 0.0), value, value + self.floor)

    @cached_property
    def _moments(self) -> tuple[Bounds, Bounds]:
        """tr K and ||K||_F^2: what the Krylov space holds of them, and the rest from Gaussian probes across it."""
        Q, alphas, betas = self._krylov.Q, self._krylov.alphas, self._krylov.betas
        found = []
        apply = self._counted(self._probes)
        for probe in range(self._probes):
            g = stream(self._seed, "spectrum", "trace", probe).standard_normal(self.n)
            g -= Q @ (Q.T @ g)
            Kg = apply(g)
            Kg -= Q @ (Q.T @ Kg)
            found.append((float(g @ Kg), float(Kg @ Kg)))
        held = float(alphas.sum()), float(alphas @ alphas + 2 * betas @ betas)
        first, second = (self._student(kept, rest) for kept, rest in zip(held, np.array(found).T, strict=True))
        return first, second

    def _student(self, kept: float, rest: np.ndarray) -> Bounds:
        """kept >= 0 plus the mean of what is drawn, which is not negative."""
        error = student.isf(self.level / 8, len(rest) - 1) * rest.std(ddof=1) / np.sqrt(len(rest))
        value = kept + float(rest.mean())
        return Bounds(max(kept, value - float(error)), value, value + float(error))

    @property
    def trace(self) -> Bounds:
        return self._moments[0]

    @property
    def effective_rank(self) -> Bounds:
        first, second = self._moments
        if second.value == 0:
            return Bounds(0.0, 0.0, 0.0)
        low, value = first.low**2 / second.high, first.value**2 / second.value
        return Bounds(max(1.0, low), value, min(float(self.n), first.high**2 / second.low))

    def measure(self, u: np.ndarray) -> Measure:
        u = self._checked(u)
        size = float(u @ u)
        if size == 0:
            return Measure(np.zeros(1), np.zeros(1))
        return _rule(lanczos(self._counted(self._steps), u, self._steps), size)

    @cached_property
    def _density(self) -> Density:
        steps = max(2, self._steps // 4)
        apply = self._counted(steps * (self._probes - 1))
        starts = (stream(self._seed, "spectrum", "probe", k).standard_normal(self.n) for k in range(1, self._probes))
        rules = (self._krylov, *(lanczos(apply, start, steps) for start in starts))
        probes = tuple(_rule(rule, float(self.n)) for rule in rules)
        nodes = np.concatenate([probe.nodes for probe in probes])
        return Density(nodes, np.concatenate([probe.weights for probe in probes]) / len(probes), probes)

    def density(self) -> Density:
        return self._density

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        c = _checked_count(count, self.n)
        values, residuals = self._krylov.values[::-1], self._krylov.residuals[::-1]
        loose = np.flatnonzero(residuals > 1e-3 * np.maximum(values, 0))
        c = max(1, min(c, len(values), int(loose[0]) if len(loose) else len(values)))
        return values[:c].copy(), self._krylov.vectors(slice(len(values) - c, None))[:, ::-1]

    def rank(self, tol: float | None = None) -> int:
        raise ValueError(f"rank must be asked of an exact spectrum, got one of n = {self.n} from {self._steps} products")


def _rule(krylov: Krylov, total: float) -> Measure:
    """The Gauss rule with weights adding up to `total`."""
    nodes, weights = krylov.quadrature()
    return Measure(np.maximum(nodes, 0), total * weights)


def spectrum(
    subject: Subject, *, seed: int = 0, exact: bool | None = None, steps: int = 120, probes: int = 8,
    level: float = 1e-3, progress: Progress | None = None,
) -> Spectrum:  # fmt: skip
    """Take the spectrum of J J^T: whole where `exact`, by default up to 4096 outputs, else from products with it.

    Raises
    ------
    ValueError
        where the whole matrix does not fit into memory, or the network allows no products J v.
    """
    if subject.n <= WHOLE if exact is None else exact:
        return ExactSpectrum(jacobian_gram(subject), level=level)
    return LanczosSpectrum(Jacobian(subject), seed=seed, steps=steps, probes=probes, level=level, progress=progress)
