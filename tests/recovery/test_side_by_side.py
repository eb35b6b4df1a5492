import io
import math
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from untrained.figures.drawing import PICTURE_SUFFIXES, picture_bytes
from untrained.figures.side_by_side import caption, measured_words, method_table, side_by_side

SCORES = {"mse": 0.012345, "nmse": 0.03, "psnr": 25.106, "ssim": 0.8765, "data_range": 2.0}


def an_entry(name, scores=SCORES, **changes):
    plain = {"method": name, "scores": scores, "misfit": 0.5, "steps": 40, "seconds": 12.34, "outcome": "steps ended"}
    return {**plain, **changes}


def an_image(channels=1, height=8, width=8, value=0.0):
    return np.full((channels, height, width), value, dtype=np.float32)


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def test_the_truth_comes_first_and_every_method_stands_under_its_name():
    entries = [(an_entry("csdip"), an_image(value=0.5)), (an_entry("tv"), an_image(value=-1))]
    cells = panels(side_by_side(entries, an_image(value=1)))
    assert [axes.get_title() for axes in cells] == ["truth", "csdip", "tv", "", ""]
    assert [float(axes.images[0].get_array()[0, 0]) for axes in cells] == [1.0, 0.75, 0.0, 0.25, 1.0]
    assert [axes.images[0].get_clim() for axes in cells[3:]] == [(0, 1), (0, 1)]
    assert [axes.get_xlabel() for axes in cells[3:]] == ["mean error 0.25", "mean error 1"]
    assert cells[0].get_xlabel() == ""
    assert "MSE 1.23e-02" in cells[1].get_xlabel()


def test_without_a_truth_there_are_seconds_only():
    (axes,) = panels(side_by_side([(an_entry("csdip", None), an_image())]))
    assert axes.get_xlabel() == "12.3 s"


def test_black_and_white_are_those_of_the_scale_whatever_the_image_holds():
    (axes,) = panels(side_by_side([(an_entry("tv"), an_image(value=0.25))]))
    assert axes.images[0].get_clim() == (0, 1)
    (beyond,) = panels(side_by_side([(an_entry("tv"), an_image(value=7))]))
    assert float(beyond.images[0].get_array().max()) == 1.0


def test_colours_are_shown_as_colours():
    image = np.stack([np.full((4, 6), value, dtype=np.float32) for value in (-1, 0, 1)])
    (axes,) = panels(side_by_side([(an_entry("csdip"), image)]))
    assert axes.images[0].get_array().shape == (4, 6, 3)
    np.testing.assert_allclose(axes.images[0].get_array()[0, 0], [0, 0.5, 1])


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (4, (1, 4)), (5, (1, 5)), (6, (2, 3)), (9, (2, 5))])
def test_panels_stand_in_even_rows_of_five_at_most(count, grid):
    figure = side_by_side([(an_entry(f"m{i}"), an_image()) for i in range(count)])
    places = figure.axes[0].get_subplotspec().get_gridspec()
    assert (places.nrows, places.ncols) == grid
    assert len(panels(figure)) == count
    assert not any(axes.axison for axes in figure.axes if not axes.images)


def test_the_least_error_is_bold_and_what_was_measured_is_said():
    entries = [(an_entry("csdip"), an_image()), (an_entry("tv", {**SCORES, "mse": 0.001}), an_image())]
    figure = side_by_side(entries, an_image(), "gaussian, m = 3 of n = 64 (4.69 %)")
    weights = {axes.get_title(): axes.title.get_fontweight() for axes in panels(figure) if axes.get_title()}
    assert weights == {"truth": "normal", "csdip": "normal", "tv": "bold"}
    assert figure.get_suptitle() == "gaussian, m = 3 of n = 64 (4.69 %)"


def test_an_operator_is_told_with_its_ratio():
    assert measured_words(SimpleNamespace(name="gaussian", m=3, n=64)) == "gaussian, m = 3 of n = 64 (4.69 %)"


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="at least one image, got none"):
        side_by_side([])


@pytest.mark.parametrize("outcome", ["interrupted", "diverged at step 7"])
def test_an_end_that_should_not_be_is_told_under_the_image(outcome):
    assert caption(an_entry("csdip", outcome=outcome)).endswith(f"\n{outcome}")
    assert "steps ended" not in caption(an_entry("csdip"))


def test_scores_that_are_not_finite_are_a_dash():
    assert "- dB, SSIM -" in caption(an_entry("tv", {**SCORES, "psnr": None, "ssim": None}))


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_the_same_images_give_the_same_bytes(suffix):
    def made(value):
        return picture_bytes(side_by_side([(an_entry("csdip"), an_image(value=value))], an_image()), suffix)

    assert made(0.5) == made(0.5)
    assert made(0.5) != made(-0.5)


def test_the_picture_is_a_picture_with_the_pixels_in_it():
    figure = side_by_side([(an_entry("csdip"), an_image(value=-1))])
    picture = np.asarray(Image.open(io.BytesIO(picture_bytes(figure, ".png"))).convert("L"))
    assert min(picture.shape) > 100
    # An image all black fills most of its panel, which is more than a third of the picture.
    assert (picture == 0).mean() > 0.33


def test_another_suffix_is_refused():
    with pytest.raises(ValueError, match=r"must end in \.png, \.pdf, \.svg, got '\.gif'"):
        picture_bytes(side_by_side([(an_entry("csdip"), an_image())]), ".gif")


def test_no_text_is_cut_off_or_lies_on_another():
    figure = side_by_side([(an_entry(f"lasso-wavelet {i}"), an_image()) for i in range(5)], an_image())
    figure.draw_without_rendering()
    texts = [text for axes in panels(figure) for text in (axes.title, axes.xaxis.label) if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    assert all(figure.bbox.x0 <= b.x0 and b.x1 <= figure.bbox.x1 and figure.bbox.y0 <= b.y0 for b in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def printed(entries):
    return [line.split() for line in method_table(entries).text().splitlines()]


def test_the_table_has_a_row_a_method():
    head, first, second = printed([an_entry("csdip"), an_entry("tv", {**SCORES, "psnr": None}, misfit=None)])
    assert head == ["method", "MSE", "PSNR", "SSIM", "misfit", "steps", "seconds", "outcome"]
    assert first == ["csdip", "0.01235", "25.11", "0.876", "0.5", "40", "12.3", "steps", "ended"]
    assert second[2:5] == ["-", "0.876", "-"]


def test_the_table_has_no_scores_without_a_truth():
    head, row = printed([an_entry("csdip", None)])
    assert head == ["method", "misfit", "steps", "seconds", "outcome"]
    assert row[:2] == ["csdip", "0.5"]
    assert not math.isnan(float(row[1]))
