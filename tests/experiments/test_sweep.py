"""Running sweeps: the same rows whoever computes them, and no cell's fault stops another."""

import dataclasses
import os
import pickle
import signal
import struct
import threading
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import pytest
from support import TINY, Here, raw, rows, run_tiny

from untrained.sims.experiments.engine import Summary
from untrained.sims.experiments.executors import Crew, Processes, WorkerDiedError, cluster, cores, processes
from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.grid import make_grid
from untrained.sims.experiments.runner import run_cells
from untrained.sims.experiments.store import reading
from untrained.sims.experiments.studies import load_study
from untrained.sims.experiments.sweep import make_sweep
from untrained.sims.experiments.worker import CellOutcome, work

GRID = "n=1:8:8 x=0:1:5"


def sizes_of(batches):
    """n of every cell that a worker is sent."""
    return [parameters["n"] for batch in batches for parameters, _ in batch]


def numbers(summary):
    return summary.cells, summary.done, summary.failed, summary.before


def spawned(workers=2):
    return ProcessPoolExecutor(workers, get_context("spawn"))


def test_a_sweep_keeps_every_cell_once(sweep, place):
    assert numbers(sweep(GRID)) == (80, 80, 0, 0)
    cells = raw(place)
    assert len({key for key, *_ in cells}) == len(cells) == 80
    with reading(place, "tiny") as store:
        status = store.status()
    assert (status["cells"], status["done"], status["failed"], status["running"]) == (80, 80, 0, False)
    assert status["rate"] > 0


CREWS = {
    "one process": lambda: processes(1),
    "two processes": lambda: processes(2),
    "a pool of processes": lambda: Crew(spawned, lambda: 4),
    "threads": lambda: Crew(lambda: ThreadPoolExecutor(3), lambda: 5),
}


@pytest.mark.parametrize("name", CREWS)
def test_the_rows_are_the_same_bit_for_bit_whoever_computes_them(sweep, place, tmp_path, name):
    grid = f"{GRID} mode=plain,nan,inf"
    sweep(grid)
    assert numbers(sweep(grid, store=tmp_path / "other", crew=CREWS[name]())) == (240, 240, 0, 0)
    assert raw(tmp_path / "other") == raw(place)


def test_any_executor_will_do(place):
    cells = [Cell({"n": 2, "x": 0.5, "mode": "plain", "sleep": 0.0}, seed) for seed in (5, 7)]
    assert numbers(run_tiny(cells, place, lambda: ThreadPoolExecutor(1))) == (2, 2, 0, 0)
    assert [row["seed"] for row in rows(place)] == [5, 7]


def test_a_cell_that_is_not_a_number_is_done(sweep, place):
    assert numbers(sweep("n=1 x=1 mode=nan")) == (2, 2, 0, 0)
    assert struct.pack(">d", rows(place)[0]["odd"]).hex() == "fff80000000000ab"


def test_a_cell_that_raises_is_failed_with_its_reason_and_the_others_go_on(sweep, place):
    assert numbers(sweep("mode=raise")) == (16, 12, 4, 0)
    failed = [(error, row) for *_, outcome, row, error in raw(place) if outcome == "failed"]
    assert failed == [("ArithmeticError: three is too many", None)] * 4
    assert {row["n"] for row in rows(place)} == {1, 2, 4}


def test_failed_cells_are_tried_again_on_resume_and_done_ones_are_not(sweep, place):
    assert numbers(sweep("x=1 mode=raise")) == (8, 6, 2, 0)
    before = raw(place, "key, ended, run")
    assert numbers(sweep("x=1 mode=raise", resume=True)) == (8, 6, 2, 6)
    after = raw(place, "key, ended, run")
    assert Counter(sweep for *_, sweep in after) == {1: 6, 2: 2}
    assert len(set(before) & set(after)) == 6


