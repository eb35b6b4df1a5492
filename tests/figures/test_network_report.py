from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from untrained.figures.network_report import comparison, page, page_places, report_parts, shorten, write_pages
from untrained.figures.tables import number, text_of
from untrained.sims.diagnosis.conditions import denoises
from untrained.sims.diagnosis.report import Curves, Prediction, Quantity, Report


def made(name="net", h=3, w=4):
    n = h * w
    curves = Curves(
        (np.arange(1.0, n + 1), np.geomspace(9, 0.1, n)), 0.5, np.arange(4),
        {"image": (np.ones(4), np.ones(4)), "noise": (np.ones(4), np.ones(3))},
        np.eye(n)[:, :8], {"target": np.zeros((1, h, w))},
    )  # fmt: skip
    facts = {"output": (1, h, w), "image": (1, h, w), "n": n, "weights": 7, "exact": True, "seeds": 2, "notes": ["so"]}
    quantities = [
        Quantity("sigma_max(J)", (1.0, 2.0), (1.4, 1.0, 2.0)),
        Quantity("sigma_min(J)", (0.5,), None, ((0, 0.6),)),
    ]
    predictions = [Prediction("fit time of noise", "steps", float("inf"), float("nan"))]
    return Report(name, facts, quantities, [denoises(0.7, 1.0, 100)], predictions, "Words.", curves)


def test_a_report_is_printed_whole():
    text = text_of(report_parts(made()))
    for part in ("net", "n = 12", "1.4 (1, 2)", "0.5 [0, 0.6]", "denoising", "SUPPORTED", "+3.1 dB", "never", "Words."):
        assert part in text


def test_several_networks_stand_beside_each_other():
    text = comparison([made("one"), made("two")]).text()
    assert "one" in text.splitlines()[0]
    assert "two" in text.splitlines()[0]
    assert text.count("SUPPORTED") == 2


def test_numbers_that_never_come_are_words():
    assert [number(value) for value in (1234.5, float("inf"), float("nan"))] == ["1.23e+03", "never", "-"]


@pytest.mark.parametrize("shape", [(3, 4), (1, 12)])
def test_the_page_shows_spectrum_fits_and_pictures(shape):
    figure = page(made("net", *shape))
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert any("eigenvectors" in title for title in titles)
    assert sum(len(part.axes) for part in figure.subfigs) >= 10


def test_the_page_has_verdicts_numbers_and_words():
    texts = [text.get_text() for text in page(made()).findobj(Text)]
    assert {"SUPPORTED", "denoising", "sigma_max(J)", "1.4 (1, 2)", "never, -", "Words."} <= set(texts)
    assert shorten("a long text", 6) == "a lon\u2026"


def test_what_descent_made_is_scored_against_the_target():
    report = made()
    pictures = {"target": np.zeros((1, 3, 4)), "noisy": np.full((1, 3, 4), 0.5)}
    figure = page(replace(report, curves=replace(report.curves, pictures=pictures)))
    titles = [axes.get_title() for axes in figure.subfigs[-1].axes]
    assert titles[:2] == ["target", "noisy\nMSE 0.25"]


def test_pages_are_written_under_the_names_of_networks(tmp_path):
    assert write_pages([made()], tmp_path / "p.png") == [tmp_path / "p.png"]
    both = write_pages([made("a.py:net"), made("b")], tmp_path / "p.svg")
    assert [path.name for path in both] == ["p-a-py-net.svg", "p-b.svg"]
    assert all(path.stat().st_size > 1000 for path in both)
    assert [path.name for path in page_places(["a-b.py:f", "a_b.py:f"], tmp_path / "p.png")] == [
        "p-1-a-b-py-f.png",
        "p-2-a-b-py-f.png",
    ]
