"""Figures of structural bias: they show the record's numbers and the theory's, and name claims that there are."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from untrained.figures.draw import make
from untrained.sims.record.store import FOLDER, pick, read_all, read_record
from untrained.theory.objects.dual_kernels import basis_spectrum, transfer, triangle_kernel

FIGURES = {
    "heckel20a_fig4": "heckel20a-fig4",
    "heckel20a_fig5": "heckel20a-fig5",
    "dual_kernels": "heckel20a-fig6",
    "heckel20a_fig7": "heckel20a-fig7",
    "heckel20a_fig12": "heckel20a-fig12",
    "frequencies": "frequencies",
    "smooth_interpolation": "interpolation",
}
"""The study that each figure reads."""


def numbers(figure) -> np.ndarray:
    """Every y of every line but 0; the x where a figure's numbers lie across."""
    across = figure.axes[0].get_xlabel().startswith(r"$\|J^Tx")
    lines = [line for axes in figure.axes for line in axes.get_lines()]
    values = np.concatenate([np.asarray(line.get_data()[0 if across else 1], float) for line in lines])
    return values[values != 0]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_changes_with_its_record_and_is_refused_without(name: str, tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    path = Path(shutil.copy(FOLDER / "sweeps" / f"{FIGURES[name]}.json", tmp_path / "sweeps"))
    before = numbers(make(name, tmp_path))
    data = json.loads(path.read_text())
    for row in data["rows"]:
        row.update({key: None if row[key] is None else 0.9 * row[key] for key in ("value", "low", "high")})
    path.write_text(json.dumps(data))
    after = numbers(make(name, tmp_path))
    assert after.shape == before.shape
    assert np.mean(np.isclose(after, before)) < 0.2
    path.unlink()
    with pytest.raises(ValueError, match=f"^study must be one of the record's, got '{FIGURES[name]}'$"):
        make(name, tmp_path)


@pytest.mark.parametrize("name", [*FIGURES, "early_stopping"])
def test_a_caption_names_claims_and_says_which_are_refuted(name: str) -> None:
    caption, verdicts = make(name).get_supxlabel(), {k: v["verdict"] for k, v in read_all("claim").items()}
    named = re.findall(r"((?:own|heckel20[ab])\.[\w.]*\w)(\s+\(refuted\))?", caption)
    assert named
    assert all((verdicts[claim] == "REFUTED") == bool(refuted) for claim, refuted in named)


def marks(axes, along: int = 1) -> list[tuple[tuple[float, float], list[float], bool]]:
    """(x, y), ends of the bar along an axis, and whether the mark is hollow, for each bar."""
    every = []
    for container in axes.containers:
        line, _, (segments, *_) = container.lines
        hollow = line.get_markerfacecolor() == "white"
        for x, y, ends in zip(*line.get_data(), segments.get_segments(), strict=True):
            every.append(((float(x), float(y)), sorted(float(v) for v in ends[:, along]), hollow))
    return every


def curves(axes) -> list[list[tuple[float, float]]]:
    """The points of every line that has some."""
    points = [[(float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)] for line in axes.get_lines()]
    return [each for each in points if each]


def points_of(rows, axis: str) -> list[tuple[float, float]]:
    return sorted((row[axis], row["value"]) for row in rows)


def rows_of(name: str, **where: object):
    return pick(read_record("study", name)["rows"], **where)


def ends_of(rows) -> list[list[float]]:
    return [pytest.approx([row["low"], row["high"]]) for row in rows]


@pytest.mark.parametrize(("place", "level"), [(2, "0.5"), (3, "0.1")])
def test_ratios_are_hollow_where_noise_was_not_fitted_in_every_run(place: int, level: str) -> None:
    bars = sorted(marks(make("heckel20a_fig4").axes[place]))
    rows = sorted(rows_of("heckel20a-fig4", quantity=f"ratio at {level}, at least"), key=lambda row: row["weights"])
    fitted = {
        (row["architecture"], row["width"]): row["value"]
        for row in rows_of("heckel20a-fig4", quantity=f"noise fitted to {level}")
    }
    assert [bar[0] for bar in bars] == points_of(rows, "weights")
    assert [bar[1] for bar in bars] == ends_of(rows)
    assert [bar[2] for bar in bars] == [fitted[row["architecture"], row["width"]] < 1 for row in rows]
    assert len(rows) == 12
    assert len({bar[2] for bar in bars}) == 2


def test_titles_of_ratios_say_what_is_so() -> None:
    rows = {level: rows_of("heckel20a-fig4", quantity=f"ratio at {level}, at least") for level in ("0.5", "0.1")}
    low = lambda level, name: min(row["low"] for row in pick(rows[level], architecture=name))  # noqa: E731
    high = lambda level, name: min(row["high"] for row in pick(rows[level], architecture=name))  # noqa: E731
    assert min(low("0.5", name) for name in ("deep decoder", "fixed convolutions", "deconvolutions")) > 1.5
    assert high("0.5", "trained convolutions") < 1
    assert min(low("0.1", name) for name in ("deep decoder", "fixed convolutions")) > 1.5
    assert max(high("0.1", name) for name in ("deconvolutions", "trained convolutions")) < 1


@pytest.mark.parametrize(("place", "architecture"), [(0, "deep decoder"), (1, "trained convolutions")])
def test_losses_are_of_image_and_noise_by_width(place: int, architecture: str) -> None:
    lines = curves(make("heckel20a_fig4").axes[place])
    for target in ("shepp-logan", "noise"):
        for width in (24, 48, 96):
            rows = rows_of("heckel20a-fig4", quantity="loss", architecture=architecture, target=target, width=width)
            assert points_of([row for row in rows if row["step"]], "step") in lines


def test_marks_of_descent_lie_on_the_lines_of_its_filters() -> None:
    axes = make("heckel20a_fig5").axes[0]
    rows = [row for row in rows_of("heckel20a-fig5", quantity="error") if row["tau"]]
    for gradient in ("published", "exact"):
        for source in ("exact law", "mean over z"):
            assert points_of(pick(rows, source=source, gradient=gradient), "tau") in curves(axes)
    assert sorted(at for at, _, _ in marks(axes)) == points_of(pick(rows, source="simulation"), "tau")
    exact = points_of(pick(rows, source="exact law"), "tau")
    assert np.allclose(exact, sorted(at for at, _, _ in marks(axes)), rtol=1e-5)


def test_spectra_are_exact_and_the_notebook_has_a_third_of_their_ends() -> None:
    figure = make("dual_kernels")
    for line, family in enumerate((("delta", "triangle-10", "triangle-30"), ("gaussian-0.005", "gaussian-0.05"))):
        spectra = figure.axes[3 * line + 2]
        for kernel in family:
            for axes, quantity in zip(figure.axes[3 * line :][:3], ("kernel", "dual", "value"), strict=True):
                assert points_of(rows_of("heckel20a-fig6", quantity=quantity, kernel=kernel), "place") in curves(axes)
            values = dict(points_of(rows_of("heckel20a-fig6", quantity="value", kernel=kernel), "place"))
            crosses = [line.get_data() for line in spectra.get_lines() if line.get_marker() == "x"]
            crosses = [(float(x[0]), float(y[0])) for x, y in crosses if len(x)]
            for end in (max(values, key=values.get), min(values, key=values.get)):
                assert any(x == end and y == pytest.approx(values[end] / 3, rel=1e-5) for x, y in crosses)


def test_energies_of_step_and_noise_stand_at_their_times() -> None:
    spectrum, energies = make("heckel20a_fig7").axes
    moments = [("before", 75), ("after", 75), ("after", 3500)]
    for time, (when, steps) in enumerate(moments):
        rows = rows_of("heckel20a-fig7", when=when, steps=steps)
        assert points_of(pick(rows, quantity="value"), "place") in curves(spectrum)
        bars = [(at[1], ends) for at, ends, _ in marks(energies) if at[0] == time]
        wanted = [row for name in ("step", "noise") for row in pick(rows, quantity=name)]
        assert bars == [(row["value"], ends) for row, ends in zip(wanted, ends_of(wanted), strict=True)]
    tails = [
        rows_of("heckel20a-fig7", quantity="value", when=when, steps=steps, place=96)[0] for when, steps in moments
    ]
    assert tails[1]["high"] < tails[2]["low"]
    assert tails[1]["high"] < tails[0]["low"]
    before = [rows_of("heckel20a-fig7", when="before", steps=steps) for steps in (75, 3500)]
    same = [[(row["quantity"], row["place"], row["value"]) for row in rows] for rows in before]
    assert same[0] == same[1]


def test_every_ratio_of_jacobian_norms_has_its_middle_95_percent() -> None:
    axes = make("heckel20a_fig12").axes[0]
    rows = sorted(rows_of("heckel20a-fig12", quantity="ratio"), key=lambda row: row["value"])
    bars = sorted((at[0], ends) for at, ends, _ in marks(axes, along=0))
    assert [x for x, _ in bars] == [row["value"] for row in rows]
    assert [ends for _, ends in bars] == ends_of(rows)
    assert [len(axes.containers), len(axes.get_yticks())] == [12, 4]


def test_every_band_of_every_network_is_drawn() -> None:
    places = make("frequencies").axes
    networks = ("conv-decoder", "conv-generator", "skip-unet", "dcgan", "no mixing")
    for row, target in enumerate(("noise", "camera")):
        for axes, network in zip(places[5 * row :][:5], networks, strict=True):
            wanted = [
                points_of([r for r in rows_of("frequencies", **at) if r["step"]], "step")
                for at in ({"quantity": "left", "target": target, "network": network, "band": b} for b in range(4))
            ]
            assert curves(axes) == wanted


@pytest.mark.parametrize(("place", "half_width"), [(0, 10), (1, 50)])
def test_risk_is_that_of_its_definition_and_the_theorem_stops_too_soon(place: int, half_width: int) -> None:
    """n = 300, noise of norm 1/2, five equal coefficients: each leaves (1 - eta s)^tau of itself."""
    lines = {line.get_label(): np.array(line.get_data()) for line in make("early_stopping").axes[place].get_lines()}
    u = triangle_kernel(300, half_width)
    s, eta = basis_spectrum(u), 1 / transfer(u).max() ** 2
    x = np.where(np.arange(300) < 5, 5**-0.5, 0.0)
    part = {
        "signal missing": lambda t: sum(((1 - eta * a) ** t * b) ** 2 for a, b in zip(s, x, strict=True)),
        "noise let in": lambda t: sum((1 - (1 - eta * a) ** t) ** 2 for a in s) * 0.25 / 300,
    }
    for name, law in part.items():
        t, values = lines[name]
        assert values[::11] == pytest.approx([law(one) for one in t[::11]], rel=1e-9, abs=1e-15)
    t, risk = lines["risk"]
    assert risk == pytest.approx(lines["signal missing"][1] + lines["noise let in"][1])
    (best, least), (tau, missing) = (lines[name][:, 0] for name in ("best time", r"missing at the theorem's $\tau$"))
    assert least == pytest.approx(min(sum(law(one) for law in part.values()) for one in range(1, 60)))
    assert lines["Wiener filter"][1][0] == pytest.approx(sum(b**2 * 0.25 / 300 / (b**2 + 0.25 / 300) for b in x))
    assert lines["Wiener filter"][1][0] < least
    assert tau == pytest.approx(np.log(1 - (5 / 300) ** 0.5) / np.log(1 - eta * np.sort(s)[-6]))
    assert missing == pytest.approx(part["signal missing"](tau))
    assert missing > 30 * least
    assert tau < best / 10


def test_interpolation_is_drawn_as_recorded_and_noise_peaks_at_n() -> None:
    axes = make("smooth_interpolation").axes[0]
    for noise in (0.0, 0.1):
        rows = rows_of("interpolation", noise=noise)
        law = points_of(pick(rows, source="equivalent"), "m")
        assert law in curves(axes)
        simulation = {row["m"]: row for row in pick(rows, source="simulation")}
        assert all(0.98 * simulation[m]["low"] <= value <= 1.02 * simulation[m]["high"] for m, value in law)
        assert set(points_of(pick(rows, source="simulation"), "m")) <= {at for at, _, _ in marks(axes)}
        values = [value for _, value in law]
        assert values[-1] == (max if noise else min)(values)
    for source in ("range finder", "constant 1"):
        bound = points_of(rows_of("interpolation", source=source), "m")
        assert bound in curves(axes)
        errors = dict(points_of(rows_of("interpolation", source="simulation", noise=0.0), "m"))
        assert all(value > errors[m] for m, value in bound)


def test_theory_and_draws_have_names_of_their_own() -> None:
    (legend,) = make("smooth_interpolation").legends
    names = [text.get_text() for text in legend.get_texts() if text.get_text()]
    assert len(set(names)) == len(names) == 8
    assert {"simulation", "theory", "no noise", "equivalent, no noise"} <= set(names)
