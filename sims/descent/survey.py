"""One pass over the columns: the output, the Gram matrix, which neurons go off, and which may do so soon."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from sims.descent.columns import Block, Columns


@dataclass
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


@dataclass
class Survey:
    """What a pass found at a sum of residuals: V h over the neurons that are on, and the columns that just went off.

    `gone` (n, G) are those columns, `depths` their h < 0 there, `moved` the h - h_0 of each; `gram` is V V^T over the
    neurons that are on, where it was asked for.
    """

    output: torch.Tensor
    near: Near
    gone: torch.Tensor
    depths: torch.Tensor
    moved: torch.Tensor
    gram: torch.Tensor | None


@dataclass
class _Nearest:
    """The columns of least margin among all blocks so far, at most twice as many as wanted."""

    wanted: int
    parts: list[tuple[torch.Tensor, ...]] = field(default_factory=list)
    held: int = 0
    reach: float = float("inf")

    def add(self, block: Block, margins: torch.Tensor) -> None:
        if len(margins) > self.wanted:
            self.reach = min(self.reach, float(margins.kthvalue(self.wanted + 1).values))
        (chosen,) = torch.nonzero(margins < self.reach, as_tuple=True)
        if len(chosen):
            part = (block.V[:, chosen], block.h0[chosen], margins[chosen], chosen + block.start)
            self.parts.append(part)
            self.held += len(chosen)
        if self.held > 2 * self.wanted:
            self._cut()

    def _cut(self) -> tuple[torch.Tensor, ...]:
        V, h0, margins, places = (torch.cat(each, -1) for each in zip(*self.parts, strict=True))
        order = torch.argsort(margins, stable=True)
        if len(order) > self.wanted:
            self.reach = float(margins[order[self.wanted]])
            order = order[: self.wanted]
        kept = (V[:, order], h0[order], margins[order], places[order])
        self.parts, self.held = [kept], len(order)
        return kept

    def near(self, columns: Columns) -> Near:
        if not self.parts:
            like = {"dtype": columns.dtype, "device": columns.device}
            empty = torch.empty(0, **like)  # type: ignore[arg-type]
            places = torch.empty(0, dtype=torch.int64, device=columns.device)
            return Near(torch.empty(columns.n, 0, **like), empty, empty, places, self.reach)  # type: ignore[arg-type]
        return Near(*self._cut(), self.reach)


def survey(
    columns: Columns, total: torch.Tensor, drift: float, z_norm: float, off: torch.Tensor, wanted: int, *, gram: bool
) -> Survey:
    """Pass over all columns at the sum of residuals `total` (n,); those found to have gone off are marked in `off`.

    A neuron that is on has h = ||z|| h_0 - drift <v, total>. `wanted` columns of least margin are kept.
    """
    n, high = columns.n, {"dtype": torch.float64, "device": columns.device}
    output = torch.zeros(n, **high)  # type: ignore[arg-type]
    G = torch.zeros(n, n, **high) if gram else None  # type: ignore[arg-type]
    nearest, gone = _Nearest(wanted), []
    S = (drift * total).to(columns.dtype)
    for block in columns.blocks():
        place = slice(block.start, block.start + len(block.h0))
        moved = -(S @ block.V)
        h = z_norm * block.h0 + moved
        was_on = ~off[place]
        left = was_on & (h < 0)
        if bool(left.any()):
            gone.append((block.V[:, left], h[left], moved[left]))
            off[place] |= left
        on = was_on & ~left
        h = torch.where(on, h, 0)
        output += (block.V @ h).double()
        if G is not None:
            used = block.V * on
            G += (used @ used.T).double()
        nearest.add(block, torch.where(on, h / (drift * block.norms), torch.inf))
    like = {"dtype": columns.dtype, "device": columns.device}
    nothing = (torch.empty(n, 0, **like), torch.empty(0, **like), torch.empty(0, **like))  # type: ignore[arg-type]
    joined = [torch.cat(each, -1) for each in zip(*(gone or [nothing]), strict=True)]
    return Survey(output, nearest.near(columns), joined[0], joined[1], joined[2], G)
