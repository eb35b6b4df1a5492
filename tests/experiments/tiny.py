"""A study of pure arithmetic that can be asked to sleep, to fail, and to kill its own process."""

import math
import os
import random
import signal
import struct
import time
from pathlib import Path

from untrained.sims.experiments.study import Study

ODD_NAN = struct.unpack(">d", bytes.fromhex("fff80000000000ab"))[0]


def row(parameters, seed, device):
    n, x, mode = parameters["n"], parameters["x"], parameters["mode"]
    if parameters["sleep"]:
        time.sleep(parameters["sleep"])
    if mode == "raise" and n == 3:
        raise ArithmeticError("three is too\nmany")
    if mode == "kill" and n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "kill once" and n == 3 and mark("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    noise = random.Random(f"{n} {x!r} {seed}").random()
    odd = {"nan": ODD_NAN, "inf": -math.inf}.get(mode, -0.0)
    return {
        "value": math.sin(n * x) / 3 + noise,
        "odd": odd,
        "whole": n**50,
        "word": f"ü,{n}",
        "yes": n > 2,
        "no": None,
    }


def mark(name):
    """Whether nobody was here before."""
    try:
        Path(os.environ["TINY_MARKS"], name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def check(parameters):
    if parameters["n"] == 13:
        raise ValueError("n of tiny must not be 13, got 13")


TINY = Study(
    name="tiny",
    says="Sines with noise.",
    axes={"n": (1, 2, 3, 4), "x": (0.1, 1.0), "mode": ("plain",), "sleep": (0.0,)},
    domain={
        "n": (1, 100_000),
        "x": (-10.0, 10.0),
        "mode": ("plain", "raise", "kill", "kill once", "nan", "inf"),
        "sleep": (0.0, 10.0),
    },
    seeds=2,
    row=row,
    check=check,
)