def test_cells_already_there_are_refused_without_resume(sweep, place):
    sweep("n=1,2")
    before = place.read_bytes()
    with pytest.raises(ValueError, match=r"got 4 of 8 in .* `resume` goes on from them, or name another `store`"):
        sweep("n=2,3")
    assert place.read_bytes() == before
    assert numbers(sweep("n=3,4")) == (8, 8, 0, 0)
    assert numbers(sweep("n=1:4:4", resume=True)) == (16, 16, 0, 16)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"n": 0, "x": 0.5, "mode": "plain", "sleep": 0.0}, "whole number from 1"),
        ({"n": 13, "x": 0.5, "mode": "plain", "sleep": 0.0}, "n of tiny must not be 13, got 13"),
        ({"n": 1.0, "x": 0.5, "mode": "plain", "sleep": 0.0}, "as its axes have them"),
        ({"n": 1}, "must hold x"),
    ],
)
def test_a_cell_outside_the_domain_is_refused_before_anything_runs(place, parameters, sentence):
    good = Cell({"n": 1, "x": 0.5, "mode": "plain", "sleep": 0.0}, 0)
    with pytest.raises(ValueError, match="must") as refused:
        run_tiny([good, Cell(parameters, 0)], place, Here)
    assert sentence in str(refused.value)
    assert not place.exists()


def test_no_cell_and_a_cell_twice_are_refused(place):
    good = Cell({"n": 1, "x": 0.5, "mode": "plain", "sleep": 0.0}, 0)
    with pytest.raises(ValueError, match="at least one, got none"):
        run_tiny([], place, Here)
    with pytest.raises(ValueError, match="named once"):
        run_tiny([good, good], place, Here)


def test_a_cell_that_kills_its_worker_twice_is_failed_and_the_others_go_on(sweep, place):
    assert numbers(sweep("n=1:5:5 x=1 mode=kill", workers=2)) == (10, 8, 2, 0)
    errors = [error for *_, error in raw(place) if error]
    assert errors == ["WorkerDiedError: its worker was killed by SIGKILL, 2 times"] * 2


def test_a_cell_that_kills_its_worker_once_is_done(place, marks):
    assert numbers(once(place)) == (8, 8, 0, 0)
    assert [path.name for path in marks.iterdir()] == ["killed"]


def once(place, crew=None):
    cells = [Cell({"n": n, "x": 1.0, "mode": "kill once", "sleep": 0.0}, s) for n in (1, 2, 3, 4) for s in (0, 1)]
    return run_tiny(cells, place, crew or processes(2))


def test_a_broken_pool_is_made_anew_and_only_the_guilty_cell_fails(sweep, place):
    made = []

    def make():
        made.append(spawned())
        return made[-1]

    assert numbers(sweep("n=1:5:5 x=1 mode=kill", crew=Crew(make, lambda: 4))) == (10, 8, 2, 0)
    assert next(error for *_, error in raw(place) if error).startswith("BrokenProcessPool: ")
    assert len(made) >= 5  # four deaths of the guilty cells, each alone, and at least one in company


def test_a_suspect_has_nobody_beside_it(sweep, place):
    beside, flying = [], []

    class Deadly(ThreadPoolExecutor):
        """Every call in flight dies with the one that holds a cell of n = 3."""

        def submit(self, fn, /, *args, **kwargs):
            future = super().submit(fn, *args, **kwargs) if all(n != 3 for n in sizes_of(args[3])) else Future()
            flying[:] = [one for one in flying if not one.done()] + [future]
            beside.append((tuple(sizes_of(args[3])), len(flying)))
            if any(n == 3 for n in sizes_of(args[3])):
                future.set_exception(TimeoutError("dead"))
            return future

    summary = sweep("n=3,1,2,4,5 x=1", crew=Crew(lambda: Deadly(1), lambda: 4, (TimeoutError,)))
    assert numbers(summary) == (10, 8, 2, 0)
    again = [count for cells, count in beside if cells == (3,)][2:]
    assert len(again) >= 4
    assert set(again) == {1}


def test_a_pool_that_broke_once_fails_no_cell(place, marks):
    assert numbers(once(place, Crew(spawned, lambda: 4))) == (8, 8, 0, 0)


def test_a_worker_that_dies_as_it_starts_is_replaced(sweep):
    errors = [BrokenExecutor("killed")]

    class Late(Here):
        def submit(self, fn, /, *args, **kwargs):
            if errors:
                raise errors.pop()
            return super().submit(fn, *args, **kwargs)

    assert numbers(sweep(crew=Crew(Late, lambda: 1))) == (16, 16, 0, 0)


class Breaking(Here):
    """Breaks at the first call with cells, or at the first of all."""

    def __init__(self, error, at_once=False):
        self.error, self.at_once = error, at_once

    def submit(self, fn, /, *args, **kwargs):
        if args[3] or self.at_once:
            future = Future()
            future.set_exception(self.error)
            return future
        return super().submit(fn, *args, **kwargs)


