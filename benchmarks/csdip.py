"""CS-DIP beside a straight transcription of the published loop, on the same images, matrices and seeds; prints JSON.

`mnist` compares errors and times at each m, `xray` does the same one image at a time, `best` averages five restarts
name, `memory` the peak of one x-ray fit in a process of its own, `deepinv` the DeepImagePrior of that library where it
is installed (in an environment of its own).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from untrained.sims.images.datasets import dataset
from untrained.sims.images.scores import paired_interval, ratio_interval
from untrained.sims.networks.generators import dcgan
from untrained.sims.networks.initialisation import initialise
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip import PRESETS, preset, recover, recover_batch


def mse(image: torch.Tensor, truth: torch.Tensor) -> float:
    return float((image - truth).square().mean())


def problem(images: torch.Tensor, index: int, m: int) -> tuple[Any, torch.Tensor, torch.Tensor]:
    operator = make_operator("gaussian", tuple(images.shape[1:]), m, seed=index)
    return operator, operator.forward(images[index]), images[index]


def transcription(
    matrix: torch.Tensor, y: torch.Tensor, truth: torch.Tensor, seed: int, tv_weight: float, steps: int
) -> dict[str, Any]:
    """The published loop: eager, one image, one restart; the iterate of least total loss in the last 51."""
    chosen = dcgan(tuple(truth.shape))
    network = chosen.build().train()
    initialise(network, stream(seed, "weights", 0))
    z = chosen.latent.draw(stream(seed, "latent", 0)).float()[None]
    optimiser = torch.optim.RMSprop(network.parameters(), lr=1e-3, momentum=0.9, weight_decay=0)
    least, image, errors, times = float("inf"), truth * 0, [], []
    start = time.perf_counter()
    for step in range(steps):
        optimiser.zero_grad()
        x = network(z)
        misfit = (matrix @ x.reshape(-1) - y).square().sum()
        tv = (x[..., 1:] - x[..., :-1]).abs().sum() + (x[..., 1:, :] - x[..., :-1, :]).abs().sum()
        loss = misfit + tv_weight * tv
        loss.backward()
        optimiser.step()
        if step >= steps - 51 and loss.item() < least:
            least, image = loss.item(), x.detach()[0].clone()
        if step % 25 == 24:
            errors.append(mse(x.detach()[0], truth))
            times.append(time.perf_counter() - start)
    return {"mse": mse(image, truth), "seconds": time.perf_counter() - start, "errors": errors, "times": times}


def interval(triple: Any) -> list[float]:
    return [round(float(v), 5) for v in triple]


def mnist(images: int, ms: list[int], steps: int) -> dict[str, Any]:
    truths = dataset("mnist")[:images]
    table: dict[str, Any] = {}
    for m in ms:
        problems = [problem(truths, i, m) for i in range(images)]
        theirs = [transcription(op.matrix, y, x, i, 0.01, steps) for i, (op, y, x) in enumerate(problems)]
        row: dict[str, Any] = {"transcription": summary([t["mse"] for t in theirs], sum(t["seconds"] for t in theirs))}
        for name in ("paper", "fast"):
            settings = replace(PRESETS[name], restarts=1, steps=min(steps, PRESETS[name].steps))
            row[name] = batch(problems, settings, [t["mse"] for t in theirs], row["transcription"]["seconds"])
        table[f"m={m}"] = row
        print(json.dumps({f"m={m}": row}), file=sys.stderr, flush=True)
    return table


def summary(errors: list[float], seconds: float) -> dict[str, Any]:
    return {"mse": sum(errors) / len(errors), "each": [round(e, 5) for e in errors], "seconds": seconds}


def batch(problems: list[Any], settings: Any, others: list[float], their_seconds: float) -> dict[str, Any]:
    start = time.perf_counter()
    recovered = recover_batch(
        [op for op, _, _ in problems], torch.stack([y for _, y, _ in problems]), settings, seeds=range(len(problems))
    )
    seconds = time.perf_counter() - start
    errors = [mse(r.image, x) for r, (_, _, x) in zip(recovered, problems, strict=True)]
    return {
        **summary(errors, seconds),
        "difference_95": interval(paired_interval(errors, others)),
        "ratio_95": interval(ratio_interval(errors, others)),
        "time_ratio": seconds / their_seconds,
    }


def best(images: int, m: int) -> dict[str, Any]:
    """`fast` with 1000 steps and five restarts, averaged, beside `paper` with its one, the same images and matrices."""
    truths = dataset("mnist")[:images]
    problems = [problem(truths, i, m) for i in range(images)]
    paper = batch(problems, PRESETS["paper"], [1.0] * images, 1.0)
    print(json.dumps({"paper": paper}), file=sys.stderr, flush=True)
    five = replace(PRESETS["fast"], steps=1000, restarts=5, combine="weighted")
    return {"paper": paper, "best": batch(problems, five, paper["each"], paper["seconds"])}


def xray(first: int, images: int, ms: list[int], steps: int, name: str) -> dict[str, Any]:
    """One image at a time, as the transcription takes them; lambda_T = 0.05, as the published code has for x-rays."""
    table: dict[str, Any] = {}
    for m in ms:
        rows = []
        for index in range(first, first + images):
            operator, y, truth = problem(dataset("xray"), index, m)
            theirs = transcription(operator.matrix, y, truth, 0, 0.05, steps)
            settings = preset(name, operator)
            settings = replace(settings, tv_weight=0.05, steps=steps) if name == "paper" else settings
            start = time.perf_counter()
            ours = recover(operator, y, settings)
            mine = {"mse": mse(ours.image, truth), "seconds": time.perf_counter() - start}
            rows.append({"image": index, "transcription": {k: theirs[k] for k in ("mse", "seconds")}, name: mine})
            print(json.dumps({f"m={m}": rows[-1]}), file=sys.stderr, flush=True)
        errors = [[float(row[who]["mse"]) for row in rows] for who in (name, "transcription")]
        seconds = [sum(float(row[who]["seconds"]) for row in rows) for who in (name, "transcription")]
        compared = {"ratio_95": interval(ratio_interval(*errors))} if images > 1 else {}
        table[f"m={m}"] = {"rows": rows, "time_ratio": seconds[0] / seconds[1], **compared}
    return table


def memory(m: int, steps: int) -> dict[str, Any]:
    """Peak memory of a whole x-ray fit, in a process of its own."""
    code = f"from benchmarks.csdip import peak; peak({m}, {steps})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


def peak(m: int, steps: int) -> None:
    operator, y, _ = problem(dataset("xray"), 10, m)
    recover(operator, y, replace(PRESETS["paper"], steps=steps))
    print(json.dumps({"m": m, "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}))


def deepinv(images: int, m: int) -> dict[str, Any]:
    """What a user would pick today: its ConvDecoder of 64 channels, 1000 steps of Adam at 5e-3."""
    if importlib.util.find_spec("deepinv") is None:
        return {"skipped": "deepinv is not installed here"}
    library = torch.library.Library("torchvision", "DEF")  # its wheel does not load beside a CPU build of torch
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    plain = torch.library.register_fake
    torch.library.register_fake = lambda op, *a, **k: (  # type: ignore[assignment]
        (lambda f: f) if str(op).startswith("torchvision::") else plain(op, *a, **k)
    )
    from deepinv.models import ConvDecoder, DeepImagePrior

    truths = dataset("mnist")[:images]
    errors, start = [], time.perf_counter()
    for i in range(images):
        operator, y, truth = problem(truths, i, m)

        class Physics(nn.Module):
            def A(self, x: torch.Tensor, matrix: torch.Tensor = operator.matrix, **_: Any) -> torch.Tensor:
                return x.flatten(1) @ matrix.T

            forward = A

        net = ConvDecoder(img_size=(1, 28, 28), channels=64)
        prior = DeepImagePrior(net, [64, 4, 4], iterations=1000, learning_rate=5e-3)
        initialise(net, stream(i, "weights", 0), "torch-today")
        # That library takes no generator: its input comes from the global one, which is set from ours and put back.
        with torch.random.fork_rng():
            torch.default_generator.manual_seed(int(stream(i, "deepinv").integers(2**31)))
            errors.append(mse(prior(y[None], Physics()).detach()[0], truth))
    theirs = summary(errors, time.perf_counter() - start)
    problems = [problem(truths, i, m) for i in range(images)]
    return {"deepinv": theirs, "fast": batch(problems, PRESETS["fast"], errors, theirs["seconds"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("mnist", "best", "xray", "memory", "deepinv"), nargs="?", default="mnist")
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--image", type=int, default=10, help="the first x-ray")
    parser.add_argument("--m", type=int, nargs="+")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ms = (
        arguments.m
        or {"mnist": [25, 50, 75, 100], "best": [75], "xray": [2000], "memory": [4000], "deepinv": [100]}[
            arguments.what
        ]
    )
    runs = {
        "mnist": lambda: mnist(arguments.images, ms, arguments.steps),
        "best": lambda: best(arguments.images, ms[0]),
        "xray": lambda: xray(arguments.image, arguments.images, ms, arguments.steps, arguments.preset),
        "memory": lambda: memory(ms[0], min(arguments.steps, 20)),
        "deepinv": lambda: deepinv(arguments.images, ms[0]),
    }
    print(json.dumps({"what": arguments.what, "threads": arguments.threads, **runs[arguments.what]()}, indent=1))


if __name__ == "__main__":
    main()
