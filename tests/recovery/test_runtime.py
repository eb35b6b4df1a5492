import contextlib

import numpy as np
import pytest
import torch
from torch import nn

import untrained
from untrained.sims.diagnosis import check
from untrained.sims.operators import gaussian, make_operator
from untrained.sims.recovery.recover import recover
from untrained.sims.runtime import (
    SMALL_PRODUCT,
    few_threads,
    few_threads_where_small,
    memory_told,
    pick_device,
    use_threads,
    versions,
)

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


def test_a_package_that_is_not_installed_is_told_so():
    assert versions(("no-such-package-of-ours", "torch"))["no-such-package-of-ours"] == "uninstalled"


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_small_work_is_done_on_one_thread_and_the_rest_as_before(two_threads):
    with few_threads(SMALL_PRODUCT - 1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with few_threads(SMALL_PRODUCT):
        assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), few_threads(0):
        raise KeyError
    assert torch.get_num_threads() == 2


def test_a_solver_is_limited_by_the_size_of_its_operator(two_threads):
    threads = few_threads_where_small(lambda operator, y=0: torch.get_num_threads())
    small = gaussian((1, 8, 8), 20)
    assert threads(small) == threads(operator=small, y=1) == 1
    small.m = SMALL_PRODUCT
    assert threads(small) == 2


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("tv", {"max_steps": 20}),
        ("lasso-dct", {"max_steps": 20}),
        ("csdip", {"network_options": {"width": 4, "latent": 4}, "steps": 3}),
    ],
)
def test_small_recoveries_see_one_thread_and_leave_two(two_threads, method, settings):
    A, heard = gaussian((1, 8, 8), 20), []
    y = A.forward(torch.linspace(-1, 1, 64).reshape(1, 8, 8) ** 3)
    recover(y, A, method, progress=lambda *_: heard.append(torch.get_num_threads()), **settings)
    assert (set(heard), torch.get_num_threads()) == ({1}, 2)


@contextlib.contextmanager
def default_dtype():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


NOTEBOOKS = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64": default_dtype,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "a device without numbers": lambda: torch.device("meta"),
    "overflow is an error": lambda: np.errstate(all="raise"),
}


MODULE, INPUT = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 64)), torch.linspace(-1, 1, 4)[None]
A = make_operator("gaussian", (1, 8, 8), 20)
Y = A.forward(torch.full((1, 8, 8), 0.2))


def results():
    networks = (MODULE, INPUT), "decoder@8x8,width=4,latent=6"
    images = [recover(Y, A, network=one, steps=3).image for one in networks]
    return *images, check(MODULE[:1], INPUT, seeds=1, steps=2).facts["beta"]


@pytest.fixture(scope="module")
def plain_results():
    return results()


def test_the_fit_that_noise_is_estimated_by_knows_nothing_of_a_notebook_either(monkeypatch):
    asked = []

    def told(*_, **__):
        asked.append((torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        return 1e-4

    monkeypatch.setattr("untrained.sims.recovery.csdip.held_out_misfit", told)
    with default_dtype(), torch.inference_mode():
        untrained.denoise(torch.linspace(-1, 1, 64).reshape(1, 8, 8), method="noisy")
    assert asked == [(torch.float32, True, False)]


@pytest.mark.parametrize("setting", NOTEBOOKS)
def test_what_a_notebook_has_set_for_itself_changes_nothing_here(setting, plain_results):
    with NOTEBOOKS[setting]():
        before = torch.is_grad_enabled(), torch.get_default_dtype(), np.geterr(), torch.get_default_device()
        *images, beta = results()
        assert before == (torch.is_grad_enabled(), torch.get_default_dtype(), np.geterr(), torch.get_default_device())
    assert all(map(torch.equal, images, plain_results))
    assert beta == plain_results[-1]
