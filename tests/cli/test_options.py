import subprocess
import sys
from pathlib import Path

import pytest
import typer

from untrained.cli.options import (
    DEVICE_NAMES,
    OPERATOR_NAMES,
    PRESET_NAMES,
    TASK_NAMES,
    check_names,
    count_or_share,
    with_options,
)
from untrained.sims.choices import check_choice, nearest_choice
from untrained.sims.operators import OPERATORS
from untrained.sims.recovery.methods import METHODS
from untrained.sims.recovery.tasks import TASKS
from untrained.sims.runtime import DEVICES

ROOT = Path(__file__).parents[2]
FLAGS = {"seed": "--seed", "at_once": "--at-once", "m": "--m", "operator": "--operator", "size": "--size"}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("seed must be at least 0, got -1", "--seed must be at least 0, got -1"),
        ("at_once must be at least 1", "--at-once must be at least 1"),
        ("operator and m must be given, got no m", "--operator and --m must be given, got no m"),
        ("operator, m and size must be given", "--operator, --m and --size must be given"),
        ("operator is for an image", "--operator is for an image"),
        ("steps must be given", "steps must be given"),
        ("the seed must be given", "the seed must be given"),
        ("it does not fit; try a smaller `size` or `m`", "it does not fit; try a smaller --size or --m"),
        ("`steps` is no option", "`steps` is no option"),
    ],
)
def test_arguments_become_the_options_of_the_command(sentence, expected):
    assert with_options(sentence, FLAGS) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [("400", 400), ("-3", -3), ("0", 0), ("10%", 0.1), ("0.1", 0.1), (".5", 0.5), ("1e-7", 1e-7), ("12.5 %", 0.125)],
)
def test_a_whole_number_counts_and_a_fraction_is_a_share(text, value):
    assert (count_or_share(text), type(count_or_share(text))) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", "%", "x", "0%", "0.0", "1.0", "100%", "150%", "-0.1", "-5%", "nan", "inf", "10%%"]
)
def test_what_is_neither_a_count_nor_a_share_is_refused(text):
    with pytest.raises(typer.BadParameter, match="must be a whole number, or a share above 0 and below 1"):
        count_or_share(text)


def test_the_names_that_are_checked_early_are_those_there_are():
    presets = {name for method in METHODS.values() for name in method.presets()}
    assert (set(PRESET_NAMES), DEVICE_NAMES, TASK_NAMES) == (presets, DEVICES, TASKS)
    assert OPERATOR_NAMES.split(", ") == list(OPERATORS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"operator": "gausian"}, "^operator must be one of .*, got 'gausian'; did you mean gaussian\\?$"),
        ({"method": "TV"}, "got 'TV'; did you mean tv\\?$"),
        ({"compare": "csdip, dmap"}, "^method of `compare` must be .*got 'dmap'; did you mean damp\\?$"),
        ({"compare": "tv,"}, "^method of `compare` must be one of .*, got ''$"),
        ({"preset": "fst"}, "did you mean fast"),
        ({"task": "denoize"}, "did you mean denoise"),
        ({"device": "gpu"}, "did you mean cuda"),
        ({"method": "xyz"}, "got 'xyz'$"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_one_meant(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_names(arguments)


def test_what_may_be_a_file_is_left_to_the_command():
    check_names({"operator": "mine.py:make", "method": None, "device": "auto", "compare": "tv,csdip", "other": "x"})
    check_names({"operator": "./gausian"})


def test_only_what_is_there_is_meant():
    assert nearest_choice("gpu", ["cpu", "cuda"]) == "cuda"
    assert nearest_choice("gpu", ["cpu"]) == "cpu"
    assert nearest_choice("q", ["cpu"]) is None
    check_choice("device", "cpu", ["cpu"])


@pytest.mark.parametrize(
    "words",
    [
        "measure x.png --operator gausian --m 4 -o y.npz",
        "reconstruct x.npz --method dmap -o x.png",
        "reconstruct x.npz --preset fst -o x.png",
        "reconstruct x.npz --task denose -o x.png",
        "learn-prior x.npz --device gpu -o p.npz",
    ],
)
def test_a_misspelt_name_loads_neither_torch_nor_numpy(words):
    code = (
        "import sys; from untrained import cli; sys.argv = ['untrained', *sys.argv[1:]]\n"
        "try: cli.main()\n"
        "finally: print(sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code, *words.split()], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "[]\n")
    assert "did you mean" in ended.stderr
