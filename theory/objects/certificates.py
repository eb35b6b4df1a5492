"""Certificates that gradient descent, or the flow, of G(W) = V relu(W z) on ||G(W) - y||^2/2 converges for one instance.

Units: h = W z/||z||, r = (G(W) - y)/||z||, A the neurons with h_l >= 0, beta = ||V_A||, step c = eta ||z||^2 beta^2 < 2 (0
for the flow). With m(s) as in `survivor_bounds`: where int_0^L m ds > ||r||/(1 - c/2) and m(L) > 0, the path of relu(h)
from here on is shorter than L and ||r||^2 loses at each step a share of eta ||z||^2 (2 - c) m(L)^2 at least.

Proof. Neurons that are off stay off. In a step, A(u) are those with h_l - u eta a_l > 0, a = V_A^T r, and p(u) the norm of
a on A(u). The output moves by -eta V(D a), D_l = |{u : l in A(u)}| <= 1, and B = sum D_l a_l^2 = int_0^1 p^2 du, so
||r_+||^2 <= ||r||^2 - eta (2 - c) B. The path s of relu(h) grows by eta p(u) du; a neuron outside of A(u) has moved by
g_l at least, so that p(u) >= m(s) ||r||, and int m ds over a step is at most eta B/||r|| <= (||r|| - ||r_+||)/(1 - c/2).
Were L reached within a step, the part of it before would cost no more than the whole step.

A descent may be followed first, with all rounding errors (`enclosed_descent`), and the same said of what is left.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from untrained.theory.objects.enclosed_descent import SLACK_OF_SUMS, Activations, next_activations, start
from untrained.theory.objects.float_bounds import gamma
from untrained.theory.objects.shapes import Array, nonzero_norm, real_array, same_length, whole_number
from untrained.theory.objects.survivor_bounds import Quartic, quartic_bound, removal_bound, survivors_below

Bound = Literal["quartic", "removal"]

_WEIGHTS = ((8.0, 32.0, 128.0, 512.0), (4.0, 16.0, 64.0, 256.0))
"""Weights lambda that are tried, in units of mean |v_l|^2/n over mean g_l^2: the second ones where the first fail."""
_INTERVALS = 500
_PATIENCE = 1.3
"""Ratio of the steps after which two attempts to close are made."""
_SCALES = (1e-20, 1e20)
MOST_ROWS = 64
"""The quartic bound takes a matrix of n(n + 1)/2 rows."""


@dataclass(frozen=True)
class Certificate:
    """A proof, in numbers, that one descent converges to misfit zero; `reason` says why where there is none.

    instance: SHA-256 of V, W, z, y; learning_rate: of descent on W, None for the flow; step: c from above; followed: how
    many steps were followed; misfit: ||r|| after these, beta: ||V_A||, both from above; bound: which lower bound of m;
    quartics: its weights, shifts and energies; grid, values: s_i from 0 to L, and lower bounds of m there; integral: of
    m over (0, L) from below, by its right ends; needed: misfit/(1 - c/2) from above; path: an upper bound of the path
    of relu(W_t z)/||z|| in all; rate: at least this share of ||r||^2 goes at each step after those followed, and in the
    flow of time t, ||r||^2 <= e^{-rate t} ||r_0||^2.
    """

    n: int
    d: int
    instance: str
    learning_rate: float | None
    step: float
    followed: int
    misfit: float
    beta: float
    needed: float
    bound: Bound
    quartics: tuple[Quartic, ...] = ()
    grid: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    integral: float = 0.0
    path: float = math.inf
    rate: float = 0.0
    reason: str = ""

    @property
    def proves(self) -> bool:
        """Whether there is a proof."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {**asdict(self), "path": self.path if math.isfinite(self.path) else None}

    @staticmethod
    def from_json(entry: dict[str, Any]) -> Certificate:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            where a field is missing or unknown.
        """
        names = {one.name for one in fields(Certificate)}
        if set(entry) != names:
            raise ValueError(f"a certificate must have the fields {', '.join(sorted(names))}, got others")
        quartics = tuple(Quartic(**one) for one in entry["quartics"])
        lists = {"quartics": quartics, "grid": tuple(entry["grid"]), "values": tuple(entry["values"])}
        return Certificate(**{**entry, **lists, "path": math.inf if entry["path"] is None else entry["path"]})


def prove_convergence(
    output_weights: Array,
    weights: Array,
    latent: Array,
    target: Array,
    *,
    step: float | None = 0.1,
    steps: int = 10_000,
) -> Certificate:
    """Certify that descent from W_0 with learning rate step/(beta ||z||)^2, or the flow (None), converges.

    V (n, d), W_0 (d, k), z (k,), y (n,). At most `steps` steps of a descent are followed; with 0, and for the flow,
    what is known at the start must do.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, an array is zero or of a size outside of 1e-20 to 1e20, n is
        above MOST_ROWS, or step not between 0 and 2.
    """
    V, W, z, y = _instance(output_weights, weights, latent, target)
    if step is not None and not 0 < step < 2:
        raise ValueError(f"step must be above 0 and below 2, got {step}")
    steps = whole_number("steps", steps, 0)
    here = start(V, W, z, y)
    length, share = float(np.linalg.norm(z)), 4 * gamma(len(z) + 8)
    rate = None if step is None else step / (here.norm * length) ** 2
    c = 0.0 if rate is None else SLACK_OF_SUMS * (1 + share) * rate * (length * here.norm) ** 2
    first = Certificate(
        *V.shape, instance_hash(V, W, z, y), rate, c, 0, 0.0, here.norm, 0.0, "quartic", reason="nothing was tried"
    )
    flow_or_descent = _Dynamics(1.0 if rate is None else rate, length**2, share)
    if c >= 2:
        return replace(first, reason=f"step must be certainly below 2, and is below {c} only")
    if rate is None or not steps:
        return _closed_by_quartics(_at(first, here), here, flow_or_descent)
    return _followed(first, here, flow_or_descent, steps)


def instance_hash(output_weights: Array, weights: Array, latent: Array, target: Array) -> str:
    """SHA-256 of the shapes and the doubles of V, W, z and y, in hexadecimal."""
    digest = hashlib.sha256()
    for x in (output_weights, weights, latent, target):
        digest.update(f"{x.shape}".encode())
        digest.update(np.ascontiguousarray(x, dtype="<f8").tobytes())
    return digest.hexdigest()


def _instance(output_weights: Array, weights: Array, latent: Array, target: Array) -> tuple[Array, ...]:
    named = {"output_weights": (output_weights, 2), "weights": (weights, 2), "latent": (latent, 1), "target": (target, 1)}
    V, W, z, y = (real_array(name, x, axes) for name, (x, axes) in named.items())
    for name, x, axes in zip(named, (V, W, z, y), (2, 2, 1, 1), strict=True):
        if x.ndim != axes or not x.size:
            raise ValueError(f"{name} must have {axes} axes and an entry, got shape {x.shape}")
        largest = np.abs(x).max()
        if not _SCALES[0] <= largest <= _SCALES[1]:
            raise ValueError(f"{name} must have its largest entry between {_SCALES[0]} and {_SCALES[1]}, got {largest}")
    same_length("columns of output_weights", V.shape[1], "rows of weights", W.shape[0])
    same_length("columns of weights", W.shape[1], "latent", len(z))
    same_length("rows of output_weights", V.shape[0], "target", len(y))
    nonzero_norm("latent", z)
    if len(y) > MOST_ROWS:
        raise ValueError(f"target must have at most {MOST_ROWS} entries, got {len(y)}")
    return V, W, z, y


@dataclass(frozen=True)
class _Dynamics:
    """Learning rate on W (1 for the flow), ||z||^2, and the share by which their product is uncertain."""

    learning_rate: float
    square: float
    share: float

    @property
    def eta(self) -> float:
        return self.learning_rate * self.square


def _at(first: Certificate, here: Activations) -> Certificate:
    """The certificate to be closed where a descent stands."""
    misfit = here.misfit()
    needed = _above(Fraction(misfit) / (1 - Fraction(first.step) / 2))
    return replace(first, followed=here.steps, misfit=misfit, needed=needed)


def _followed(first: Certificate, here: Activations, dynamics: _Dynamics, steps: int) -> Certificate:
    """Follow the descent, and try to close after ever more steps."""
    attempt = 0
    while True:
        if here.steps >= attempt or here.steps == steps:
            certificate = _closed_by_removal(_at(first, here), here, dynamics)
            if certificate.proves or here.steps == steps:
                return certificate
            attempt = math.ceil(_PATIENCE * here.steps) + 1
        after = next_activations(here, dynamics.eta, dynamics.share)
        if after is None:
            reason = f"rounding leaves open whether a neuron is on after {here.steps} steps"
            return replace(_at(first, here), bound="removal", reason=reason)
        here = after


def _closed_by_removal(opened: Certificate, here: Activations, dynamics: _Dynamics) -> Certificate:
    """Remove every neuron that a path of length L may turn off, for L that grows until it is enough."""
    margins, s = here.margins(), 0.0
    opened = replace(opened, bound="removal")
    for _ in range(8):
        value = removal_bound(here.columns, margins, s)
        if not value > 0:
            break
        closed = _closed(opened, here, dynamics, (0.0, s), (value, value))
        if closed.proves:
            return closed
        s = 1.01 * opened.needed / value
    share = opened.needed / max(value, 1e-300)
    return replace(
        opened, reason=f"after {here.steps} steps a path of {share:.3g} is not excluded, which may turn too many neurons off"
    )


def _closed_by_quartics(opened: Certificate, here: Activations, dynamics: _Dynamics) -> Certificate:
    """Add weights until the integral is large enough."""
    margins, bounds, certificate = here.margins(), [], opened
    for weights in _WEIGHTS:
        bounds += list(_quartics(here.columns[here.on], margins[here.on], weights))
        certificate = _closed_by(opened, here, dynamics, bounds)
        if certificate.proves:
            return certificate
    return certificate


def _quartics(columns: Array, margins: Array, weights: Sequence[float]) -> Iterator[Quartic]:
    size = np.square(margins).mean() if len(margins) else 0.0
    unit = float(np.square(columns).mean() / size) if size > 0 else 1.0
    for weight in weights:
        yield quartic_bound(columns, margins, weight * unit)


def _closed_by(
    opened: Certificate, here: Activations, dynamics: _Dynamics, bounds: Sequence[Quartic]
) -> Certificate:
    """The certificate by these bounds: a first grid finds L, a second one is fine up to there."""
    used = tuple(sorted((one for one in bounds if one.energy > 0), key=lambda one: one.weight))
    opened = replace(opened, quartics=used)
    if not used:
        return replace(opened, reason="no lower bound of sigma_min is positive, even with every neuron on")
    reach = max(math.sqrt(one.energy / one.weight) for one in used)
    for _ in range(2):
        grid = np.linspace(0.0, reach, _INTERVALS + 1)
        values = survivors_below(used, grid)
        enough = np.cumsum(values[1:]) * (reach / _INTERVALS) > opened.needed * (1 + 1e-9)
        if not enough.any():
            break
        last = int(np.argmax(enough)) + 1
        reach = float(grid[last])
    end = last if enough.any() else _INTERVALS
    return _closed(opened, here, dynamics, tuple(grid[: end + 1].tolist()), tuple(values[: end + 1].tolist()))


def _closed(
    opened: Certificate, here: Activations, dynamics: _Dynamics, grid: tuple[float, ...], values: tuple[float, ...]
) -> Certificate:
    """The certificate with a grid of s and lower bounds of m there, or why it proves nothing."""
    integral = _below(lower_sum(grid, values))
    opened = replace(opened, grid=grid, values=values, integral=integral)
    if not integral > opened.needed:
        return replace(opened, reason=f"the integral of m is {integral:.6g} at least, and {opened.needed:.6g} is needed")
    speed = 2.0 if opened.learning_rate is None else 2.0 - opened.step
    rate = dynamics.eta * (1 - dynamics.share) * speed * values[-1] ** 2 * (1 - 8 * 2.0**-53)
    return replace(opened, path=_above(Fraction(here.length) + Fraction(grid[-1])), rate=rate, reason="")


def lower_sum(grid: Sequence[float], values: Sequence[float]) -> Fraction:
    """int m ds from below, exactly: m falls, so that on (s_i, s_{i+1}) it is at least its bound at the right end."""
    s, m = [Fraction(x) for x in grid], [Fraction(x) for x in values]
    return sum(((b - a) * v for a, b, v in zip(s, s[1:], m[1:], strict=False)), Fraction(0))


def _below(x: Fraction) -> float:
    near = float(x)
    return near if Fraction(near) <= x else math.nextafter(near, -math.inf)


def _above(x: Fraction) -> float:
    near = float(x)
    return near if Fraction(near) >= x else math.nextafter(near, math.inf)
