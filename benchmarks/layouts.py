"""What channels_last, bfloat16 and `torch.compile` do to a step of CS-DIP on this machine: time and image; JSON.

Each is applied to the plain module of a network fitted to one image (misfit, gradient and optimiser left out), beside
the batched program that the fits run. `change` is the largest difference of the image from that of the plain module.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch

from untrained.sims.networks.batched import Batched
from untrained.sims.networks.generators import dcgan, decoder
from untrained.sims.networks.initialisation import initialise
from untrained.sims.random.streams import stream

NETWORKS = {
    "dcgan 28x28": dcgan((1, 28, 28)),
    "decoder 28x28": decoder((1, 28, 28), width=24),
    "dcgan 256x256": dcgan((1, 256, 256)),
    "dcgan 256x256, width 32": dcgan((1, 256, 256), width=32),
}


def pass_time(forward: Callable[[], torch.Tensor], weights: list[torch.Tensor], repeats: int) -> float:
    """Median seconds of one forward and backward pass."""
    times = []
    for _ in range(repeats + 2):
        begun = time.perf_counter()
        x = forward()
        torch.autograd.grad(x.float().square().sum(), weights)
        times.append(time.perf_counter() - begun)
    return sorted(times[2:])[repeats // 2]


def measure(name: str, repeats: int, compiled: bool) -> dict[str, Any]:
    chosen = NETWORKS[name]
    z = chosen.latent.draw(stream(0, "latent", 0)).float()[None]

    def fresh() -> torch.nn.Module:
        network = chosen.build().train()
        initialise(network, stream(0, "weights", 0))
        return network

    plain = fresh()
    image = plain(z).detach()
    rows = {"plain": row(lambda: plain(z), list(plain.parameters()), image, repeats)}
    batched = Batched([fresh()])
    rows["batched"] = row(lambda: batched(z), list(batched.weights.values()), image, repeats)
    last = fresh().to(memory_format=torch.channels_last)
    turned = z.to(memory_format=torch.channels_last)
    rows["channels_last"] = row(lambda: last(turned), list(last.parameters()), image, repeats)
    rows["bfloat16"] = row(lambda: plain(z), list(plain.parameters()), image, repeats, mixed=True)
    if compiled:
        program = torch.compile(Batched([fresh()]))
        rows["batched, compiled"] = row(lambda: program(z), list(program.weights.values()), image, repeats)
    return {k: {**v, "time_ratio": v["seconds"] / rows["plain"]["seconds"]} for k, v in rows.items()}


def row(
    forward: Callable[[], torch.Tensor],
    weights: list[torch.Tensor],
    image: torch.Tensor,
    repeats: int,
    mixed: bool = False,
) -> dict[str, float]:
    with torch.autocast("cpu", torch.bfloat16) if mixed else nullcontext():
        change = float((forward().detach().float() - image).abs().max())
        return {"seconds": pass_time(forward, weights, repeats), "change": change}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = {name: measure(name, arguments.repeats, arguments.compile) for name in NETWORKS}
    print(json.dumps({"torch": torch.__version__, "threads": arguments.threads, **table}, indent=1))


if __name__ == "__main__":
    main()
