"""The spectrum of a network's J J^T: time and memory, beside `torch.func.jacrev` and an SVD; prints JSON.

`spectrum` takes all eigenvalues of the DCGAN for MNIST in a process of its own, then those of a narrowed copy in both
ways; `extremes` the largest and smallest of the DCGAN for 256x256 images, with their error bars.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import torch

from untrained.sims.networks.generators import architecture
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.network import Network
from untrained.sims.networks.output import flat
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.ntk.spectrum import Bounds, spectrum
from untrained.sims.random.streams import stream


def dcgan(side: int, **options: int) -> Network:
    chosen = architecture("dcgan", (1, side, side), **options)
    network = chosen.build()
    initialise(network, stream(1, "weights"))
    z = torch.from_numpy(stream(0, "latent").standard_normal((1, *chosen.latent.shape)))
    return as_network(network, z, name="dcgan").draw(0)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def gigabytes() -> float:
    """The peak of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def processor_seconds() -> float:
    return time.process_time()


def whole() -> dict[str, Any]:
    """All eigenvalues of the network at its full width."""
    some, before = dcgan(28), gigabytes()
    busy = processor_seconds()
    seconds, K = timed(lambda: spectrum(some))
    return {
        "n": some.n, "weights": some.count, "seconds": seconds, "processor_seconds": processor_seconds() - busy,
        "peak_gigabytes": gigabytes(), "of_which_before": before, "largest": astuple(K.largest),
        "smallest": astuple(K.smallest), "floor": K.floor, "rank": K.rank(),
        "effective_rank": K.effective_rank.value,
    }  # fmt: skip


def by_jacrev(some: Network) -> np.ndarray:
    """Squared singular values, from `torch.func.jacrev` and an SVD, increasing."""
    weights = {name: some.parameter(name).detach() for name in some.weights}
    J = torch.func.jacrev(lambda w: flat(torch.func.functional_call(some.module, w, (some.z,))))(weights)
    rows = torch.cat([part.flatten(1) for part in J.values()], 1)
    return torch.linalg.svdvals(rows).square().flip(0).numpy()


def beside(width: int, repeats: int) -> dict[str, Any]:
    """Both ways on a copy narrowed to `width`, turn about."""
    some = dcgan(28, width=width)
    ours, theirs = [], []
    for _ in range(repeats):
        seconds, values = timed(lambda: torch.linalg.eigvalsh(jacobian_gram(some)).numpy())
        ours.append(seconds)
        seconds, wanted = timed(lambda: by_jacrev(some))
        theirs.append(seconds)
    error = np.abs(values - wanted)
    mask = wanted > 1e-6 * wanted[-1]
    return {
        "width": width, "weights": some.count, "seconds": ours, "jacrev_svd_seconds": theirs,
        "ratio": float(np.median(theirs) / np.median(ours)), "error_over_largest": float(error.max() / wanted[-1]),
        "relative_error_above_1e-6_of_largest": float((error[mask] / wanted[mask]).max()),
    }  # fmt: skip


def extremes(side: int, steps: int) -> dict[str, Any]:
    some = dcgan(side)
    start = time.perf_counter()
    K = spectrum(some, exact=False, steps=steps)
    asked: dict[str, Callable[[], Bounds]] = {
        "largest": lambda: K.largest, "smallest": lambda: K.smallest,
        "trace": lambda: K.trace, "effective_rank": lambda: K.effective_rank,
    }  # fmt: skip
    rows: dict[str, Any] = {"n": some.n, "weights": some.count, "steps": steps, "level": K.level}
    for name, ask in asked.items():
        rows[name] = {"low_value_high": astuple(ask()), "seconds_so_far": time.perf_counter() - start}
    return {**rows, "floor": K.floor, "converged": len(K.leading(steps)[0]), "peak_gigabytes": gigabytes()}


def alone(what: str, threads: int) -> dict[str, Any]:
    """A part of this file in a process of its own, whose peak is that of the part alone."""
    command = [sys.executable, "-m", "benchmarks.architecture", what, "--threads", str(threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("spectrum", "whole", "extremes"))
    parser.add_argument("--width", type=int, default=16, help="of the narrowed copy")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    runs: dict[str, Callable[[], dict[str, Any]]] = {
        "spectrum": lambda: {
            "full": alone("whole", arguments.threads),
            "narrow": beside(arguments.width, arguments.repeats),
        },
        "whole": whole,
        "extremes": lambda: extremes(arguments.side, arguments.steps),
    }
    load = os.getloadavg()
    print(
        json.dumps(
            {"what": arguments.what, "threads": arguments.threads, "load_before": load, **runs[arguments.what]()},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
