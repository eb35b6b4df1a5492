"""When to stop fitting, and which iterate to keep: rules behind one interface, for many problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


@dataclass(frozen=True)
class Seen:
    """What a rule sees of P problems after a step: images (P, C, H, W), ||y - A x||^2 of each, and held-out misfits.

    Steps count from 1.
    """

    step: int
    images: torch.Tensor
    misfits: torch.Tensor
    held_out: torch.Tensor | None = None


class Rule(Protocol):
    """A stopping rule for P problems: `observe` answers which have stopped; `kept` is what each would return.

    `label` is the rule's name for people: it says so where a rule looks at the truth.
    """

    label: str
    kept: Kept

    def observe(self, seen: Seen) -> torch.Tensor:
        """Take in a step; return (P,) booleans, true where a problem needs no further step."""
        ...


class Kept:
    """The iterate kept for each problem: `images` (P, C, H, W), `misfits` (P,) and `steps` (P,).

    A problem without a finite iterate so far has an image of zeros, an infinite misfit and step 0.
    """

    def __init__(self) -> None:
        self.images = self.misfits = self.steps = torch.empty(0)

    def take(self, seen: Seen, where: torch.Tensor) -> None:
        """Keep this step's images where asked."""
        if not len(self.images):
            self.images, self.misfits = torch.zeros_like(seen.images), torch.full_like(seen.misfits, torch.inf)
            self.steps = torch.zeros_like(seen.misfits, dtype=torch.int64)
        self.images = torch.where(where[:, None, None, None], seen.images.detach(), self.images)
        self.misfits = torch.where(where, seen.misfits.detach(), self.misfits)
        self.steps = torch.where(where, seen.step, self.steps)


class _Base:
    label = ""

    def __init__(self) -> None:
        self.kept = Kept()

    def _none(self, seen: Seen) -> torch.Tensor:
        return torch.zeros_like(seen.misfits, dtype=torch.bool)

    @staticmethod
    def _finite(seen: Seen) -> torch.Tensor:
        return seen.misfits.isfinite() & seen.images.flatten(1).isfinite().all(1)


class Fixed(_Base):
    """The last finite iterate of a fixed number of steps."""

    label = "fixed"

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep every finite iterate over the one before."""
        self.kept.take(seen, self._finite(seen))
        return self._none(seen)


class LastWindow(_Base):
    """The iterate of least measurement loss among the last `window` of `steps`; the latest one before these begin.

    Source: vanveen18 Appendix A (stopping criterion; the window is 20 there, 51 in the published code).
    """

    label = "last-window"

    def __init__(self, steps: int, window: int = 20) -> None:
        super().__init__()
        _at_least_one(steps=steps, window=window)
        self.begin = steps - window + 1

    def observe(self, seen: Seen) -> torch.Tensor:
        """Before the window keep the latest; within it the best."""
        taken = self._finite(seen)
        if seen.step > self.begin and len(self.kept.steps):
            taken &= (seen.misfits < self.kept.misfits) | (self.kept.steps < self.begin)
        self.kept.take(seen, taken)
        return self._none(seen)


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

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the latest until the bound is met, then nothing more."""
        done = self._none(seen) if self._done is None else self._done
        taken = self._finite(seen) & ~done
        self.kept.take(seen, taken)
        self._done = done | (taken & (seen.misfits <= self.bound))
        return self._done


class _Patient(_Base):
    """The iterate of least score, once `patience` steps brought no lower one; only finite scores count."""

    def __init__(self, patience: int = 300) -> None:
        super().__init__()
        _at_least_one(patience=patience)
        self.patience = patience
        self._least = self._since = torch.empty(0)

    def _lower(self, seen: Seen, scores: torch.Tensor) -> torch.Tensor:
        if not len(self._least):
            self._least, self._since = torch.full_like(scores, torch.inf), torch.zeros_like(scores)
        better = (scores < self._least) & self._finite(seen) & (self._since < self.patience)
        self._least = torch.where(better, scores, self._least)
        self._since = torch.where(better | self._least.isinf(), 0.0, self._since + 1)
        self.kept.take(seen, better)
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
        self._seen = 0
        self._ring = self._sum = self._squares = self._clean = torch.empty(0)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Slide the window; keep the image at the least variance so far."""
        finite = self._finite(seen)
        self._slide(seen.images.detach(), finite)
        variances = (self._squares / self.window - _energies(self._sum / self.window)).clamp_min(0.0)
        stopped = self._lower(seen, torch.where(self._clean >= self.window, variances, torch.inf))
        self.kept.take(seen, finite & self._least.isinf())
        return stopped

    def _slide(self, images: torch.Tensor, finite: torch.Tensor) -> None:
        if not len(self._ring):
            self._ring = images.new_zeros(self.window, *images.shape)
            self._sum = torch.zeros_like(images, dtype=torch.float64)
            self._squares = self._sum.new_zeros(len(images))
            self._clean = torch.zeros_like(finite, dtype=torch.int64)
        oldest = self._ring[self._seen % self.window]
        images = torch.where(finite[:, None, None, None], images, 0.0)
        self._sum += images.double() - oldest
        self._squares += _energies(images) - _energies(oldest)
        oldest.copy_(images)
        self._clean = torch.where(finite, self._clean + 1, 0)
        self._seen += 1


def _energies(images: torch.Tensor) -> torch.Tensor:
    return images.double().flatten(1).square().sum(1)


class HeldOut(_Patient):
    """The iterate that best predicts measurements kept away from the fit, once none did better for `patience` steps."""

    label = "held-out"

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the least held-out misfit."""
        if seen.held_out is None:
            raise ValueError("stopping by hold-out needs measurements that were held out, got none")
        return self._lower(seen, seen.held_out)


class Oracle(_Base):
    """The iterate nearest to the truth, (C, H, W) or (P, C, H, W): what no user can know, for studies only."""

    label = "oracle (uses the truth)"

    def __init__(self, truth: torch.Tensor) -> None:
        super().__init__()
        self.truth = truth
        self._least = torch.empty(0)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the least true error."""
        if self.truth.shape not in (seen.images.shape, seen.images.shape[1:]):
            wanted = " or ".join(str(tuple(shape)) for shape in (seen.images.shape[1:], seen.images.shape))
            raise ValueError(f"truth must have shape {wanted}, got {tuple(self.truth.shape)}")
        errors = (seen.images.detach() - self.truth.to(seen.images.device)).flatten(1).square().mean(1)
        if not len(self._least):
            self._least = torch.full_like(errors, torch.inf)
        better = (errors < self._least) & self._finite(seen)
        self._least = torch.where(better, errors, self._least)
        self.kept.take(seen, better)
        return self._none(seen)


def _at_least_one(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")


RULES = ("fixed", "last-window", "discrepancy", "windowed-variance", "held-out", "oracle")


def rule(
    name: str, steps: int, *, window: int | None = None, noise: float = 0.0, truth: torch.Tensor | None = None
) -> Rule:
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
