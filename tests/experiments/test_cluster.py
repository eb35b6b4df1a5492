"""Sweeps on a Dask scheduler with worker processes, in this machine."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support import ROOT, TINY, raw, run_tiny

from untrained.sims.experiments import executors
from untrained.sims.experiments.executors import cluster
from untrained.sims.experiments.grid import make_grid
from untrained.sims.experiments.studies import load_study

distributed = pytest.importorskip(
    "distributed", reason="distributed is not installed: pip install 'untrained[cluster]'"
)

GRID = "n=1:10:10 x=0:1:15 sleep=0.01"
DASK = [sys.executable, "-c", "import sys; from distributed.cli import dask_{0}; dask_{0}.main()"]


def began(part, *arguments, folder):
    command = [*DASK[:2], DASK[2].format(part), *arguments, "--no-dashboard"]
    log = (folder / f"{part}-{time.monotonic_ns()}.log").open("w+")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return process, log


def match_in(log, pattern):
    for _ in range(3000):
        with open(log.name) as file:
            if match := re.search(pattern, file.read()):
                return match
        time.sleep(0.01)
    raise AssertionError(f"{pattern} was not seen in {log.name}")


@pytest.fixture
def scheduler(tmp_path):
    """The address of a scheduler, its process, and its two workers."""
    (process, log) = began("scheduler", "--port", "0", "--host", "127.0.0.1", folder=tmp_path)
    started = [(process, log)]
    try:
        address = match_in(log, r"Scheduler at:\s+(tcp://\S+)").group(1)
        settings = ("--nthreads", "1", "--no-nanny", "--local-directory", tmp_path)
        started += [began("worker", address, *settings, folder=tmp_path) for _ in range(2)]
        for _, one in started[1:]:
            match_in(one, r"Registered to:")
        yield address, process, [worker for worker, _ in started[1:]]
    finally:
        for one, file in reversed(started):
            one.kill()
            one.wait()
            file.close()


def killing_after(cells, process):
    def watch(so_far):
        if so_far.done > cells and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    return watch


def test_a_cluster_gives_the_same_rows_also_when_a_worker_is_killed_midway(
    scheduler, sweep, place, tmp_path, monkeypatch
):
    address, _, (worker, _) = scheduler
    with cluster(address) as crew:
        assert crew.room() == 4
        grid = make_grid(load_study(TINY), GRID)
        summary = run_tiny(grid, place, crew, follow=killing_after(40, worker))
    assert (summary.cells, summary.done, summary.failed) == (300, 300, 0)
    assert worker.returncode == -signal.SIGKILL
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    sweep(GRID, store=tmp_path / "here")
    assert raw(place) == raw(tmp_path / "here")
    assert len({one for (one,) in raw(place, "worker")}) == 2


def test_a_scheduler_that_dies_midway_is_one_sentence_and_the_sweep_goes_on_elsewhere(scheduler, sweep, place, capfd):
    address, process, _ = scheduler
    message = r"must stay in reach, got no more answer from tcp://\S+; \d+ of 300 cells are kept, and a resumed run"
    grid = make_grid(load_study(TINY), GRID)
    with pytest.raises(ValueError, match=message), cluster(address) as crew:
        run_tiny(grid, place, crew, follow=killing_after(40, process))
    assert capfd.readouterr() == ("", "")
    count = len(raw(place))
    assert 40 < count < 300
    summary = sweep(GRID, workers=2, resume=True)
    assert (summary.done, summary.before) == (300, count)


@pytest.mark.slow
def test_a_cell_that_kills_its_worker_again_and_again_is_failed_and_the_others_go_on(tmp_path, place, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    process, log = began("scheduler", "--port", "0", "--host", "127.0.0.1", folder=tmp_path)
    address = match_in(log, r"Scheduler at:\s+(tcp://\S+)").group(1)
    worker, other = began("worker", address, "--nthreads", "1", "--local-directory", str(tmp_path), folder=tmp_path)
    try:
        match_in(other, r"Registered to:")
        with cluster(address) as crew:
            summary = run_tiny(make_grid(load_study(TINY), "x=1 mode=kill", 1), place, crew)
    finally:
        for one, file in ((worker, other), (process, log)):
            one.terminate()
            one.wait()
            file.close()
    assert (summary.done, summary.failed) == (3, 1)
    (error,) = (error for *_, error in raw(place) if error)
    assert error.startswith("KilledWorker: ")


def test_a_scheduler_out_of_reach_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(executors, "_PATIENCE", 1)
    with pytest.raises(ValueError, match=r"must be one that can be reached, got tcp://127\.0\.0\.1:9 "):
        cluster("tcp://127.0.0.1:9").__enter__()


def test_an_address_that_is_none_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="must be one that can be reached, got nonsense://"):
        cluster("nonsense://here").__enter__()
