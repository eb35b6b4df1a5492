"""The command line run in this process."""

import sys
import types

import pytest

from untrained import cli


@pytest.fixture
def untrained(monkeypatch, capsys):
    """A function that runs `untrained` with arguments, and returns its exit code and what it printed."""

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["untrained", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return types.SimpleNamespace(returncode=ended.value.code, stdout=out, stderr=err)

    return of
