import pytest
import typer

from untrained.cli.options import count_or_share, with_options

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
