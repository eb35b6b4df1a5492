# ruff: noqa: E402  # the number of threads is settled before anything imports numpy
import os
import signal

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what runs in the background so, and the commands that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

import hypothesis
import pytest

hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def record():
    """The committed record: entry by claim id."""
    from untrained.sims.record.store import read_all

    return read_all("claim")


def pytest_terminal_summary(terminalreporter):
    """Count the functions behind the cases: a parametrised test is one function and many cases."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    cases = {report.nodeid for report in reports if report.when == "call"}
    functions = {nodeid.partition("[")[0] for nodeid in cases}
    if cases:
        terminalreporter.write_line(f"{len(functions)} test functions ran as {len(cases)} cases.")
