"""Calling code that is not ours: the same random numbers for the same seed, and nothing of the process changed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch

from untrained.sims.random.streams import stream

_ONE_AT_A_TIME = threading.RLock()
"""The generators belong to the process: two threads must not put each other's states back."""


@contextmanager
def isolated_rng(seed: int, *names: str | int) -> Iterator[None]:
    """Seed the global generators of torch, numpy and Python from a stream, and put all of them back at the end.

    So are torch's default dtype and device and its switch for gradients, which a file may set for itself.
    """
    number = int(stream(seed, *names).integers(2**32))
    with _ONE_AT_A_TIME:
        numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
        try:
            with torch.random.fork_rng(_devices()), torch_settings_kept():
                torch.manual_seed(number)
                np.random.seed(number)  # noqa: NPY002
                random.seed(number)
                yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)


def global_states() -> tuple[object, object]:
    """Where the generators of Python and numpy stand, to be compared."""
    numpy = cast("tuple[Any, ...]", np.random.get_state())  # noqa: NPY002
    return random.getstate(), (numpy[1].tobytes(), *numpy[2:])


@contextmanager
def torch_settings_kept() -> Iterator[None]:
    """Let code take gradients, and put torch's default dtype, default device and switch for gradients back after it."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    with torch.inference_mode(False), torch.enable_grad():
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_default_device() != device:
                torch.set_default_device(device)


def _devices() -> list[int]:
    """The accelerators in use: asking the others for their state would wake them."""
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
