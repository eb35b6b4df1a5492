"""Every GPU check and measurement of the project in one command of at most `--minutes` (9); JSON on standard output.

`verify` comes first: operators, a few steps of each kind of fit and J J^T on the GPU against the CPU, and the memory
that a fit takes against the one that is said before; each says how far `apart` they are, and the `most` that is
allowed: n times the rounding of float32 for sums of n products, 64 roundings of float64 for J J^T relative to its
largest entry times the number of weights' square root, and 2 % of the loss after five steps, which divide gradients by
their own size. Anything farther apart ends in exit code 1. Then come the times.
`spectrum`: J J^T of the MNIST network, all its 784 x 784 entries in float64, against the CPU. `batched`: 64 descents at
n = 128, d = 8192. `wide`: a descent at n = 16 whose V is never held, d up to 1e9: seconds a pass, normals a second, and
against a V held in memory the share of the memory's speed that a pass reaches. `layouts`: channels_last, bfloat16 and
TF32 on one pass of a large network. `csdip`: many images at once against one at a time.

Needs torch, numpy and scipy only. `--device cpu` is a dry run of every line at tiny sizes, which times nothing worth
knowing. On a machine without a GPU it says so and ends well.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import torch

from untrained.sims.dynamics.columns import Regenerated, StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.survey import survey
from untrained.sims.networks.batched import Batched
from untrained.sims.networks.generators import dcgan
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.operators import OPERATORS, make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip import PRESETS, CSDIPSettings, network_for, recover_batch
from untrained.sims.recovery.csdip_settings import need
from untrained.sims.recovery.methods import checked_settings, method
from untrained.theory.objects.width import step_proof

SHAPE = (1, 28, 28)


def strokes(index: int) -> torch.Tensor:
    """A bright polygon line on a dark ground, drawn from a seed: a stand-in of MNIST's kind that needs no file."""
    rng = stream(index, "strokes")
    corners = torch.from_numpy(rng.uniform(6, 22, (5, 2)))
    t = torch.linspace(0, 1, 40, dtype=torch.float64)[:, None]
    points = torch.cat([a + t * (b - a) for a, b in pairwise(corners)])
    grid = torch.stack(torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij"), -1).double()
    distance = (grid[:, :, None] - points).square().sum(-1).min(-1).values.sqrt()
    return (2 * torch.sigmoid(4 * (1.2 - distance)) - 1).float()[None]


@dataclass(frozen=True)
class Sizes:
    """How large everything is: as measured, or tiny for a dry run."""

    shape: tuple[int, int, int] = SHAPE
    large: tuple[int, int, int] = (1, 256, 256)
    copies: int = 8
    runs: int = 64
    n: int = 128
    d: int = 8192
    steps: int = 1000
    held: int = 10**7
    wide: tuple[int, ...] = (10**7, 10**8, 10**9)
    repeats: int = 5


TINY = Sizes((1, 8, 8), (1, 8, 8), 2, 2, 4, 64, 3, 500, (200,), 1)
ROUNDING = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}


def wait(device: str) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device != "cpu":
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Begin to count the peak of memory anew."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()


def peak(device: str) -> float | None:
    """The most GB that were held on a GPU since; None on the CPU."""
    return None if device == "cpu" else torch.cuda.max_memory_allocated() / 1e9


def fit(images: int, m: int, settings: CSDIPSettings, device: str) -> tuple[float, float, float | None]:
    """Seconds, mean squared error and peak memory in GB of one batched fit."""
    truths = torch.stack([strokes(i) for i in range(images)]).to(device)
    operators = [make_operator("gaussian", SHAPE, m, seed=i, device=device) for i in range(images)]
    ys = torch.stack([operator.forward(x) for operator, x in zip(operators, truths, strict=True)])
    forget_peak(device)
    wait(device)
    start = time.perf_counter()
    recoveries = recover_batch(operators, ys, settings, seeds=range(images))
    seconds = time.perf_counter() - start
    error = torch.stack([r.image for r in recoveries]).sub(truths.cpu()).square().mean()
    return seconds, float(error), peak(device)


