"""When to stop fitting, and which iterate to keep: rules behind one interface, for many problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import torch


@dataclass(frozen=True)
class Iterates:
    """What a rule sees of P problems after a step: images (P, C, H, W), ||y - A x||^2 of each, and held-out misfits.

    Steps count from 1.
    """

    step: int
    images: torch.Tensor
    misfits: torch.Tensor
    held_out: torch.Tensor | None = None


MAY_STOP = ("discrepancy", "windowed-variance", "held-out")
"""Rules by which a fit may end before its steps do."""


class StoppingRule(Protocol):
    """A stopping rule for P problems: `observe` answers which have stopped; `best` is what each would return.

    `label` is the rule's name for people: it says so where a rule looks at the truth.
    """

    label: str
    best: BestIterates

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Take in a step; return (P,) booleans, true where a problem needs no further step."""
        ...


class BestIterates:
    """The iterate kept for each problem: `images` (P, C, H, W), `misfits` (P,) and `steps` (P,).

    A problem without a finite iterate so far has an image of zeros, an infinite misfit and step 0.
    """

    def __init__(self) -> None:
        self.images = self.misfits = self.steps = torch.empty(0)

    def take(self, iterates: Iterates, where: torch.Tensor) -> None:
        """Keep this step's images where asked."""
        if not len(self.images):
            self.images, self.misfits = torch.zeros_like(iterates.images), torch.full_like(iterates.misfits, torch.inf)
            self.steps = torch.zeros_like(iterates.misfits, dtype=torch.int64)
        self.images = torch.where(where[:, None, None, None], iterates.images.detach(), self.images)
        self.misfits = torch.where(where, iterates.misfits.detach(), self.misfits)
        self.steps = torch.where(where, iterates.step, self.steps)


class _Base:
    label = ""

    def __init__(self) -> None:
        self.best = BestIterates()

    def _none(self, iterates: Iterates) -> torch.Tensor:
        return torch.zeros_like(iterates.misfits, dtype=torch.bool)

    @staticmethod
    def _finite(iterates: Iterates) -> torch.Tensor:
        return iterates.misfits.isfinite() & iterates.images.flatten(1).isfinite().all(1)


class Fixed(_Base):
    """The last finite iterate of a fixed number of steps."""

    label = "fixed"

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Keep every finite iterate over the one before."""
        self.best.take(iterates, self._finite(iterates))
        return self._none(iterates)


class LastWindow(_Base):
    """The iterate of least measurement loss among the last `window` of `steps`; the latest one before these begin.

    Source: vanveen18 Appendix A (stopping criterion; the window is 20 there, 51 in the published code).
    """

    label = "last-window"

    def __init__(self, steps: int, window: int = 20) -> None:
        super().__init__()
        _at_least_one(steps=steps, window=window)
        self.begin = steps - window + 1

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Before the window keep the latest; within it the best."""
        where = self._finite(iterates)
        if iterates.step > self.begin and len(self.best.steps):
            where &= (iterates.misfits < self.best.misfits) | (self.best.steps < self.begin)
        self.best.take(iterates, where)
        return self._none(iterates)


class Discrepancy(_Base):
    """The first iterate whose misfit is no larger than the noise's: ||y - A x||^2 <= tau^2 E||eta||^2 = tau^2 sigma^2.

    The last iterate, where none is. Source: Morozov's discrepancy principle; eta has m entries of variance
    sigma^2 / m (vanveen18 Section 5.1).
    """

    label = "discrepancy"

    def __init__(self, noise: float, tau: float = 1.0) -> None:
        super().__init__()
        if not noise > 0:
            raise ValueError(f"stopping by discrepancy needs a noise level above 0, got {noise}")
        if not tau > 0:
            raise ValueError(f"tau must be above 0, got {tau}")
        self.bound = (tau * noise) ** 2
        self._done: torch.Tensor | None = None

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Keep the latest until the bound is met, then nothing more."""
        return self._keep(iterates, self._finite(iterates))

    def _keep(self, iterates: Iterates, where: torch.Tensor) -> torch.Tensor:
        done = self._none(iterates) if self._done is None else self._done
        where = where & ~done
        self.best.take(iterates, where)
        self._done = done | (where & (iterates.misfits <= self.bound))
        return self._done


CAUTION = 0.7
"""Share of E||eta||^2 below which a fit has surely fitted noise: measured in docs/recover.md (Noisy measurements)."""


class CautiousDiscrepancy(Discrepancy):
    """The first iterate whose misfit is no larger than CAUTION times the noise's, else that of `LastWindow`.

    At the noise's own misfit a smooth fit has often not got all there is: of the noise it takes a part, and averaged
    iterates lag behind. So it ends a fit early only where that has gone far into the noise.
    """

    label = "cautious-discrepancy"

    def __init__(self, noise: float, steps: int, window: int = 20) -> None:
        super().__init__(noise, sqrt(CAUTION))
        _at_least_one(steps=steps, window=window)
        self.begin = steps - window + 1

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Keep the latest, within the window the best, until the bound is met; then nothing more."""
        where = self._finite(iterates)
        if iterates.step > self.begin and len(self.best.steps):
            where &= (iterates.misfits < self.best.misfits) | (self.best.steps < self.begin)
        return self._keep(iterates, where)


