"""One pass over the columns: the output, the Gram matrix, which neurons go off, and which may do so soon."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from untrained.sims.dynamics.columns import Block, Columns, Regenerated


@dataclass(frozen=True)
class Near:
    """The columns that may go off next, nearest first: V (n, K), h_0 and margins (K,), their places among all.

    A column's margin is how far the sum of residuals may move before the neuron can go off; beyond `reach` those left
    out may too.
    """

    V: torch.Tensor
    h0: torch.Tensor
    margins: torch.Tensor
    places: torch.Tensor
    reach: float


@dataclass(frozen=True)
class Gone:
    """Columns that just went off: V (n, G), their h < 0 there, and h - h_0, (G,)."""

    V: torch.Tensor
    depths: torch.Tensor
    moved: torch.Tensor


@dataclass(frozen=True)
class Survey:
    """What a pass found at a sum of residuals: V h and V V^T over the neurons that are on, and those that went off.

    Output (n,) and gram (n, n) are float64; `gram` is None where it was not asked for.
    """

    output: torch.Tensor
    gram: torch.Tensor | None
    near: Near
    gone: Gone


@dataclass
class _Nearest:
    """The columns of least margin among all blocks so far, at most twice as many as wanted."""

    count: int
    parts: list[Near] = field(default_factory=list)
    stored: int = 0
    reach: float = float("inf")

    def add(self, block: Block, margins: torch.Tensor) -> None:
        if len(margins) > self.count:
            self.reach = min(self.reach, float(margins.kthvalue(self.count + 1).values))
        (chosen,) = torch.nonzero(margins < self.reach, as_tuple=True)
        if len(chosen):
            part = Near(block.V[:, chosen], block.h0[chosen], margins[chosen], chosen + block.start, self.reach)
            self.parts.append(part)
            self.stored += len(chosen)
        if self.stored > 2 * self.count:
            self.parts = [self._nearest()]
            self.stored = len(self.parts[0].margins)

    def _nearest(self) -> Near:
        parts = self.parts
        margins = torch.cat([part.margins for part in parts])
        order = torch.argsort(margins, stable=True)
        if len(order) > self.count:
            self.reach = float(margins[order[self.count]])
            order = order[: self.count]
        V, h0 = torch.cat([part.V for part in parts], 1)[:, order], torch.cat([part.h0 for part in parts])[order]
        return Near(V, h0, margins[order], torch.cat([part.places for part in parts])[order], self.reach)

    def near(self, columns: Columns) -> Near:
        if self.parts:
            return self._nearest()
        nothing = _nothing(columns)
        return Near(nothing.V, nothing.depths, nothing.moved, nothing.moved.long(), self.reach)


def _nothing(columns: Columns) -> Gone:
    V = torch.empty(columns.n, 0, dtype=columns.dtype, device=columns.device)
    return Gone(V, V[0], V[0])


def survey(
    columns: Columns, total: torch.Tensor, drift: float, z_norm: float, off: torch.Tensor, count: int, *, gram: bool
) -> Survey:
    """Pass over all columns at the sum of residuals `total` (n,); those found to have gone off are marked in `off`.

    A neuron that is on has h = ||z|| h_0 - drift <v, total>. `wanted` columns of least margin are kept.
    """
    if not gram and isinstance(columns, Regenerated) and columns.fused:
        return _fused(columns, total, drift, z_norm, off, count)
    output = torch.zeros(columns.n, dtype=torch.float64, device=columns.device)
    G = torch.zeros(columns.n, columns.n, dtype=torch.float64, device=columns.device)
    nearest, gone = _Nearest(count), [_nothing(columns)]
    S = (drift * total).to(columns.dtype)
    for block in columns.blocks():
        moved = -(S @ block.V)
        h = z_norm * block.h0 + moved
        on = _still_on(block, h, moved, off, gone)
        h = torch.where(on, h, 0)
        output += (block.V @ h).double()
        if gram:
            used = block.V * on
            G += (used @ used.T).double()
        nearest.add(block, torch.where(on, h / (drift * block.norms), torch.inf))
    joined = Gone(
        torch.cat([g.V for g in gone], 1), torch.cat([g.depths for g in gone]), torch.cat([g.moved for g in gone])
    )
    return Survey(output, G if gram else None, nearest.near(columns), joined)


def _still_on(block: Block, h: torch.Tensor, moved: torch.Tensor, off: torch.Tensor, gone: list[Gone]) -> torch.Tensor:
    """Which neurons of a block are on; those that just went off are marked, and their columns set aside."""
    place = slice(block.start, block.start + len(block.h0))
    was_on = ~off[place]
    left = was_on & (h < 0)
    if bool(left.any()):
        gone.append(Gone(block.V[:, left], h[left], moved[left]))
        off[place] |= left
    return was_on & ~left


def _fused(
    columns: Regenerated, total: torch.Tensor, drift: float, z_norm: float, off: torch.Tensor, count: int
) -> Survey:
    """The same pass by the kernel that draws and multiplies; only the columns that matter are drawn again."""
    S = total.to(columns.dtype)
    margins, output = columns.multiplied(S, off, drift, z_norm)
    (left,) = torch.nonzero(margins < 0, as_tuple=True)
    V, h0 = columns.gathered(left)
    moved = -drift * (S @ V)
    off[left] = True
    margins = torch.where(margins < 0, torch.inf, margins)
    nearest = torch.topk(margins, min(count + 1, len(margins)), largest=False).indices
    reach = float(margins[nearest[count]]) if len(nearest) > count else float("inf")
    nearest = nearest[:count]
    near = Near(*columns.gathered(nearest), margins[nearest].to(columns.dtype), nearest, reach)
    return Survey(output, None, near, Gone(V, z_norm * h0 + moved, moved))
