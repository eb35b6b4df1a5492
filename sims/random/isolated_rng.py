"""Calling code that is not ours: the same random numbers for the same seed, and nothing of the process changed."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
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

    So is what a file may set for itself: torch's defaults, threads and checks and its switch for gradients, what numpy
    does about overflow, the folder that paths start from, and where is printed.
    """
    number = int(stream(seed, *names).integers(2**32))
    with _ONE_AT_A_TIME:
        numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
        try:
            with torch.random.fork_rng(_devices()), torch_settings_kept(), _kept(_PROCESS):
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


_Settings = tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...]
"""How each setting is read, and how it is put."""


@contextmanager
def torch_settings_kept() -> Iterator[None]:
    """Let code take gradients, and put torch's default dtype, default device and switch for gradients back after it."""
    with torch.inference_mode(False), torch.enable_grad(), _kept(_DEFAULTS):
        yield


@contextmanager
def _kept(settings: _Settings) -> Iterator[None]:
    before = [read() for read, _ in settings]
    try:
        yield
    finally:
        for (read, put), value in zip(settings, before, strict=True):
            if read() != value:
                put(value)


def _folder() -> str:
    """The folder that relative paths start from, also where it is no longer there."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.curdir


def _print_to(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


_DEFAULTS: _Settings = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, torch.set_default_device),
)
_PROCESS: _Settings = (
    (_folder, os.chdir),
    (lambda: (sys.stdout, sys.stderr), _print_to),
    (np.geterr, lambda modes: np.seterr(**modes)),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
)


def _devices() -> list[int]:
    """The accelerators in use: asking the others for their state would wake them."""
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