class _Patient(_Base):
    """The iterate of least score, once `patience` steps brought no lower one; only finite scores count."""

    def __init__(self, patience: int = 300) -> None:
        super().__init__()
        _at_least_one(patience=patience)
        self.patience = patience
        self._least = self._since = torch.empty(0)

    def _lower(self, iterates: Iterates, scores: torch.Tensor) -> torch.Tensor:
        if not len(self._least):
            self._least, self._since = torch.full_like(scores, torch.inf), torch.zeros_like(scores)
        better = (scores < self._least) & self._finite(iterates) & (self._since < self.patience)
        self._least = torch.where(better, scores, self._least)
        self._since = torch.where(better | self._least.isinf(), 0.0, self._since + 1)
        self.best.take(iterates, better)
        return self._since >= self.patience


class WindowedVariance(_Patient):
    """ES-WMV: the iterate where the variance of the last `window` images is least, once that held for `patience` steps.

    Before a window is full the latest iterate is kept. Memory: `window` float32 images for each problem, and one of
    float64; a window of 100 takes 26 MB for a 256x256 image. A window in which an image is not finite has no variance.

    Source: wang21 (arXiv 2112.06074), the variance by running sums in float64 over a ring of images.
    """

    label = "windowed-variance"

    def __init__(self, window: int = 100, patience: int = 300) -> None:
        super().__init__(patience)
        if window < 2:
            raise ValueError(f"window must be at least 2 for a variance, got {window}")
        self.window = window
        self._count = 0
        self._ring = self._sum = self._squares = self._clean = torch.empty(0)

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Slide the window; keep the image at the least variance so far."""
        finite = self._finite(iterates)
        self._slide(iterates.images.detach(), finite)
        variances = (self._squares / self.window - _energies(self._sum / self.window)).clamp_min(0.0)
        stopped = self._lower(iterates, torch.where(self._clean >= self.window, variances, torch.inf))
        self.best.take(iterates, finite & self._least.isinf())
        return stopped

    def _slide(self, images: torch.Tensor, finite: torch.Tensor) -> None:
        if not len(self._ring):
            self._ring = images.new_zeros(self.window, *images.shape)
            self._sum = torch.zeros_like(images, dtype=torch.float64)
            self._squares = self._sum.new_zeros(len(images))
            self._clean = torch.zeros_like(finite, dtype=torch.int64)
        oldest = self._ring[self._count % self.window]
        images = torch.where(finite[:, None, None, None], images, 0.0)
        self._sum += images.double() - oldest
        self._squares += _energies(images) - _energies(oldest)
        oldest.copy_(images)
        self._clean = torch.where(finite, self._clean + 1, 0)
        self._count += 1


def _energies(images: torch.Tensor) -> torch.Tensor:
    return images.double().flatten(1).square().sum(1)


class HeldOut(_Patient):
    """The iterate that best predicts measurements kept away from the fit, once none did better for `patience` steps."""

    label = "held-out"

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Keep the least held-out misfit."""
        if iterates.held_out is None:
            raise ValueError("stopping by hold-out needs measurements that were held out, got none")
        return self._lower(iterates, iterates.held_out)


class Oracle(_Base):
    """The iterate nearest to the truth, (C, H, W) or (P, C, H, W): what no user can know, for studies only."""

    label = "oracle (uses the truth)"

    def __init__(self, truth: torch.Tensor) -> None:
        super().__init__()
        self.truth = truth
        self._least = torch.empty(0)

    def observe(self, iterates: Iterates) -> torch.Tensor:
        """Keep the least true error."""
        if self.truth.shape not in (iterates.images.shape, iterates.images.shape[1:]):
            shapes = " or ".join(str(tuple(shape)) for shape in (iterates.images.shape[1:], iterates.images.shape))
            raise ValueError(f"truth must have shape {shapes}, got {tuple(self.truth.shape)}")
        errors = (iterates.images.detach() - self.truth.to(iterates.images.device)).flatten(1).square().mean(1)
        if not len(self._least):
            self._least = torch.full_like(errors, torch.inf)
        better = (errors < self._least) & self._finite(iterates)
        self._least = torch.where(better, errors, self._least)
        self.best.take(iterates, better)
        return self._none(iterates)


def _at_least_one(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")


RULES = ("fixed", "last-window", "discrepancy", "cautious-discrepancy", "windowed-variance", "held-out", "oracle")


def stopping_rule(
    name: str, steps: int, *, window: int | None = None, noise: float = 0.0, truth: torch.Tensor | None = None
) -> StoppingRule:
    """Return a new rule by its name.

    Raises
    ------
    ValueError
        where the name is unknown, the window is too short, or the rule lacks what it needs (a noise level, the truth).
    """
    match name:
        case "fixed":
            return Fixed()
        case "last-window":
            return LastWindow(steps, 20 if window is None else window)
        case "discrepancy":
            return Discrepancy(noise)
        case "cautious-discrepancy":
            return CautiousDiscrepancy(noise, steps, 20 if window is None else window)
        case "windowed-variance":
            return WindowedVariance(100 if window is None else window)
        case "held-out":
            return HeldOut()
        case "oracle":
            if truth is None:
                raise ValueError("stopping by the oracle needs the true image, which measurements alone do not give")
            return Oracle(truth)
        case _:
            raise ValueError(f"stopping must be one of {', '.join(RULES)}, got {name!r}")
