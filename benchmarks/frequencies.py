"""Which frequencies a network fits first: what is left of each band of an image, and of noise, after so many steps.

Every pixel is measured; the fit is Adam at one rate, so that a run of 30 steps is the beginning of one of 300. Bands
are rings of the Fourier transform, from the lowest quarter of frequencies to the highest; shares are energies of the
residual over those of the target.

    python benchmarks/frequencies.py --size 32 --steps 10 30 100 300
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from skimage.data import camera
from skimage.transform import resize

from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery import net_gd
from untrained.sims.recovery.net_settings import NetGDSettings

NETWORKS = ("pixelwise", "conv-decoder", "conv-generator")


def bands(size: int, count: int) -> np.ndarray:
    """The number of each frequency's ring, (size, size)."""
    f = np.fft.fftfreq(size)
    radius = np.hypot(f[:, None], f[None, :])
    result: np.ndarray = np.minimum((radius / 0.5 * count).astype(int), count - 1)
    return result


def main() -> None:
    """Print a line a network, target and number of steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 30, 100, 300])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    size, ring = options.size, bands(options.size, 4)
    noise = stream(0, "frequencies").uniform(-1, 1, (size, size))
    targets = {"image": 2 * resize(camera(), (size, size), anti_aliasing=True) - 1, "noise": noise}
    operator = make_operator("inpainting", (1, size, size), size * size, 0)
    for network in options.networks:
        for name, target in targets.items():
            x = torch.from_numpy(np.float32(target))[None]
            energies = np.bincount(ring.ravel(), np.square(np.abs(np.fft.fft2(target))).ravel())
            for steps in options.steps:
                settings = NetGDSettings(
                    network=network, optimiser="adam", learning_rate=0.01, steps=steps, witnesses=0
                )
                estimate = net_gd.recover(operator, operator.forward(x), settings, seed=0).image[0].numpy()
                left = np.square(np.abs(np.fft.fft2(estimate - target)))
                shares = np.bincount(ring.ravel(), left.ravel()) / energies
                words = "  ".join(f"{share:7.4f}" for share in shares)
                print(f"{network:15} {name:6} {steps:5} steps, left from low to high: {words}", flush=True)


if __name__ == "__main__":
    main()
