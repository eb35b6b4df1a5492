"""Processes killed at random moments: no cell is lost, none is there twice, and no digit is another."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import FOLDER, ROOT, raw

GRID = "n=1:10:10 x=0:1:60 sleep=0.005"
CELLS = 10 * 60 * 2
KILLS = 20


def start(place):
    command = [sys.executable, FOLDER / "client.py", place, GRID, "2"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def count(place):
    if not place.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM cells").fetchone()[0]
    except sqlite3.OperationalError:  # the file is there and its tables are not yet
        return 0


def workers_of(client):
    """The processes that compute for a client; none where it has just ended."""
    pids = []
    try:
        for task in Path(f"/proc/{client.pid}/task").iterdir():
            pids += map(int, (task / "children").read_text().split())
        return [one for one in pids if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end between opening and reading
        return False


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("nothing came of it")


@pytest.fixture
def undisturbed(sweep, tmp_path, monkeypatch):
    place = tmp_path / "undisturbed.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda seconds: None)
        sweep(GRID, store=place)
    assert len(raw(place)) == CELLS
    return place


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the children of a process are read from /proc")
def test_clients_and_workers_killed_at_random_moments_change_nothing(place, undisturbed):
    moments, killed, orphans = random.Random(20), 0, []
    for _ in range(KILLS):
        before = count(place)
        client = start(place)
        wait_until(lambda client=client, before=before: count(place) > before or client.poll() is not None)
        time.sleep(moments.uniform(0.0, 0.05))
        orphans += workers_of(client)
        client.kill()
        killed += client.wait() == -signal.SIGKILL
    assert killed == KILLS
    assert 0 < count(place) < CELLS
    wait_until(lambda: not any(alive(pid) for pid in orphans))
    client, murdered = start(place), 0
    while client.poll() is None:
        before = count(place)
        wait_until(lambda before=before: count(place) > before or client.poll() is not None)
        time.sleep(moments.uniform(0.0, 0.05))
        if murdered < KILLS and (workers := workers_of(client)):
            os.kill(moments.choice(workers), signal.SIGKILL)
            murdered += 1
    assert client.wait() == 0
    assert murdered > 3
    assert start(place).wait() == 0  # a cell beside whose worker two kills fell is failed, and tried again
    cells = raw(place)
    assert len(cells) == CELLS
    assert cells == raw(undisturbed)
