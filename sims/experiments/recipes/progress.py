"""A run of recipes as it is seen on a terminal: cells done, time left, and the steps of the cell at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from rich import progress as shown
from rich.console import Console

from untrained.sims.experiments.recipes.keep import Kept
from untrained.sims.experiments.recipes.reproduce import Plan, run
from untrained.sims.experiments.recipes.work import Bench

_DAY = 24 * 3600.0
"""Seconds over which the speed is taken: cells are long, and the usual half minute would see none of them end."""


def run_shown(plan: Plan, kept: Kept, device: torch.device) -> None:
    """Run what is left of a plan, and show how it goes on where a terminal looks on.

    Raises
    ------
    ValueError, KeyboardInterrupt
        as `run` does.
    """
    screen = Console(stderr=True)
    with _progress(screen) as progress:
        left = len(plan.left())
        task = progress.add_task("starting", total=left, step="")
        for _ in run(plan, kept, _bench(progress, task, device, kept.folder)):
            progress.advance(task)


def _progress(screen: Console) -> shown.Progress:
    words = (shown.TextColumn("{task.description}"), shown.TextColumn("{task.fields[step]}"))
    counts = (shown.BarColumn(), shown.MofNCompleteColumn(), shown.TextColumn("cells"))
    times = (shown.TimeElapsedColumn(), shown.TextColumn("left"), shown.TimeRemainingColumn())
    hidden = not screen.is_terminal
    return shown.Progress(
        *words, *counts, *times, console=screen, transient=True, disable=hidden, speed_estimate_period=_DAY
    )


def _bench(progress: shown.Progress, task: Any, device: torch.device, folder: Path) -> Bench:
    def watch(step: int, total: int, loss: float) -> None:
        progress.update(task, step=f"step {step} of {total}, loss {loss:.3g}")

    def say(what: str) -> None:
        progress.update(task, description=what, step="")

    return Bench(device, folder, watch, say)
