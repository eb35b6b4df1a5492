"""Seconds that are said before a fit starts, against those it took, over a handful of small runs; a JSON line each.

Restarts, averages, total variation and rules that may stop a fit are among them; with the latter the estimate is the
most it can take. `ratio` is seconds taken over seconds said: on two shared cores, in order, 1.11, 0.98, 0.71, 1.31
(which the rule did not stop), 0.98, 0.85 and 1.07.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from untrained.sims.recovery.recover import estimates, recover_all
from untrained.sims.recovery.tasks import RecoveryTask, prepare_task, sensing

RUNS: dict[str, tuple[str, int, str, list[str]]] = {
    "csdip fast": ("csdip", 16, "fast", ["steps=200"]),
    "csdip paper": ("csdip", 16, "paper", ["steps=200"]),
    "csdip smooth": ("csdip", 32, "smooth", ["steps=100"]),
    "csdip, may stop": ("csdip", 16, "fast", ["steps=300", "stopping=windowed-variance"]),
    "net-gd best": ("net-gd", 16, "best", ["steps=200"]),
    "net-pgd fast": ("net-pgd", 16, "fast", ["steps=60"]),
    "conv-decoder fast": ("conv-decoder", 32, "fast", ["steps=100"]),
}
"""Method, side, preset, settings."""


def compared(method: str, side: int, preset: str, settings: list[str]) -> dict[str, Any]:
    """Seconds said and taken by one run on a photograph."""
    how, size = sensing("gaussian", 0.3), (side, side)
    problem = prepare_task(RecoveryTask("example:camera", [method], preset, settings, None, how, grey=True, size=size))
    said = estimates(problem)[method]
    begun = time.perf_counter()
    (entry,) = recover_all(problem).entries
    taken = time.perf_counter() - begun
    words = {"said": said.seconds, "at_most": said.at_most, "taken": taken, "ratio": taken / said.seconds}
    return {**words, "outcome": entry["outcome"]}


def main() -> None:
    """Compare the runs that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for name in chosen.runs:
        print(json.dumps({name: compared(*RUNS[name])}), flush=True)


if __name__ == "__main__":
    main()
