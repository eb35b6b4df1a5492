"""Certificates that descent, or the flow, of G(W) = V relu(W z) on ||G(W) - y||^2/2 converges for one instance.

Units: h = W z/||z||, r = (G(W) - y)/||z||, A the neurons that are on, beta = ||V_A||, step c = eta beta^2 < 2 for eta =
learning rate times ||z||^2 (c = 0 for the flow). With m(s) as in `survivor_bounds`: where m(L) > 0 and int_0^L m ds is
above ||r||/(1 - c/2), the path of relu(h) from here on is shorter than L, and ||r||^2 loses at each step a share of
eta (2 - c) m(L)^2 at least.

Proof. Neurons that are off stay off. In a step, A(u) are those with h_l - u eta a_l > 0, a = V_A^T r, and p(u) is the
norm of a on A(u). The output moves by -eta V(D a), D_l = |{u : l in A(u)}| <= 1, and with B = sum D_l a_l^2, which is
int_0^1 p^2 du, ||r_+||^2 <= ||r||^2 - eta (2 - c) B. The path s of relu(h) grows by eta p(u) du. A neuron outside of
A(u) has moved by g_l at least before it was off: p(u) >= m(s) ||r||, and int m ds over a step is at most eta B/||r||,
which is no more than (||r|| - ||r_+||)/(1 - c/2). Were L reached within a step, the part before would cost no more than
the whole step. The last share is that of B >= m(L)^2 ||r||^2. For the flow, d||r||/dt = -p^2/||r|| in place of steps.

A descent or flow may be followed first, with all rounding errors (`enclosed_descent`, `enclosed_flow`), and the same
said of what is left. All this holds with phi'(0) = 1, as the paper sets it, and with phi'(0) = 0.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from untrained.theory.objects.enclosed_descent import (
    SLACK_OF_SUMS,
    EnclosedActivations,
    next_activations,
    start_of_descent,
)
from untrained.theory.objects.enclosed_flow import FlowState, next_of_flow, start_of_flow
from untrained.theory.objects.float_bounds import UNIT_ROUNDOFF, gamma
from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number
from untrained.theory.objects.survivor_bounds import Quartic, quartic_bound, removal_bound, survivors_below

SurvivorBound = Literal["quartic", "removal"]

_WEIGHTS = (64.0, 16.0, 256.0, 4.0, 128.0, 32.0, 512.0, 8.0)
"""Weights lambda in units of mean |v_l|^2/n over mean g_l^2, in the order in which they are tried."""
_INTERVALS = 500
_PATIENCE = 1.1
"""Ratio of the steps after which two attempts to close are made."""
_SCALES = (1e-20, 1e20)
LARGEST_TARGET = 64
"""The quartic bound takes a matrix of n(n + 1)/2 rows."""


@dataclass(frozen=True)
class Certificate:
    """A proof, in numbers, that one descent converges to misfit zero; `reason` says why where there is none.

    instance: SHA-256 of V, W, z, y; learning_rate: of descent on W, None for the flow; step: c, from above;
    followed: how many steps were followed, or how much time of the flow; misfit: ||r|| after these, from above;
    beta: ||V_A|| at the start, from above; needed: misfit/(1 - c/2), from above; bound: which lower bound of m;
    quartics: its weights, shifts and energies; grid, values: s_i from 0 to L, and lower bounds of m there;
    integral: of m over (0, L), from below, by right ends; path: an upper bound of the whole path of relu(W_t z)/||z||;
    rate: at least this share of ||r||^2 goes at each step after those followed; in the flow, for t after the time
    followed, ||r||^2 is at most e^{-rate t} times what it was then.
    """

    n: int
    d: int
    instance: str
    learning_rate: float | None
    step: float
    followed: float
    misfit: float
    beta: float
    needed: float
    bound: SurvivorBound
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
            wrong = ", ".join(sorted(set(entry) ^ names))
            raise ValueError(f"a certificate must have the fields of its kind, got none of, or others than, {wrong}")
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

    V (n, d), W_0 (d, k), z (k,), y (n,). At most `steps` steps of a descent, or pieces of a flow, are followed before
    the rest is proved; with 0 what is known at the start must do.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, an array is zero or of a size outside of 1e-20 to 1e20, n is
        above LARGEST_TARGET, or step not between 0 and 2.
    """
    V, W, z, y = _instance(output_weights, weights, latent, target)
    if step is not None and not 0 < step < 2:
        raise ValueError(f"step must be above 0 and below 2, got {step}")
    steps = whole_number("steps", steps, 0)
    here = start_of_descent(V, W, z, y)
    length, share = float(np.linalg.norm(z)), 4 * gamma(len(z) + 8)
    rate = None if step is None else step / (here.norm * length) ** 2
    dynamics = _Dynamics(rate, length**2, share, here.norm)
    name = instance_hash(V, W, z, y)
    first = Certificate(len(y), len(W), name, rate, dynamics.step, 0, 0.0, here.norm, 0.0, "quartic")
    if not dynamics.step < 2:
        return replace(first, reason=f"step must be certainly below 2, and is below {dynamics.step} only")
    if not steps:
        return _closed_by_quartics(_at(first, here, dynamics), here, dynamics)
    return _followed(first, here, dynamics, steps)


def instance_hash(output_weights: Array, weights: Array, latent: Array, target: Array) -> str:
    """SHA-256 of the shapes and the doubles of V, W, z and y, in hexadecimal."""
    digest = hashlib.sha256()
    for x in (output_weights, weights, latent, target):
        digest.update(f"{x.shape}".encode())
        digest.update(np.ascontiguousarray(x, dtype="<f8").tobytes())
    return digest.hexdigest()