def test_workers_that_cannot_start_blame_no_cell(sweep, place):
    with pytest.raises(ValueError, match="workers must be able to start, got BrokenExecutor: no memory"):
        sweep(crew=Crew(lambda: Breaking(BrokenExecutor("no memory"), at_once=True)))
    assert raw(place) == []


def test_a_fault_of_the_executor_stops_with_one_sentence(sweep, place):
    with pytest.raises(ValueError, match="must give its results, got RuntimeError: odd; 0 of 16 cells are kept"):
        sweep(crew=Crew(lambda: Breaking(RuntimeError("odd"))))


def test_a_worker_with_another_version_of_the_study_is_refused():
    with pytest.raises(ValueError, match=r"must have the version that the client has \(7\), got 1 on "):
        work(TINY, "7", "cpu", [])


def test_a_scheduler_that_is_lost_stops_with_one_sentence_and_keeps_what_ended(sweep, place):
    lost = iter(["", "", "the scheduler must stay in reach, got silence"])
    with pytest.raises(ValueError, match=r"got silence; \d+ of 80 cells are kept, and a resumed run goes on"):
        sweep(GRID, crew=Crew(Here, lambda: 1, lost=lambda: next(lost)))
    assert 0 < len(raw(place)) < 80
    assert numbers(sweep(GRID, resume=True))[:3] == (80, 80, 0)


def test_an_interrupt_keeps_what_ended(sweep, place):
    def interrupt(summary):
        if summary.done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(GRID, workers=2, follow=interrupt)
    assert 10 < len(raw(place)) < 80
    assert numbers(sweep(GRID, resume=True))[:3] == (80, 80, 0)


