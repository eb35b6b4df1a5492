"""What a reviewer of the figures looks for: letters, sizes, colours for every eye, counts, claims and their words."""

import os
import re
import subprocess
import sys
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from tests.figures.made_figures import made
from untrained.figures.draw import draw, figure_names, make
from untrained.figures.drawing import bare, caption_of, looks
from untrained.figures.style import FULL, HALF, MARKS, SHADES, VERDICTS, shades
from untrained.sims.record.store import read_all
from untrained.theory.ledger import ledger

DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
"""Of linear RGB. Source: G. M. Machado, M. M. Oliveira and L. A. F. Fernandes 2009, Table 1, severity 1."""
JUST_NOTICED = 2.3
"""Distance in CIELAB that is just noticed (M. Mahy, L. Van Eycken and A. Oosterlinck 1994); 5 of them are plain."""
ONE_PAGE = ("ledger",)
WITHOUT_PANELS = ("ledger", "brackets", "recipes_mnist", "recipes_xray", "recipes_retina", "recipes_fourier")
"""Tables and pictures, which have names in place of letters."""


def lab(colour, view=None):
    """CIELAB of a colour under D65, seen through a matrix on linear RGB."""
    rgb = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])
    rgb = np.clip(np.array(view) @ rgb, 0, 1) if view is not None else rgb
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = [t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in xyz / (0.9505, 1, 1.089)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other):
    """The least distance of two colours over the three kinds of vision."""
    return min(float(np.linalg.norm(lab(one, v) - lab(other, v))) for v in (None, DEUTERANOPIA, PROTANOPIA))


def series(axes):
    """(marker, fill, dashes, colour) of each line but the caps of bars and lines that only lead the eye."""
    for line in axes.get_lines():
        marker, dash = line.get_marker(), line._dash_pattern[1]
        if marker in ("|", "_") or (marker == "None" and line.get_linestyle() == "None"):
            continue
        hollow = to_hex(line.get_markerfacecolor()) != to_hex(line.get_color()) if marker != "None" else False
        yield marker, hollow, tuple(dash or ()) if marker == "None" else (), to_hex(line.get_color())


def test_distances_are_those_of_known_colours():
    assert lab("white") == pytest.approx([100, 0, 0], abs=0.1)
    assert lab("red") == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    assert distance("#ff0000", "#8f7d00") < 0.4 * float(np.linalg.norm(lab("#ff0000") - lab("#8f7d00")))


@pytest.mark.parametrize("name", figure_names())
def test_series_with_one_marker_differ_in_colour_for_every_eye(name):
    for axes in made(name).axes:
        for (*one, c), (*other, d) in combinations(sorted(set(series(axes))), 2):
            if one == other and one[0] != "None":
                assert distance(c, d) > 5 * JUST_NOTICED, (axes.get_title("left"), one, c, d)


def test_levels_of_an_ordered_quantity_grow_lighter_and_have_markers_of_their_own():
    assert len(set(MARKS)) == len(MARKS) == len(SHADES)
    for count in range(1, len(SHADES) + 1):
        pairs = shades(count)
        light = [lab(colour)[0] for colour, _ in pairs]
        assert all(b - a > 5 for a, b in pairwise(light))
        assert len({mark for _, mark in pairs}) == len(pairs) == count
        assert light[-1] < 80
    assert looks([]) == {}
    with pytest.raises(ValueError, match=r"^count must be between 1 and 6, got 7$"):
        shades(7)


def test_verdicts_differ_in_colour_for_every_eye_or_in_lightness():
    colours = {verdict: colour for verdict, (_, colour) in VERDICTS.items()}
    for one, other in combinations(colours, 2):
        assert np.linalg.norm(lab(colours[one]) - lab(colours[other])) > 20, (one, other)
    assert distance(colours["SUPPORTED"], colours["CONSISTENT"]) > 40
    assert distance(colours["PROVED"], colours["REFUTED"]) > 5 * JUST_NOTICED


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_has_the_width_of_a_page_or_half_of_it_and_letters_of_six_points(name):
    figure = made(name)
    assert figure.get_figwidth() == pytest.approx(8.27 if name in ONE_PAGE else HALF) or figure.get_figwidth() == FULL
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= 6


@pytest.mark.parametrize("name", [name for name in figure_names() if name not in WITHOUT_PANELS])
def test_panels_have_letters_and_say_something(name):
    panels = [axes for axes in made(name).axes if axes.get_xlabel() or axes.get_ylabel() or axes.get_lines()]
    titles = [title for axes in panels if (title := axes.get_title("left")) and not axes.images]
    assert titles
    letters = [match[1] for title in titles if (match := re.match(r"\$\\bf\{(\w)\}\$  \S", title))]
    assert letters == (list("abcdefghijklmnop"[: len(titles)]) if len(titles) > 1 else letters)


@pytest.mark.parametrize("name", [name for name in figure_names() if name not in ("ledger", "brackets")])
def test_a_caption_tells_counts_and_claims_with_their_verdicts(name):
    caption, verdicts = caption_of(made(name)), {key: entry["verdict"] for key, entry in read_all("claim").items()}
    counted = r"\d+ (draws|runs|seeds|images?)\b|, no draws|MSE on \[-1, 1\]|mean over|images a mean"
    assert re.search(counted, caption), caption
    known = sorted(ledger(), key=len, reverse=True)
    named = [one for one in known if re.search(rf"(?<![\w.]){re.escape(one)}(?![\w]|\.\w)", caption)]
    assert named or "No claim" in caption
    for one in named:
        refuted = re.search(rf"{re.escape(one)} \(refuted\)", caption) is not None
        assert refuted == (verdicts[one] == "REFUTED"), one


def test_words_that_look_like_claims_are_claims():
    for name in figure_names():
        for word in re.findall(r"\b(?:vanveen18|jagatap19|heckel20[ab]|own)\.[\w.]*\w", caption_of(made(name))):
            assert word in ledger()


def test_a_bare_figure_has_no_caption_and_is_as_much_shorter():
    figure = make("study_sigma")
    before, lines = figure.get_figheight(), figure.get_supxlabel().count("\n") + 1
    bare(figure)
    assert caption_of(figure) == ""
    assert figure.get_figheight() == pytest.approx(before - 0.08 - lines * 1.3 * 6.3 / 72)
    bare(figure)
    assert figure.get_figheight() < before


def test_another_process_draws_the_same_svg(tmp_path):
    code = "from sys import argv; from pathlib import Path; from untrained.figures.draw import draw; "
    code += "draw(['study_step'], Path(argv[1]))"
    other = {**os.environ, "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other")], check=True, env=other)
    (svg, *_) = draw(["study_step"], tmp_path / "this", formats=["svg"])
    assert svg.read_bytes() == (tmp_path / "other" / "study_step.svg").read_bytes()
    assert b"dc:date" not in svg.read_bytes()
