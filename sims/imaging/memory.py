"""How much memory is free, so that what cannot fit is refused before it starts."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def free_memory(device: torch.device | str = "cpu") -> int:
    """Return the bytes that can still be allocated on a device.

    On Linux this is the kernel's own estimate of what is available without swapping; elsewhere half of what is installed.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    info = Path("/proc/meminfo")
    if info.exists():
        line = next(line for line in info.read_text().splitlines() if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 8 * 2**30
