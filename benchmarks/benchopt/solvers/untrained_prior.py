"""CS-DIP and total variation as a solver of deepinv's benchmarks for the runner benchopt.

Copy this file into the folder `solvers` of a benchmark of https://github.com/deepinv/benchmarks, whose objective hands
over a `physics` and takes back a model that is called with (y, physics), and install this project beside it.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

import torch
from benchopt import BaseSolver

import untrained


class Untrained:
    """A model x = model(y, physics): each image of a batch is recovered from its own measurements alone.

    Images are (B, C, H, W) on [0, 1], as deepinv has them, and physics must be linear and real.
    """

    def __init__(self, method: str, preset: str | None, seed: int = 0, **settings: Any) -> None:
        self.method, self.preset, self.seed, self.settings = method, preset, seed, settings
        self.device = torch.device("cpu")

    def eval(self) -> Untrained:
        """Return the model: nothing in it is trained."""
        return self

    def to(self, device: Any) -> Untrained:
        """Return the model: physics that is not the caller's own stays where it is."""
        return self

    def __call__(self, y: torch.Tensor, physics: Any, **others: Any) -> torch.Tensor:
        """Recover (B, C, H, W) from the measurements y (B, ...) of so many images.

        Raises
        ------
        ValueError
            where the physics is not linear and real, or its adjoint is not its transpose.
        """
        return torch.stack([self._one(one[None], physics) for one in y]).to(y)

    def _one(self, y: torch.Tensor, physics: Any) -> torch.Tensor:
        shape = tuple(physics.A_adjoint(y).shape[1:])
        operator = untrained.operators.user(_Products(physics, y.shape, y.device), shape)
        values = (2 * y - physics.A(torch.ones(1, *shape, device=y.device))).flatten().cpu()
        sigma = float(getattr(getattr(physics, "noise_model", None), "sigma", 0.0))
        options = {"noise": 2 * sigma * sqrt(len(values)), **self.settings}
        result = untrained.recover(values, operator, self.method, preset=self.preset, seed=self.seed, **options)
        return (result.image.clamp(-1, 1) + 1) / 2


class _Products:
    """A and its transpose, of one image x = 2u - 1 and flat measurements: A x = 2 A u - A 1."""

    def __init__(self, physics: Any, shape: tuple[int, ...], device: torch.device) -> None:
        self.physics, self.shape, self.device = physics, shape, device

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x, (m,)."""
        return self.physics.A(x[None].to(self.device)).flatten().to(x.device)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A^T y, (C, H, W)."""
        return self.physics.A_adjoint(y.reshape(self.shape).to(self.device))[0].to(y.device)


class Solver(BaseSolver):  # type: ignore[misc]
    """What benchopt runs: the fit itself happens where the objective calls the model."""

    name = "untrained"
    parameters: ClassVar = {"method, preset": [("csdip", "fast"), ("mixture", "auto"), ("tv", None)], "seed": [0]}
    sampling_strategy = "run_once"
    requirements: ClassVar[list[str]] = []

    def set_objective(self, train_dataset: Any = None, physics: Any = None) -> None:
        """Take the physics; the images to train on are not looked at."""
        self.model = Untrained(self.method, self.preset, self.seed)

    def run(self, _: Any) -> None:
        """Do nothing: there is nothing to train."""

    def get_result(self) -> dict[str, Any]:
        """Return the model."""
        return {"model": self.model}
