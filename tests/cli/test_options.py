import pytest

from untrained.cli.options import with_options

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
