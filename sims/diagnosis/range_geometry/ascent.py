"""Extremes of ||A x||^2/||x||^2 over the outputs of a deep decoder and their differences, by ascent on its weights.

Whatever an ascent attains is a bound from inside: gamma is at most the least ratio, beta at least the largest. The last
weights enter linearly, so they are solved for (variable projection): for each restart the best last weights are an
extreme eigenvector of a small pencil, and Adam moves the others. Source: jagatap19 Definition 2, its decoder on p. 13
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number

LayerWeights = tuple[Array, ...]
FIRST_RATE, LEAST_RATE = 0.03, 1e-3
"""Adam's first rate, and the share of it that is left at the end."""
CENTRED = 0.9
"""How much of the mean input's part is taken from the first weights: with one input all would be their whole."""
DEPENDENT = 1e-12
"""Features of less than this share of the energy are not used: rounding stays below 1e-9 of a difference."""


@dataclass(frozen=True)
class DeepDecoder:
    """G(w; z) = U_{L-1} relu(Z_{L-1} W_{L-1}) W_L, Z_l = U_{l-1} relu(Z_{l-1} W_{l-1}), without sigmoid and batch norm.

    code: Z_1 (d_1, k_1); upsamplings: U_1, ..., U_{L-1}, U_l (d_{l+1}, d_l); widths: (k_2, ..., k_L), one a layer of
    ReLUs; channels: columns of W_L.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, or a width is below 1.
    """

    code: Array
    upsamplings: tuple[Array, ...]
    widths: tuple[int, ...]
    channels: int = 1

    def __post_init__(self) -> None:
        sizes = [len(real_array("code", self.code, 2))]
        for U in self.upsamplings:
            same_length("columns of an upsampling", real_array("upsamplings", U, 2).shape[1], "pixels", sizes[-1])
            sizes.append(len(U))
        same_length("widths", len(self.widths), "upsamplings", len(self.upsamplings))
        for width in (*self.widths, self.channels):
            whole_number("widths and channels", width, 1)
        if not self.widths:
            raise ValueError("widths must be at least one, got none")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape (k_l, k_{l+1}) of each W_l."""
        return list(pairwise((self.code.shape[1], *self.widths, self.channels)))

    @property
    def size(self) -> int:
        """How many numbers an output has: channels times pixels."""
        return self.channels * len(self.upsamplings[-1])

    def output(self, weights: Sequence[Array]) -> Array:
        """G(w; z) (channels * pixels,), channel by channel.

        Raises
        ------
        ValueError
            where the weights are not of the decoder's shapes.
        """
        shapes = [np.shape(W) for W in weights]
        if shapes != self.shapes:
            raise ValueError(f"weights must have the shapes {self.shapes}, got {shapes}")
        Z = self.code
        for W, U in zip(weights[:-1], self.upsamplings, strict=True):
            Z = U @ np.maximum(Z @ W, 0.0)
        out: Array = (Z @ weights[-1]).T.ravel()
        return out


@dataclass(frozen=True)
class Extreme:
    """A ratio ||A x||^2/||x||^2 and the weights of x = G(w), or of x = G(w) - G(w') where there are two."""

    ratio: float
    weights: tuple[LayerWeights, ...]


@dataclass(frozen=True)
class IsometryExtremes:
    """The least and the largest ratio that a search came to: gamma is at most the one, beta at least the other."""

    lowest: Extreme
    highest: Extreme


def isometry_extremes(
    decoder: DeepDecoder,
    matrix: Array,
    *,
    differences: bool = True,
    restarts: int = 4,
    steps: int = 300,
    seed: int = 0,
) -> IsometryExtremes:
    """Search S - S (S alone where not `differences`) for the extremes of ||A x||^2/||x||^2, A (n, decoder.size).

    `restarts` run side by side for `steps` of Adam in float64, from weights drawn by `seed`. What comes out is attained
    by the weights that come with it; how far the true extremes are beyond, a search cannot say.

    Raises
    ------
    ValueError
        where A does not fit the decoder or has entries that are not finite, a count is below 1, or no start gives an
        output other than zero.
    Source: jagatap19 Definition 2
    """
    A = real_array("matrix", matrix, 2)
    same_length("columns of matrix", A.shape[1], "numbers of an output", decoder.size)
    counts = whole_number("restarts", restarts, 1), whole_number("steps", steps, 1)
    search = _Search(decoder, A, 2 if differences else 1)
    return IsometryExtremes(search.ascent(-1, *counts, seed), search.ascent(1, *counts, seed))


def ratio_at(decoder: DeepDecoder, matrix: Array, weights: Sequence[LayerWeights]) -> float:
    """||A x||^2/||x||^2 of x = G(w), or of x = G(w) - G(w') for two weights, by definition.

    Raises
    ------
    ValueError
        where the weights are not of the decoder's shapes, not one or two, or x is zero.
    """
    if len(weights) not in (1, 2):
        raise ValueError(f"weights must be those of one or two outputs, got {len(weights)}")
    x = decoder.output(weights[0]) - (decoder.output(weights[1]) if len(weights) == 2 else 0.0)
    if not x.any():
        raise ValueError("weights must give an output or a difference other than zero, got zero")
    return float(np.square(matrix @ x).sum() / np.square(x).sum())


@dataclass(frozen=True)
class _Search:
    """Tensors are (restarts, sides, ...); pixels are those before the last upsampling, in an orthonormal frame of it.

    With U_{L-1} = Q R, x = (I x Q)(I x R) h has the norm of R h, so ratios need Q only inside of A (I x Q).
    """

    decoder: DeepDecoder
    matrix: Array
    sides: int

    @cached_property
    def frame(self) -> tuple[torch.Tensor, torch.Tensor]:
        """R (d, d) and A (I x Q) (channels, n, d)."""
        Q, R = np.linalg.qr(self.decoder.upsamplings[-1])
        blocks = np.stack(np.split(self.matrix, self.decoder.channels, axis=1))
        return torch.from_numpy(R), torch.from_numpy(blocks @ Q)

    @cached_property
    def beyond(self) -> float:
        """More than any ratio."""
        return 2.0 * float(self.frame[1].square().sum())

    @cached_property
    def layers(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The code, and the upsamplings but the last."""
        return _tensor(self.decoder.code), [_tensor(U) for U in self.decoder.upsamplings[:-1]]

    def features(self, hidden: Sequence[torch.Tensor]) -> torch.Tensor:
        """R relu(Z_{L-1} W_{L-1}) of both sides (..., d, sides k_L)."""
        Z, upsamplings = self.layers
        for W, U in zip(hidden[:-1], upsamplings, strict=True):
            Z = U @ torch.relu(Z @ W)
        F = self.frame[0] @ torch.relu(Z @ hidden[-1])
        return torch.cat(F.unbind(-3), -1)

    def start(self, restarts: int, seed: int) -> list[torch.Tensor]:
        """Gaussian hidden weights, each layer centred against its mean input: about half of its ReLUs are on."""
        rng, (Z, upsamplings) = stream(seed, "ascent", "weights"), self.layers
        hidden = []
        for i, (inputs, outputs) in enumerate(self.decoder.shapes[:-1]):
            W = torch.from_numpy(rng.standard_normal((restarts, self.sides, inputs, outputs)))
            mean = Z.mean(-2, keepdim=True)
            hidden.append(W - CENTRED * mean.mT @ (mean @ W) / (mean @ mean.mT).clamp_min(1e-300))
            if i < len(upsamplings):
                Z = upsamplings[i] @ torch.relu(Z @ hidden[-1])
        return hidden

    def best_last(self, F: torch.Tensor, sense: int) -> torch.Tensor:
        """The last weights (restarts, sides k_L, channels) of the extreme ratio for features F: those of a pencil."""
        sizes, axes = torch.linalg.eigh(F.mT @ F)
        dependent = sizes <= DEPENDENT * sizes[..., -1:]
        whitening = axes * torch.where(dependent, 0.0, sizes.clamp_min(1e-300).rsqrt())[..., None, :]
        image = self.frame[1] @ (F @ whitening)[..., None, :, :]  # (restarts, channels, n, features)
        M = torch.cat(image.unbind(-3), -1)
        bar = torch.cat([dependent] * self.decoder.channels, -1) * (-sense * self.beyond)
        vectors = torch.linalg.eigh(M.mT @ M + torch.diag_embed(bar))[1]
        extreme = vectors[..., -1 if sense > 0 else 0]
        return whitening @ extreme.unflatten(-1, (self.decoder.channels, -1)).mT

    def ratios(self, F: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """||A x||^2/||x||^2 (restarts,), nan where x is zero."""
        x = (F @ last).mT
        y = torch.einsum("cnd,...cd->...n", self.frame[1], x)
        energy = x.square().sum((-1, -2))
        return torch.where(energy > 0, y.square().sum(-1) / energy.clamp_min(1e-300), torch.nan)

    def ascent(self, sense: int, restarts: int, steps: int, seed: int) -> Extreme:
        """The best of all restarts and steps: the largest ratio for sense 1, the least for -1."""
        hidden = [W.requires_grad_(True) for W in self.start(restarts, seed)]
        adam = torch.optim.Adam(hidden, FIRST_RATE, betas=(0.9, 0.99), eps=1e-12)
        decay = torch.optim.lr_scheduler.ExponentialLR(adam, LEAST_RATE ** (1 / steps))
        best: Extreme | None = None
        for _ in range(steps):
            adam.zero_grad()
            F = self.features(hidden)
            last = self.best_last(F.detach(), sense)
            ratios = self.ratios(F, last)
            best = self._better(best, hidden, last, ratios.detach(), sense)
            (-sense * ratios.nan_to_num(1.0).clamp_min(1e-300).log()).sum().backward()
            adam.step()
            decay.step()
        if best is None:
            raise ValueError("decoder must have outputs other than zero, got none from any start")
        return best

    def _better(
        self,
        best: Extreme | None,
        hidden: Sequence[torch.Tensor],
        last: torch.Tensor,
        ratios: torch.Tensor,
        sense: int,
    ) -> Extreme | None:
        """The best so far: the best restart of this step, evaluated by definition, where it goes further."""
        scores = torch.where(ratios.isnan(), -torch.inf, sense * ratios)
        i = int(scores.argmax())
        if scores[i] == -torch.inf or (best is not None and scores[i] <= sense * best.ratio):
            return best
        return self._evaluated([W[i] for W in hidden], last[i])

    def _evaluated(self, hidden: Sequence[torch.Tensor], last: torch.Tensor) -> Extreme:
        """LayerWeights as arrays, w' with the opposite last weights, and their ratio by definition."""
        ends = [part * sign for part, sign in zip(last.chunk(self.sides), (1, -1), strict=False)]
        sides = [(*(W[s] for W in hidden), end) for s, end in enumerate(ends)]
        weights = tuple(tuple(W.detach().numpy().copy() for W in side) for side in sides)
        return Extreme(ratio_at(self.decoder, self.matrix, weights), weights)


def _tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))
