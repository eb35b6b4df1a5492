"""What a run meets outside itself: device, threads, versions and memory."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch

from untrained.sims.choices import check_choice
from untrained.sims.random.isolated_rng import torch_settings_kept

_F = TypeVar("_F", bound=Callable[..., Any])
_PACKAGES = ("untrained", "torch", "numpy", "scipy", "scikit-image")
_ALLOCATION = ("DefaultCPUAllocator", "CUDA out of memory", "not enough memory", "alloc_cpu")
DEVICES = ("cpu", "cuda", "auto")


def pick_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA where there is one.

    Raises
    ------
    ValueError
        where the name is unknown, or CUDA is asked for and absent.
    """
    check_choice("device", name, DEVICES)
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise ValueError("device cuda needs a CUDA device that torch can use, got none; cpu works anywhere")
    return torch.device("cuda" if present and name != "cpu" else "cpu")


def use_threads(count: int | None) -> int:
    """Set the threads of torch on the CPU (None: as it chose itself) and return how many there are.

    Raises
    ------
    ValueError
        where there would be none.
    """
    if count is not None:
        if count < 1:
            raise ValueError(f"threads must be at least 1, got {count}")
        torch.set_num_threads(count)
    return torch.get_num_threads()


SMALL_PRODUCT, SMALL_STEP = 1 << 24, 1 << 26
"""Multiply-adds of a product by A, and of a step of a network's descent, below which one thread is as fast as more.

Threads that wait for each other at every small operation lose far more than they share where the cores are busy.
"""


@contextlib.contextmanager
def library_defaults() -> Iterator[None]:
    """Run as torch and numpy are when they have just been imported, whatever a notebook has set for itself: with
    gradients, in float32, on the CPU, without autocast, and with overflow no error.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch_settings_kept())
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        torch.set_default_dtype(torch.float32)
        yield


@contextlib.contextmanager
def few_threads(work: int, small: int = SMALL_PRODUCT) -> Iterator[None]:
    """Keep torch on one thread where an operation's multiply-adds are fewer than `small`; as it was afterwards."""
    before = torch.get_num_threads()
    few = work < small and before > 1
    if few:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if few:
            torch.set_num_threads(before)


def few_threads_where_small(recover: _F) -> _F:
    """Run a solver, whose first argument is the operator, on one thread where products by it are small."""

    @functools.wraps(recover)
    def limited(operator: Any, *arguments: Any, **options: Any) -> Any:
        with few_threads(operator.m * operator.n):
            return recover(operator, *arguments, **options)

    return cast(_F, limited)


def runtime_report(device: torch.device) -> dict[str, Any]:
    """Device, its name, threads and versions, as a report tells them."""
    cuda = device.type == "cuda"
    return {
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if cuda else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """Versions of everything the numbers depend on: by default those of a recovery."""
    numbers = {"python": platform.python_version()}
    for name in packages:
        try:
            numbers[name] = version(name)
        except PackageNotFoundError:
            numbers[name] = "uninstalled"
    return numbers | ({"cuda": torch.version.cuda} if torch.version.cuda else {})


@contextlib.contextmanager
def memory_told(what: str) -> Iterator[None]:
    """Turn a failed allocation, of Python's or of torch's, into a sentence with advice.

    Raises
    ------
    ValueError
        in place of the allocation's own failure; every other exception passes.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in _ALLOCATION):
            raise
        advice = "a smaller `size` or `m`, or an operator that holds no matrix (gaussian-seeded, dct, fourier-radial)"
        raise ValueError(f"{what} must fit in memory, got an allocation that failed; try {advice}") from error


def checked_device(device: str | torch.device) -> torch.device:
    """Return a device that this machine has.

    Raises
    ------
    ValueError
        where it has none of that name.
    """
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device must be cpu or one of this machine, got {device}") from error


def memory_available(device: str | torch.device = "cpu") -> int | None:
    """Bytes that can still be had on a device; None where the system does not tell."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    report = Path("/proc/meminfo")
    if report.exists():
        for line in report.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
