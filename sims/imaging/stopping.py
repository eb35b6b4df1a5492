"""When to stop fitting, and which iterate to keep: rules behind one interface, for many problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


@dataclass(frozen=True)
class Seen:
    """What a rule sees of P problems after a step: images (P, C, H, W), ||y - A x||^2 of each, and held-out misfits."""

    step: int
    images: torch.Tensor
    misfits: torch.Tensor
    held_out: torch.Tensor | None = None


class Rule(Protocol):
    """A stopping rule for P problems: `observe` answers which have stopped; `kept` is what each would return."""

    kept: Kept

    def observe(self, seen: Seen) -> torch.Tensor:
        """Take in a step; return (P,) booleans, true where a problem needs no further step."""
        ...


class Kept:
    """The iterate kept for each problem: `images` (P, C, H, W), `misfits` (P,) and `steps` (P,)."""

    def __init__(self) -> None:
        self.images = self.misfits = self.steps = torch.empty(0)

    def take(self, seen: Seen, where: torch.Tensor) -> None:
        """Keep this step's images where asked; the first step is kept everywhere."""
        if not len(self.images):
            self.images, self.misfits = seen.images.clone(), seen.misfits.clone()
            self.steps = torch.full_like(seen.misfits, seen.step, dtype=torch.int64)
            return
        self.images[where] = seen.images[where]
        self.misfits[where] = seen.misfits[where]
        self.steps[where] = seen.step


class _Base:
    def __init__(self) -> None:
        self.kept = Kept()

    def _none(self, seen: Seen) -> torch.Tensor:
        return torch.zeros_like(seen.misfits, dtype=torch.bool)

    @staticmethod
    def _finite(seen: Seen) -> torch.Tensor:
        return seen.misfits.isfinite() & seen.images.flatten(1).isfinite().all(1)


class Fixed(_Base):
    """The last iterate of a fixed number of steps."""

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep every finite iterate over the one before."""
        self.kept.take(seen, self._finite(seen))
        return self._none(seen)


class LastWindow(_Base):
    """The iterate of least measurement loss among the last `window` of `steps`.

    Source: vanveen18 Appendix A (stopping criterion; the window is 20 there, 51 in the published code).
    """

    def __init__(self, steps: int, window: int = 20) -> None:
        super().__init__()
        self.begin = max(1, steps - window + 1)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Before the window keep the latest; within it the best."""
        better = self._finite(seen)
        if seen.step > self.begin:
            better &= seen.misfits < self.kept.misfits
        self.kept.take(seen, better)
        return self._none(seen)


class Discrepancy(_Base):
    """The first iterate whose misfit is no larger than the noise's: ||y - A x||^2 <= tau^2 E||eta||^2 = tau^2 sigma^2.

    Source: Morozov's discrepancy principle; eta has m entries of variance sigma^2 / m (vanveen18 Section 5.1).
    """

    def __init__(self, noise: float, tau: float = 1.0) -> None:
        super().__init__()
        if not noise > 0:
            raise ValueError(f"stopping by discrepancy needs a noise level above 0, got {noise}")
        self.bound = (tau * noise) ** 2
        self._done: torch.Tensor | None = None

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the latest until the bound is met, then nothing more."""
        done = self._none(seen) if self._done is None else self._done
        self.kept.take(seen, self._finite(seen) & ~done)
        self._done = done | (seen.misfits <= self.bound)
        return self._done


class WindowedVariance(_Base):
    """ES-WMV: the iterate where the variance of the last `window` images is least, once that held for `patience` steps.

    Source: wang21 (arXiv 2112.06074), the variance by running sums over a ring of images.
    """

    def __init__(self, window: int = 100, patience: int = 300) -> None:
        super().__init__()
        self.window, self.patience = window, patience
        self._ring: list[torch.Tensor] = []
        self._sum = self._squares = self._least = self._since = torch.empty(0)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Slide the window; keep the image at the least variance so far."""
        if not self._ring:
            self._sum, self._squares = torch.zeros_like(seen.images), torch.zeros_like(seen.misfits)
            self._least, self._since = torch.full_like(seen.misfits, torch.inf), torch.zeros_like(seen.misfits)
        done = self._since > self.patience
        self._slide(seen.images)
        if len(self._ring) < self.window:
            self.kept.take(seen, self._finite(seen))
            return done
        variance = self._squares / self.window - (self._sum / self.window).flatten(1).square().sum(1)
        better = (variance < self._least) & self._finite(seen) & ~done
        self._least = torch.where(better, variance, self._least)
        self._since = torch.where(better, 0.0, self._since + 1)
        self.kept.take(seen, better)
        return self._since > self.patience

    def _slide(self, images: torch.Tensor) -> None:
        self._add(images, 1.0)
        self._ring.append(images.clone())
        if len(self._ring) > self.window:
            self._add(self._ring.pop(0), -1.0)

    def _add(self, images: torch.Tensor, sign: float) -> None:
        self._sum.add_(images, alpha=sign)
        self._squares.add_(images.flatten(1).square().sum(1), alpha=sign)


class HeldOut(_Base):
    """The iterate that best predicts measurements kept away from the fit; stops after `patience` steps without gain."""

    def __init__(self, patience: int = 300) -> None:
        super().__init__()
        self.patience = patience
        self._least = self._since = torch.empty(0)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the least held-out misfit."""
        if seen.held_out is None:
            raise ValueError("stopping by hold-out needs measurements that were held out, got none")
        if not len(self._least):
            self._least = torch.full_like(seen.misfits, torch.inf)
            self._since = torch.zeros_like(seen.misfits)
        done = self._since > self.patience
        better = (seen.held_out < self._least) & self._finite(seen) & ~done
        self._least = torch.where(better, seen.held_out, self._least)
        self._since = torch.where(better, 0.0, self._since + 1)
        self.kept.take(seen, better)
        return self._since > self.patience


class Oracle(_Base):
    """The iterate nearest to the truth: what no user can know, for studies only."""

    def __init__(self, truth: torch.Tensor) -> None:
        super().__init__()
        self.truth = truth
        self._least = torch.empty(0)

    def observe(self, seen: Seen) -> torch.Tensor:
        """Keep the least true error."""
        error = (seen.images - self.truth.to(seen.images.device)).flatten(1).square().mean(1)
        if not len(self._least):
            self._least = torch.full_like(error, torch.inf)
        better = error < self._least
        self._least = torch.where(better, error, self._least)
        self.kept.take(seen, better)
        return self._none(seen)


RULES = ("fixed", "last-window", "discrepancy", "windowed-variance", "held-out", "oracle")


def rule(
    name: str, steps: int, *, window: int | None = None, noise: float = 0.0, truth: torch.Tensor | None = None
) -> Rule:
    """Return a new rule by its name.

    Raises
    ------
    ValueError
        where the name is unknown, or the rule lacks what it needs (a noise level, or the truth).
    """
    if name == "oracle" and truth is None:
        raise ValueError("stopping by the oracle needs the true image, which measurements alone do not give")
    made = {
        "fixed": lambda: Fixed(),
        "last-window": lambda: LastWindow(steps, window or 20),
        "discrepancy": lambda: Discrepancy(noise),
        "windowed-variance": lambda: WindowedVariance(window or 100),
        "held-out": lambda: HeldOut(),
        "oracle": lambda: Oracle(truth if truth is not None else torch.empty(0)),
    }
    if name not in made:
        raise ValueError(f"stopping must be one of {', '.join(RULES)}, got {name!r}")
    found: Rule = made[name]()
    return found
