import pytest
import torch

from untrained.sims.runtime import memory_told, pick_device, use_threads, versions

CPU = (
    "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
)


@pytest.mark.parametrize(
    "error", [RuntimeError(CPU), torch.OutOfMemoryError("CUDA out of memory. Tried"), MemoryError()]
)
def test_a_failed_allocation_is_told_with_advice(error):
    with (
        pytest.raises(ValueError, match=r"gaussian for 8x8 pixels must fit in memory.* smaller `size`"),
        memory_told("gaussian for 8x8 pixels"),
    ):
        raise error


def test_torch_s_own_failed_allocation_is_one():
    with pytest.raises(ValueError, match="must fit in memory"), memory_told("a"):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="size"), memory_told("a"):
        torch.zeros(3) @ torch.zeros(4)


def test_devices_and_threads_are_checked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="cuda needs a CUDA device"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, auto, got 'gpu'"):
        pick_device("gpu")
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        use_threads(0)
    before = torch.get_num_threads()
    try:
        assert use_threads(2) == torch.get_num_threads() == 2
        assert use_threads(None) == 2
    finally:
        torch.set_num_threads(before)


def test_a_package_that_is_not_installed_is_told_so(monkeypatch):
    monkeypatch.setattr("untrained.sims.runtime._PACKAGES", ("no-such-package-of-ours", "torch"))
    assert versions()["no-such-package-of-ours"] == "uninstalled"