def test_few_cells_are_in_flight_and_small_ones_go_in_groups(sweep):
    most, sizes, flying = [], [], set()

    class Counting(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            sizes.append(len(sizes_of(args[3])))
            future = super().submit(fn, *args, **kwargs)
            flying.add(future)
            most.append(sum(not one.done() for one in flying))
            return future

    sweep("n=1:12:12 x=0:1:50", crew=Crew(lambda: Counting(2), lambda: 4))
    assert sum(sizes) == 1200
    assert max(most) <= 4
    assert 10 < max(sizes) <= 100


def test_what_is_seen_on_the_way_counts_up_to_the_end(sweep):
    summaries = []
    end = sweep(GRID, follow=summaries.append)
    assert summaries[0] == Summary(80, 0, 0, 0, 0.0)
    assert [one.done for one in summaries] == sorted(one.done for one in summaries)
    assert summaries[-1] == end


def test_whoever_follows_is_told_while_cells_last(sweep):
    told = threading.Event()

    class Patient(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            return super().submit(lambda: (not args[-1] or told.wait(60)) and fn(*args, **kwargs))

    summaries = []

    def follow(state):
        summaries.append(state.done)
        if len(summaries) == 3:
            told.set()

    assert numbers(sweep("n=1 x=1", crew=Crew(lambda: Patient(1), lambda: 1), follow=follow)) == (2, 2, 0, 0)
    assert summaries[:3] == [0, 0, 0]


def test_a_group_that_takes_long_is_handed_back_as_far_as_it_is(sweep, place, tmp_path, monkeypatch):
    sweep(GRID, store=tmp_path / "other")
    monkeypatch.setattr("untrained.sims.experiments.worker._SECONDS", 0.0)
    cells = [[(dict(cell.parameters), cell.seed)] for cell in make_grid(load_study(TINY), GRID)]
    assert len(work(TINY, load_study(TINY).laws, "cpu", cells)) == 1
    assert numbers(sweep(GRID)) == (80, 80, 0, 0)
    assert raw(place) == raw(tmp_path / "other")


def test_where_nothing_is_left_nobody_is_asked(sweep):
    sweep(GRID)
    assert numbers(sweep(GRID, resume=True, crew=Crew(lambda: None))) == (80, 80, 0, 80)


def test_a_file_of_results_that_fills_the_disk_keeps_the_earlier_ones(sweep, place, monkeypatch):
    from untrained.sims.experiments import store

    sweep("n=1")

    def full(self, study, ended):
        self._connection.execute("PRAGMA max_page_count = 1")
        raise store.sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store.Store, "add", full)
    with pytest.raises(ValueError, match=r"database or disk is full.*kept"):
        sweep("n=1,2", resume=True)
    assert len(raw(place)) == 4


def test_processes_give_results_and_exceptions_and_outlive_a_death():
    with Processes(1) as executor:
        assert executor.submit(abs, -3).result() == 3
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()
        with pytest.raises(WorkerDiedError, match="its worker was killed by SIGKILL"):
            executor.submit(kill_itself).result()
        with pytest.raises(WorkerDiedError, match="its worker ended with exit code 7"):
            executor.submit(os._exit, 7).result()
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            executor.submit(lambda: 1).result()
        first = executor.submit(os.getpid).result()
        assert executor.submit(os.getpid).result() == first != os.getpid()
        assert executor.submit(threads).result() == "1"
        left = executor.submit(abs, -4)
    assert left.result() == 4
    with pytest.raises(RuntimeError, match="before shutdown"):
        executor.submit(abs, 1)


def threads():
    return os.environ["OMP_NUM_THREADS"]


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def test_killing_processes_ends_calls_at_once():
    executor = Processes(1)
    assert executor.submit(abs, -1).result() == 1
    long, queued = executor.submit(signal.pause), executor.submit(abs, -2)
    while not long.running():
        time.sleep(0.01)
    executor.kill()
    assert queued.cancelled()
    with pytest.raises(WorkerDiedError):
        long.result()


@pytest.mark.parametrize("make", [processes, Processes])
def test_no_workers_are_refused(make):
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        make(0)


def test_there_is_a_process_per_core_and_two_groups_for_each():
    assert processes().room() == 2 * cores() >= 2


def test_a_scheduler_without_its_library_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'untrained\[cluster\]'"), cluster("tcp://127.0.0.1:9"):
        pass


def test_a_result_says_where_and_how_long(sweep, place):
    sweep("n=1 x=1")
    ((seconds, worker, device),) = set(raw(place, "0 <= seconds, worker, device"))
    assert (seconds, device) == (1, "cpu")
    assert worker.endswith(f":{os.getpid()}")
    assert CellOutcome("done", "{}", None, 0.0, worker, device).outcome == "done"


def test_rows_of_another_version_stay_in_the_file_and_are_not_given_out(sweep, place):
    sweep("n=1")
    newer, cells = dataclasses.replace(load_study(TINY), version=2), make_grid(load_study(TINY), "n=1")
    assert numbers(run_cells(newer, TINY, cells, place)) == (4, 4, 0, 0)
    assert len(raw(place)) == 8
    assert len(rows(place)) == 4
    assert {laws for (laws,) in raw(place, "laws")} == {"1", "2"}


def test_in_this_process_the_rows_are_the_same_and_each_call_can_be_followed(sweep, place, tmp_path):
    names = []

    @contextmanager
    def open_progress(name):
        names.append(name)
        yield None

    sweep(GRID)
    cells = make_grid(load_study(TINY), GRID)
    assert numbers(run_tiny(cells, tmp_path / "other", open_progress=open_progress)) == (80, 80, 0, 0)
    assert raw(tmp_path / "other") == raw(place)
    assert names == ["tiny"] * 80


def test_cells_may_be_computed_anew_in_place_of_those_there(sweep, place):
    sweep("n=1 x=1")
    cells = make_grid(load_study(TINY), "n=1 x=1")
    assert numbers(run_cells(load_study(TINY), TINY, cells, place, existing="replace")) == (2, 2, 0, 0)
    assert {number for (number,) in raw(place, "run")} == {2}


def test_a_sweep_gives_its_rows_and_its_table(place):
    states = []
    chosen = make_sweep(TINY, "n=1,2 x=1", 1, place)
    summary = chosen.run(0, follow=states.append)
    assert [(row["n"], row["seed"]) for row in chosen.rows()] == [(1, 0), (2, 0)]
    assert (chosen.table(), summary.done, states[-1]) == ([], 2, summary)
    assert make_sweep(TINY, "n=1,2 x=1", 1, place).run(0, resume=True).before == 2


def test_who_computes_must_be_clear(place):
    chosen = make_sweep(TINY, store=place)
    with pytest.raises(ValueError, match="workers must not be given beside a scheduler"):
        chosen.run(1, "tcp://h:1")
    with pytest.raises(ValueError, match="workers must be at least 0, got -1"):
        chosen.run(-1)
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, auto, got 'tpu'"):
        chosen.run(device="tpu")
