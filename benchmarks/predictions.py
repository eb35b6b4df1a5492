"""How well the linearised theory predicts how much longer noise takes than a picture, over architectures; prints JSON.

For each network and seed the fit times of a photograph and of noise of its norm are predicted from the spectrum of
J J^T and measured by descent with the same step; ranks of the two ratios are compared, with a bootstrap interval over
networks. A time that the steps do not reach counts as longer than all that they do.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from untrained.sims.diagnosis.bias import is_unit, noise_like, target
from untrained.sims.diagnosis.descents import gradient_descent
from untrained.sims.diagnosis.predictions import fit_time
from untrained.sims.networks.loading import as_network
from untrained.sims.ntk.spectrum import spectrum
from untrained.sims.random.streams import stream

ZOO = Path(__file__).parents[1] / "tests" / "networks" / "zoo"
NETWORKS = (
    "dcgan@1x28x28,width=8,latent=32", "decoder@1x28x28,width=8,latent=32", "deep-decoder@1x28x28,channels=32",
    "deep-decoder", "skip-unet@1x28x28,width=16", "two-layer@n=784,d=8000,k=32", f"{ZOO}/unet.py:make",
    f"{ZOO}/siren.py:make", f"{ZOO}/mlp_mixer.py:make", f"{ZOO}/resnet_decoder.py:factory",
    f"{ZOO}/deep_decoder.py:factory",
)  # fmt: skip
SHARES = (0.9, 0.7)


def times(reference: str, seed: int, steps: int) -> list[dict[str, Any]]:
    """A row for each share of the first misfit: fit times of image and noise, predicted and measured."""
    source = as_network(reference)
    network, twin = source.draw(seed), source.draw(seed, torch.float32)
    f0 = network.output().detach().cpu().double().numpy()
    K = spectrum(network, seed=seed)
    x = target("example:camera", network.image_shape, unit=is_unit([f0]))
    step = 1 / K.largest.value
    rows: dict[float, dict[str, Any]] = {share: {"network": Path(reference).name, "seed": seed} for share in SHARES}
    for name, y in (("image", x), ("noise", noise_like(x, seed, "predictions"))):
        run, measure = gradient_descent(twin, y, step, steps), K.measure(f0 - y)
        for share in SHARES:
            rows[share] |= {
                "share": share,
                f"{name} predicted": fit_time(measure, step, share),
                f"{name} measured": run.time_to(share),
            }
    return list(rows.values())


def ratio(row: dict[str, Any], kind: str) -> float:
    return row[f"noise {kind}"] / row[f"image {kind}"] if np.isfinite(row[f"image {kind}"]) else float("nan")


def correlation(rows: list[dict[str, Any]], resamples: int = 10_000) -> dict[str, Any]:
    """Spearman's correlation of the ratios' medians over seeds, with a percentile interval over networks."""
    names = sorted({row["network"] for row in rows})
    pairs = np.array([
        [np.median([ratio(row, kind) for row in rows if row["network"] == name]) for kind in ("predicted", "measured")]
        for name in names
    ])  # fmt: skip
    rest = pairs[~np.isnan(pairs).any(1)]
    rng, samples = stream(0, "bootstrap"), []
    while len(samples) < resamples:
        drawn = rest[rng.integers(len(rest), size=len(rest))]
        if min(len(np.unique(column)) for column in drawn.T) > 1:
            samples.append(spearmanr(*drawn.T).statistic)
    low, high = np.quantile(samples, [0.025, 0.975])
    whole = spearmanr(*rest.T)
    return {
        "networks": len(rest), "correlation": whole.statistic, "interval": [low, high], "p": whole.pvalue,
        "not measured to the end": int(np.isinf(rest[:, 1]).sum()),
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=2)
    asked.add_argument("--steps", type=int, default=2000)
    arguments = asked.parse_args()
    begun, rows = time.perf_counter(), []
    for reference in NETWORKS:
        for seed in range(arguments.seeds):
            rows += times(reference, seed, arguments.steps)
    correlations = {f"share {s}": correlation([row for row in rows if row["share"] == s]) for s in SHARES}
    table = [
        {key: value if not isinstance(value, float) else round(value, 4) for key, value in row.items()} for row in rows
    ]
    print(json.dumps({"rows": table, **correlations, "seconds": time.perf_counter() - begun}, indent=1, default=str))


if __name__ == "__main__":
    main()
