"""Gradient descent on ||V ReLU(W z) - y||^2/2, reduced exactly to R^n while no neuron switches off.

With S_t the sum of the residuals before step t, a neuron that is on has h_l = h_l(0) - eta ||z||^2 nu <v_l, S_t>; one
that goes off never moves again. So r_{t+1} = r_t - eta ||z||^2 nu^2 G r_t but for the neurons that just went off,
G = sum of v v^T over those on. Which may go off is known from margins; a pass over all columns is needed only when S
has moved further than the margins kept. Misfit, ||W_t - W_0||, the Jacobian's spectrum and its change all follow from
S and G.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from untrained.sims.dynamics.columns import Columns
from untrained.sims.dynamics.survey import Near, Survey, survey
from untrained.sims.dynamics.trace import CONVERGED, DIVERGED, ENDED, STALLED, Spectra, Trace
from untrained.theory.objects.shapes import Array

NEAR_BYTES = 1 << 26
"""Memory for the columns that are watched between passes, over all runs."""
NEAR_SHARE = 16
"""Where not all columns fit that memory, at most one in so many is watched: more would cost as much as passes."""
STALL = 1e-10
"""A run has stalled where ||J^T r|| <= STALL ||J_0||_F ||r||: what is left of r is out of the Jacobian's reach."""
REBUILD = 0.25
"""G is summed anew once taking columns out has left less than this share of its trace: its rounding would show."""
SLACK = 1 - 1e-6
"""What rounding may take of a margin."""

Tell = Callable[[int, float], None]


def descend(
    runs: Sequence[Columns],
    y: torch.Tensor,
    step: torch.Tensor,
    steps: int,
    *,
    z_norm: float = 1.0,
    tolerance: float = 1e-12,
    watch: Sequence[int] = (),
    tell: Tell | None = None,
) -> Trace:
    """Follow B runs, each with columns, a signal and a step of its own: y (B, n), step (B,) in the theorem's units.

    V is scaled by nu = ||y||/(sqrt(dn) ||z||). Each run ends at a misfit of tolerance ||y||, where it stalls or
    diverges, or after `steps`. The Jacobian's spectrum is taken at the steps of `watch`, at the start and at the end.

    Raises
    ------
    ValueError
        where shapes disagree, y is zero or not finite, or a step, steps, z_norm or tolerance is out of range.
    Source: vanveen18 Theorem 4.1, Section B.1
    """
    y, step = torch.as_tensor(y, dtype=torch.float64), torch.as_tensor(step, dtype=torch.float64)
    _check(runs, y, step, steps, z_norm, tolerance)
    batch = _Batch(runs, y, step, z_norm, tolerance)
    history = _History(len(runs), steps, sorted({0, *watch}))
    history.note(batch, 0)
    for t in range(1, steps + 1):
        if not len(batch.places):
            break
        batch.advance()
        history.note(batch, t)
        if tell is not None and t % 10 == 0:
            tell(t, float(batch.r.norm(dim=1).max()) if len(batch.places) else 0.0)
    history.end(batch)
    return history.trace(batch.passes)


def _check(
    runs: Sequence[Columns], y: torch.Tensor, step: torch.Tensor, steps: int, z_norm: float, tolerance: float
) -> None:
    if not runs or y.shape != (len(runs), runs[0].n) or step.shape != (len(runs),):
        count = f"({len(runs)}, {runs[0].n if runs else 'n'}) and ({len(runs)},)"
        raise ValueError(f"y and step must be of shapes {count}, got {tuple(y.shape)} and {tuple(step.shape)}")
    if any(columns.n != runs[0].n for columns in runs):
        raise ValueError(f"runs must agree in n, got {sorted({columns.n for columns in runs})}")
    if not (torch.isfinite(y).all() and (y.norm(dim=1) > 0).all()):
        raise ValueError("y must be finite and not zero, got one that is not")
    if not (torch.isfinite(step).all() and (step > 0).all()):
        raise ValueError(f"step must be finite and above 0, got {step.tolist()}")
    if steps < 0 or not 0 < z_norm < math.inf or not 0 <= tolerance < 1:
        raise ValueError(
            "steps must be at least 0, z_norm above 0 and tolerance at least 0 and below 1, "
            f"got {steps}, {z_norm} and {tolerance}"
        )


@dataclass
class _ActiveRun:
    """What a run carries between passes, in float64."""

    columns: Columns
    off: torch.Tensor
    near: Near


def _trace(G: torch.Tensor) -> torch.Tensor:
    return G.diagonal(dim1=-2, dim2=-1).sum(-1)