def _instance(output_weights: Array, weights: Array, latent: Array, target: Array) -> tuple[Array, ...]:
    V, W = _array("output_weights", output_weights, 2), _array("weights", weights, 2)
    z, y = _array("latent", latent, 1), _array("target", target, 1)
    same_length("columns of output_weights", V.shape[1], "rows of weights", W.shape[0])
    same_length("columns of weights", W.shape[1], "latent", len(z))
    same_length("rows of output_weights", V.shape[0], "target", len(y))
    if len(y) > LARGEST_TARGET:
        raise ValueError(f"target must have at most {LARGEST_TARGET} entries, got {len(y)}")
    return V, W, z, y


def _array(name: str, value: Array, axes: int) -> Array:
    x = real_array(name, value, axes)
    if x.ndim != axes or not x.size:
        raise ValueError(f"{name} must have {axes} axes and an entry, got shape {x.shape}")
    largest = float(np.abs(x).max())
    if not _SCALES[0] <= largest <= _SCALES[1]:
        raise ValueError(f"{name} must have its largest entry between {_SCALES[0]} and {_SCALES[1]}, got {largest}")
    return x


@dataclass(frozen=True)
class _Dynamics:
    """Learning rate on W (None for the flow), ||z||^2, the share by which these are uncertain, and ||V_A||."""

    learning_rate: float | None
    square: float
    share: float
    norm: float

    @property
    def eta(self) -> float:
        """The step on h; for the flow, how much faster its time is than that of W."""
        return self.square * (1.0 if self.learning_rate is None else self.learning_rate)

    @property
    def step(self) -> float:
        """An upper bound of c."""
        return 0.0 if self.learning_rate is None else SLACK_OF_SUMS * (1 + self.share) * self.eta * self.norm**2

    def path(self, here: EnclosedActivations) -> Iterator[EnclosedActivations | None]:
        """Where descent or flow stand at the start, after a step, after two, ...; None where a sign stays open."""
        state: EnclosedActivations | None = here
        flow: FlowState | None = start_of_flow(here) if self.learning_rate is None else None
        while state is not None:
            yield state
            if flow is None:
                state = next_activations(state, self.eta, self.share)
            else:
                flow = next_of_flow(flow)
                state = None if flow is None else flow.here
        yield None


def _at(first: Certificate, here: EnclosedActivations, dynamics: _Dynamics) -> Certificate:
    """The certificate to be closed where a descent or flow stands."""
    misfit = here.misfit()
    needed = _above(Fraction(misfit) / (1 - Fraction(first.step) / 2))
    time = here.time if first.learning_rate is not None else here.time / dynamics.square * (1 + dynamics.share)
    return replace(first, followed=time, misfit=misfit, needed=needed)


def _followed(first: Certificate, here: EnclosedActivations, dynamics: _Dynamics, steps: int) -> Certificate:
    """Follow the path, and try to close after ever more steps, or where the misfit has fallen by a quarter."""
    attempt, certificate = 0, first
    for count, state in enumerate(dynamics.path(here)):
        if state is None:
            reason = f"rounding leaves open whether a neuron is on after {count - 1} steps"
            return replace(_at(first, here, dynamics), bound="removal", reason=reason)
        here = state
        if (left := int((here.on | here.open).sum())) < first.n:  # no more come on, so that sigma_min stays at 0
            reason = f"only {left} neurons are on after {count} steps, fewer than n = {first.n}"
            return replace(_at(first, here, dynamics), bound="removal", reason=reason)
        if count >= attempt or count == steps or state.misfit() < 0.75 * certificate.misfit:
            certificate = _closed_by_removal(_at(first, here, dynamics), here, dynamics)
            if certificate.proves or count == steps:
                break
            attempt = math.ceil(_PATIENCE * count) + 1
    return certificate


def _closed_by_removal(opened: Certificate, here: EnclosedActivations, dynamics: _Dynamics) -> Certificate:
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
    path = f"a path of {s:.3g} is still possible, which may turn" if s else "rounding aside, the path so far has turned"
    return replace(opened, reason=f"{path} too many neurons off")


def _closed_by_quartics(opened: Certificate, here: EnclosedActivations, dynamics: _Dynamics) -> Certificate:
    """Add weights until the integral is large enough."""
    columns, margins = here.columns[here.on], here.margins()[here.on]
    size = float(np.square(margins).mean()) if len(margins) else 0.0
    unit = float(np.square(columns).mean()) / size if size > 0 else 1.0
    certificate, bounds = opened, []
    for weight in _WEIGHTS:
        bounds.append(quartic_bound(columns, margins, weight * unit))
        certificate = _closed_by(opened, here, dynamics, bounds)
        if certificate.proves:
            break
    return certificate


def _closed_by(
    opened: Certificate, here: EnclosedActivations, dynamics: _Dynamics, bounds: Sequence[Quartic]
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
    opened: Certificate,
    here: EnclosedActivations,
    dynamics: _Dynamics,
    grid: tuple[float, ...],
    values: tuple[float, ...],
) -> Certificate:
    """The certificate with a grid of s and lower bounds of m there, or why it proves nothing."""
    integral = _below(lower_sum(grid, values))
    opened = replace(opened, grid=grid, values=values, integral=integral)
    if not integral > opened.needed:
        return replace(
            opened, reason=f"the integral of m is {integral:.6g} at least, and {opened.needed:.6g} is needed"
        )
    speed = 2.0 if opened.learning_rate is None else 2.0 - opened.step
    rate = dynamics.eta * (1 - dynamics.share) * speed * values[-1] ** 2 * (1 - 8 * UNIT_ROUNDOFF)
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