def measure(
    images: int, restarts: int, m: int, steps: int, alone: int, device: str, over: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Many images at once, plain and compiled, against one at a time."""
    rows: dict[str, Any] = {"m": m, "steps": steps}
    for name in ("paper", "smooth"):
        settings = replace(PRESETS[name], steps=steps)
        fit(1, m, replace(settings, restarts=1, steps=5), device)
        short = replace(settings, restarts=1, steps=min(steps, 200))
        one = min(fit(1, m, short, device)[0] for _ in range(alone)) * steps / short.steps
        for compiled in (False, True) if device != "cpu" else (False,):
            if over():
                rows[f"{name}, compiled" if compiled else name] = "no time was left"
                continue
            many = replace(settings, restarts=restarts, compile=compiled)
            fit(images, m, replace(many, steps=5), device)
            seconds, error, memory = fit(images, m, many, device)
            rows[f"{name}{', compiled' if compiled else ''}"] = {
                "problems": images * restarts,
                "seconds": seconds,
                "seconds_one_at_a_time": one * images * restarts,
                "ratio": one * images * restarts / seconds,
                "mse": error,
                "peak_gigabytes": memory,
            }
            print(json.dumps(rows), file=sys.stderr, flush=True)
    return rows


def timed(work: Callable[[], Any], device: str, repeats: int = 5) -> float:
    """Median seconds of some work on a device, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        wait(device)
        begun = time.perf_counter()
        work()
        wait(device)
        times.append(time.perf_counter() - begun)
    return sorted(times)[repeats // 2]


def layouts(device: str, sizes: Sizes) -> dict[str, Any]:
    """One forward and backward pass of some x-ray networks side by side, and the change of their images."""
    copies, chosen = sizes.copies, dcgan(sizes.large)
    networks = [chosen.build().train() for _ in range(copies)]
    for i, network in enumerate(networks):
        initialise(network, stream(0, "weights", i))
    z = torch.stack([chosen.latent.draw(stream(0, "latent", i)).float() for i in range(copies)]).to(device)
    batched = Batched(networks, device)
    weights = list(batched.weights.values())

    def row(**how: Any) -> dict[str, Any]:
        def run() -> torch.Tensor:
            with torch.autocast(device, torch.bfloat16, enabled=how.get("mixed", False)):
                x = batched(z.to(memory_format=torch.channels_last) if how.get("last") else z)
            torch.autograd.grad(x.float().square().sum(), weights)
            return x.detach().float()

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = how.get("tf32", False)
        try:
            return {"seconds": timed(run, device, sizes.repeats), "change": float((run() - exact).abs().max())}
        except RuntimeError as error:  # products of ours that autocast does not know, on some devices
            return {"failed": str(error)}

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    exact = batched(z).detach()
    return {"plain": row(), "tf32": row(tf32=True), "bfloat16": row(mixed=True), "channels_last": row(last=True)}


def batched_descents(device: str, sizes: Sizes) -> dict[str, Any]:
    """Seconds of a run, of many side by side."""
    runs, n, d, steps = sizes.runs, sizes.n, sizes.d, sizes.steps
    y = torch.from_numpy(stream(0, "y").standard_normal((runs, n)))
    columns = [StoredColumns.draw(Regenerated(n, d, seed, dtype=torch.float64, device=device)) for seed in range(runs)]
    step = torch.tensor([step_proof(float(v.norm()), n, d) for v in y], dtype=torch.float64)
    seconds = timed(lambda: descend(columns, y, step, steps, tolerance=0.0), device, 1)
    return {"runs": runs, "steps": steps, "seconds_a_run": seconds / runs}


def wide_descent(device: str, d: int, n: int = 16, steps: int = 20) -> dict[str, Any]:
    """V never held: the whole run, a pass with the Gram matrix and one by the fused kernel."""
    drawn = Regenerated(n, d, 0, device=device)
    y = torch.from_numpy(stream(0, "y").standard_normal((1, n)))
    step = torch.tensor([step_proof(float(y.norm()), n, d)], dtype=torch.float64)
    forget_peak(device)
    begun = time.perf_counter()
    trace = descend([drawn], y, step, steps)
    seconds = time.perf_counter() - begun
    off, S = torch.zeros(drawn.count, dtype=torch.bool, device=device), torch.zeros(n, device=device)
    table: dict[str, Any] = {"d": d, "fused": drawn.fused, "seconds": seconds, "passes": trace.passes}
    for name, gram in (("a pass with V V^T", True), ("a fused pass", False)):
        one = timed(lambda gram=gram: survey(drawn, S, 1.0, 1.0, off, 1000, gram=gram), device, 3)
        table[name] = {"seconds": one, "normals_a_second": drawn.count * (n + 1) / one}
    table["peak_gigabytes"] = peak(device)
    return table


def held_pass(device: str, sizes: Sizes) -> dict[str, Any]:
    """A pass over a V that is held, and a copy of the same bytes: how near the memory's speed it comes."""
    n, d = sizes.n, sizes.held
    columns = StoredColumns(torch.randn(n, d, device=device), torch.rand(d, device=device), 2 * d)
    off, S = torch.zeros(d, dtype=torch.bool, device=device), torch.zeros(n, device=device)
    one = timed(lambda: survey(columns, S, 1.0, 1.0, off, 1000, gram=False), device, 3)
    copy = timed(lambda: columns.V.clone(), device, 3)
    return {"gigabytes": 4e-9 * n * d, "seconds": one, "copy_seconds": copy, "share_of_copy_speed": copy / 2 / one}


def whole_spectrum(device: str, sizes: Sizes) -> dict[str, Any]:
    """Seconds for all of J J^T of a network on either device, and how far apart their entries are."""
    network = dcgan(sizes.shape)
    module = network.build()
    initialise(module, stream(1, "weights"))
    z = network.latent.draw(stream(1, "latent")).float()[None]
    here, there = (
        as_network(module, z, name="dcgan").draw(0),
        as_network(deepcopy(module).to(device), z.to(device), name="dcgan").draw(0),
    )
    begun = time.perf_counter()
    K = jacobian_gram(here)
    on_cpu = time.perf_counter() - begun
    apart = float((jacobian_gram(there).cpu() - K).abs().max() / K.abs().max())
    return {"cpu": on_cpu, device: timed(lambda: jacobian_gram(there), device, 3), "apart": apart}


def agreement(apart: float, most: float) -> dict[str, Any]:
    """How far apart two devices are, the most that is allowed, and whether it is kept to."""
    return {"apart": apart, "most": most, "ok": apart <= most}


def operator_agreement(device: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """A x and, of linear ones, A^T y of every operator on a device and on the CPU, relative to their norms."""
    rows, n = {}, prod(shape)
    options: dict[str, dict[str, Any]] = {
        "fourier-radial": {"lines": 3},
        "superres": {"factor": 2},
        "multicoil": {"coils": 2, "acceleration": 2},
        "fourier-cartesian": {"mask": torch.ones(shape[1:], dtype=torch.bool)},
    }
    x = torch.from_numpy(stream(0, "image").standard_normal(shape)).float()
    for name in OPERATORS:
        m = None if name in options else shape[1] * shape[2] // 4
        here, there = (make_operator(name, shape, m, 0, place, **options.get(name, {})) for place in ("cpu", device))
        pairs = [(here.forward(x), there.forward(x.to(device)).cpu())]
        if here.linear:
            y = pairs[0][0]
            pairs.append((here.adjoint(y), there.adjoint(y.to(device)).cpu()))
        apart = max(float((b - a).norm() / a.norm()) for a, b in pairs)
        rows[name] = agreement(apart, n * ROUNDING[torch.float32])
    return rows


FITS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "csdip": ("fast", {}),
    "net-gd": (None, {}),
    "net-pgd": (None, {}),
    "conv-decoder": (None, {"network_options": {"channels": 16}}),
}
"""Methods whose fits are compared, their presets and settings."""


def fit_agreement(device: str, shape: tuple[int, int, int], steps: int = 5) -> dict[str, Any]:
    """The misfit after a few steps of each kind of descent, on a device and on the CPU, relative to the CPU's."""
    rows, A = {}, make_operator("gaussian", shape, prod(shape) // 4)
    y = A.forward(torch.linspace(-1, 1, prod(shape)).reshape(shape))
    for name, (preset, changes) in FITS.items():
        settings = checked_settings(name, {"steps": steps, **changes}, preset, A)
        here, there = (method(name).recover()(A.to(place), y.to(place), settings).misfit for place in ("cpu", device))
        rows[name] = agreement(abs(there - here) / here, 0.02)
    return rows


def gram_agreement(device: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """J J^T in float64 and its product with a vector, on a device and on the CPU, relative to the largest entry."""
    network = dcgan(shape, width=8)
    module = network.build()
    initialise(module, stream(1, "weights"))
    z = network.latent.draw(stream(1, "latent")).float()[None]
    here = jacobian_gram(as_network(deepcopy(module), z, name="dcgan").draw(0))
    there = jacobian_gram(as_network(deepcopy(module).to(device), z.to(device), name="dcgan").draw(0))
    v = torch.from_numpy(stream(1, "vector").standard_normal(len(here))).to(here)
    weights = sum(weight.numel() for weight in module.parameters())
    most = 64 * ROUNDING[here.dtype] * weights**0.5
    product = (there @ v.to(there)).cpu() - here @ v
    return {
        "entries": agreement(float((there.cpu() - here).abs().max() / here.abs().max()), most),
        "product": agreement(float(product.norm() / (here @ v).norm()), len(here) * most),
    }


def memory_within(device: str, shape: tuple[int, int, int], m: int) -> dict[str, Any]:
    """GB that a fit takes at its peak on a GPU, and those that are said before; nothing is known on the CPU."""
    settings = replace(PRESETS["paper"], steps=3, restarts=4)
    operator = make_operator("gaussian", shape, m, device=device)
    said = need([operator], network_for(settings, shape), settings, torch.device(device)).memory / 1e9
    forget_peak(device)
    recover_batch([operator], torch.zeros(1, m, device=device), settings, seeds=[0])
    taken = peak(device)
    return {"said": said, "taken": taken, "ok": taken is None or taken <= said}


def verify(device: str, sizes: Sizes) -> dict[str, Any]:
    """Everything that must agree, row by row, and whether all of it does."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    rows = {
        "operators": operator_agreement(device, sizes.shape if sizes is TINY else (1, 32, 32)),
        "fits": fit_agreement(device, (1, 8, 8) if sizes is TINY else (1, 32, 32)),
        "gram": gram_agreement(device, sizes.shape),
        "memory": {"csdip": memory_within(device, sizes.shape, prod(sizes.shape) // 10)},
    }
    return {**rows, "ok": all(row["ok"] for part in rows.values() for row in part.values())}


def main() -> None:
    """Run the parts that are asked for, as long as time is left."""
    begun, parser = time.perf_counter(), argparse.ArgumentParser(description=__doc__)
    parts = ["verify", "spectrum", "batched", "wide", "layouts", "csdip"]
    parser.add_argument("what", nargs="*", default=parts, help=", ".join(parts))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="no part begins in the last third of it")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--m", type=int, default=75)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--alone", type=int, default=3, help="fits of one image, of which the fastest counts")
    chosen = parser.parse_args()
    device, sizes = chosen.device, Sizes() if chosen.device == "cuda" else TINY
    if device == "cuda" and not torch.cuda.is_available():
        print(json.dumps({"skipped": "this machine has no CUDA device"}))
        return

    def over() -> bool:
        return time.perf_counter() - begun > 60 * chosen.minutes * 2 / 3

    count = (chosen.images, chosen.restarts, chosen.m, chosen.steps, chosen.alone)
    runs: dict[str, Callable[[], Any]] = {
        "verify": lambda: verify(device, sizes),
        "spectrum": lambda: whole_spectrum(device, sizes),
        "batched": lambda: batched_descents(device, sizes),
        "wide": lambda: {
            "held": held_pass(device, sizes),
            "never held": [wide_descent(device, d) for d in sizes.wide if not over()],
        },
        "layouts": lambda: layouts(device, sizes),
        "csdip": lambda: measure(*count, device, over),
    }
    report: dict[str, Any] = {"device": torch.cuda.get_device_name() if device == "cuda" else "cpu, a dry run"}
    report["torch"] = torch.__version__
    for name in chosen.what:
        report[name] = "no time was left" if over() else runs[name]()
        print(json.dumps({name: report[name]}), file=sys.stderr, flush=True)
    print(json.dumps(report, indent=1))
    sys.exit(0 if report.get("verify", {"ok": True})["ok"] else 1)


if __name__ == "__main__":
    main()