def _times(G: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.bmm(G, x[:, :, None])[:, :, 0]


class _Batch:
    """The runs that go on: r, S, S at the last pass (b, n), G (b, n, n), and the watched columns, padded: (b, n, K)."""

    def __init__(
        self, runs: Sequence[Columns], y: torch.Tensor, step: torch.Tensor, z_norm: float, tolerance: float
    ) -> None:
        device, n = runs[0].device, runs[0].n
        self.places = np.arange(len(runs))
        self.y, self.z_norm, self.tolerance, self.passes = y.to(device), z_norm, tolerance, 0
        widths = torch.tensor([float(columns.width) for columns in runs], dtype=torch.float64, device=device)
        self.nu = self.y.norm(dim=1) / ((widths * n).sqrt() * z_norm)
        self.drift = step.to(device) * z_norm**2 * self.nu
        self.active: list[_ActiveRun] = []
        self.S = torch.zeros_like(self.y)
        self.S_pass = torch.zeros_like(self.y)
        self.displaced = torch.zeros(len(runs), dtype=torch.float64, device=device)
        self.switched = torch.zeros(len(runs), dtype=torch.float64, device=device)
        self.r, G = torch.empty_like(self.y), []
        for b, columns in enumerate(runs):
            off = torch.zeros(columns.count, dtype=torch.bool, device=device)
            room = NEAR_BYTES // (len(runs) * n * columns.dtype.itemsize)
            count = columns.count if columns.count <= room else max(64, min(room, columns.count // NEAR_SHARE))
            scan = survey(columns, self.S[b], float(self.drift[b]), z_norm, off, count, gram=True)
            assert scan.gram is not None
            G.append(scan.gram)
            self.r[b] = self.nu[b] * scan.output - self.y[b]
            self.active.append(_ActiveRun(columns, off, scan.near))
            self.passes += 1
        self.G = torch.stack(G)
        self.G0 = self.G.clone()
        self.summed = _trace(self.G)
        self.Gr, self.GS = _times(self.G, self.r), torch.zeros_like(self.y)
        self._gather()

    def _gather(self) -> None:
        """Put the watched columns of all runs side by side; those that pad have a margin of infinity."""
        most = max((len(run.near.margins) for run in self.active), default=0)
        b, n = self.y.shape
        self.U = torch.zeros(b, n, most, dtype=torch.float64, device=self.y.device)
        self.h0 = torch.full((b, most), torch.inf, dtype=torch.float64, device=self.y.device)
        self.margins = torch.full((b, most), torch.inf, dtype=torch.float64, device=self.y.device)
        self.reach = torch.full((b,), torch.inf, dtype=torch.float64, device=self.y.device)
        for place, run in enumerate(self.active):
            self._place(place, run.near)

    def _place(self, place: int, near: Near) -> None:
        count = len(near.margins)
        if count > self.U.shape[2]:
            self._gather()
            return
        self.U[place, :, :count] = near.V
        self.U[place, :, count:] = 0
        self.h0[place], self.margins[place] = torch.inf, torch.inf
        self.h0[place, :count] = torch.where(
            self.active[place].off[near.places], torch.inf, self.z_norm * near.h0.double()
        )
        self.margins[place, :count] = SLACK * near.margins.double()
        self.reach[place] = SLACK * near.reach

    def advance(self) -> None:
        """One step of every run."""
        S = self.S + self.r
        moved = (S - self.S_pass).norm(dim=1)
        self.S, self.GS = S, self.GS + self.Gr
        self.r = self.r - (self.nu * self.drift)[:, None] * self.Gr
        beyond = ~(moved <= self.reach)
        self._watched(moved, beyond)
        for place in torch.nonzero(beyond).flatten().tolist():
            if bool(torch.isfinite(S[place]).all()):
                self._pass(place)
        self.Gr = _times(self.G, self.r)

    def _watched(self, moved: torch.Tensor, beyond: torch.Tensor) -> None:
        """Find the watched neurons that go off at this step, and take them out."""
        near = (self.margins <= moved[:, None]) & ~beyond[:, None]
        count = int(near.sum(1).max()) if near.shape[1] else 0
        if not count:
            return
        V, h0 = self.U[:, :, :count], self.h0[:, :count]
        h = h0 - self.drift[:, None] * torch.bmm(self.S[:, None], V)[:, 0]
        gone = near[:, :count] & (h < 0)
        if not bool(gone.any()):
            return
        for place in torch.nonzero(gone.any(1)).flatten().tolist():
            (which,) = torch.nonzero(gone[place], as_tuple=True)
            run = self.active[place]
            run.off[run.near.places[which]] = True
            depths = h[place, which]
            self._take_out(place, V[place][:, which], depths, depths - h0[place, which])
            self.h0[place, which] = torch.inf
            if _trace(self.G[place]) < REBUILD * self.summed[place]:
                self._pass(place, gram=True)

    def _take_out(self, place: int, V: torch.Tensor, depths: torch.Tensor, moved: torch.Tensor) -> None:
        self.r[place] -= self.nu[place] * (V @ depths)
        self.G[place] -= V @ V.T
        self.displaced[place] += moved.square().sum()
        self.switched[place] += len(depths)
        self.GS[place] = self.G[place] @ self.S[place]

    def _pass(self, place: int, *, gram: bool = False) -> None:
        """Pass over all columns of a run, where S has moved beyond what is watched."""
        run = self.active[place]
        count = max(64, self.U.shape[2])
        scan = survey(run.columns, self.S[place], float(self.drift[place]), self.z_norm, run.off, count, gram=gram)
        self.passes += 1
        self._remove(place, scan)
        if scan.gram is not None:
            self.G[place], self.summed[place] = scan.gram, _trace(scan.gram)
            self.GS[place] = self.G[place] @ self.S[place]
        run.near = scan.near
        self.S_pass[place] = self.S[place]
        self.r[place] = self.nu[place] * scan.output - self.y[place]
        self._place(place, scan.near)
        if not gram and _trace(self.G[place]) < REBUILD * self.summed[place]:
            self._pass(place, gram=True)

    def _remove(self, place: int, scan: Survey) -> None:
        gone = scan.gone
        if gone.depths.numel():
            self._take_out(place, gone.V.double(), gone.depths.double(), gone.moved.double())

    def misfits(self) -> torch.Tensor:
        """||r||, (b,)."""
        return self.r.norm(dim=1)

    def distances(self) -> torch.Tensor:
        """||W_t - W_0||_F, (b,)."""
        on = self.drift.square() * (self.S * self.GS).sum(1)
        return (on.clamp_min(0) + self.displaced).sqrt() / self.z_norm

    def gradients(self) -> torch.Tensor:
        """||J^T r||, (b,)."""
        power = (self.r * self.Gr).sum(1).clamp_min(0)
        return self.nu * self.z_norm * power.sqrt()

    def spectrum(self, places: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Smallest and largest singular value of J_t, and ||J_t - J_0||, of some of the runs."""
        G, G0, scale = self.G[list(places)], self.G0[list(places)], self.nu[list(places)] * self.z_norm
        values = torch.linalg.eigvalsh(G).clamp_min(0).sqrt()
        change = torch.linalg.eigvalsh(G0 - G)[:, -1].clamp_min(0).sqrt()
        return scale * values[:, 0], scale * values[:, -1], scale * change

    def keep(self, going: np.ndarray) -> None:
        """Go on with some of the runs only."""
        index = torch.from_numpy(np.flatnonzero(going)).to(self.y.device)
        for name in ("y", "nu", "drift", "S", "S_pass", "displaced", "switched", "r", "G", "G0", "Gr", "GS", "summed"):
            setattr(self, name, getattr(self, name)[index])
        for name in ("U", "h0", "margins", "reach"):
            setattr(self, name, getattr(self, name)[index])
        self.active = [run for run, goes in zip(self.active, going, strict=True) if goes]
        self.places = self.places[going]


@dataclass
class _History:
    """The rows of a trace as they come, and which runs have ended how."""

    runs: int
    steps: int
    watch: list[int]
    spectra: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (self.runs, self.steps + 1)
        self.misfits, self.distances, self.switched = (np.full(shape, np.nan) for _ in range(3))
        self.outcomes = [ENDED] * self.runs
        self.ends = np.full(self.runs, self.steps)
        self.last = np.full((self.runs, 3), np.nan)

    def note(self, batch: _Batch, t: int) -> None:
        misfits, distances = batch.misfits(), batch.distances()
        bound = batch.tolerance * batch.y.norm(dim=1)
        scale = batch.nu * batch.z_norm * _trace(batch.G0).sqrt()
        stalled = batch.gradients() <= STALL * scale * misfits
        rows = torch.stack([misfits, distances, batch.switched, (misfits <= bound).double(), stalled.double()])
        values = rows.cpu().numpy()
        at = batch.places
        self.misfits[at, t], self.distances[at, t], self.switched[at, t] = values[0], values[1], values[2]
        finite = np.isfinite(values[0])
        self.misfits[at[~finite], t] = np.inf
        if t in self.watch:
            self.spectra[t] = np.full((self.runs, 3), np.nan)
            self._look(batch, np.flatnonzero(finite), self.spectra[t])
        over = ~finite | (values[3] > 0) | (values[4] > 0)
        if over.any():
            self._close(batch, t, over, finite, values[3] > 0)

    def _close(self, batch: _Batch, t: int, over: np.ndarray, finite: np.ndarray, converged: np.ndarray) -> None:
        for place in np.flatnonzero(over):
            run = batch.places[place]
            self.outcomes[run] = DIVERGED if not finite[place] else CONVERGED if converged[place] else STALLED
            self.ends[run] = t
        self._look(batch, np.flatnonzero(over & finite), self.last)
        batch.keep(~over)

    def _look(self, batch: _Batch, places: np.ndarray, into: np.ndarray) -> None:
        if len(places):
            into[batch.places[places]] = torch.stack(batch.spectrum(places.tolist()), 1).cpu().numpy()

    def end(self, batch: _Batch) -> None:
        self._look(batch, np.arange(len(batch.places)), self.last)

    def trace(self, passes: int) -> Trace:
        """All of it; the last column of the spectra is that of each run's end."""
        at = [t for t in self.watch if t in self.spectra]
        table = np.stack([*(self.spectra[t] for t in at), self.last], 1)
        steps = np.concatenate([np.broadcast_to(np.array(at), (self.runs, len(at))), self.ends[:, None]], 1)
        spectra = Spectra(steps, table[:, :, 0], table[:, :, 1], table[:, :, 2])
        return Trace(self.misfits, self.distances, self.switched, spectra, tuple(self.outcomes), self.ends, passes)
