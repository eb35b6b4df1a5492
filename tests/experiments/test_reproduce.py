import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from rich.console import Console

import untrained
from tests.experiments.small_recipes import HALF, LEARNING, SETUPS, WHOLE, Workshop, images, recipe, write_images
from untrained import cli
from untrained.figures.recipe_tables import recipe_parts
from untrained.figures.tables import text_of
from untrained.sims.experiments.recipes import compute, learning, reproduction
from untrained.sims.experiments.recipes.cells import image_seed
from untrained.sims.experiments.recipes.compute import PICTURED, measured
from untrained.sims.experiments.recipes.recipe import Algorithm, Learned, Setup
from untrained.sims.experiments.recipes.reproduction import make_recipe_run
from untrained.sims.experiments.recipes.summary import rows
from untrained.sims.record import store
from untrained.sims.recovery import methods

CPU = torch.device("cpu")
RECIPES = (
    recipe(),
    recipe("narrow", setups=SETUPS[:1]),
    recipe("gain", "gains", algorithms=(WHOLE, LEARNING), first=2),
)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache folder, and a small set of images where any process finds it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path))
    write_images(tmp_path)
    return tmp_path / "cache" / "untrained"


@pytest.fixture
def known(monkeypatch):
    """The recipes that are known by name: small ones, of which two share half of their cells."""
    recipes = {r.name: r for r in RECIPES}
    monkeypatch.setattr(reproduction, "ALL_RECIPES", recipes)
    return recipes


@pytest.fixture
def workshop(monkeypatch, cache, known):
    """Two small methods."""
    small = Workshop()
    monkeypatch.setattr(methods, "METHODS", {"whole": small.method("whole"), "half": small.method("half")})
    return small


def go(*names, resume=False, follow=None, **options):
    """Run recipes in this process, and return the reproduction and its rows."""
    chosen = make_recipe_run(*names, **options)
    summary = chosen.run(device="cpu", resume=resume, follow=follow)
    assert summary.failed == 0
    return chosen, chosen.rows()


def stored(cache):
    """How many cells lie in the store."""
    with closing(sqlite3.connect(cache / "recipes.sqlite")) as connection:
        return connection.execute("SELECT count(row) FROM cells").fetchone()[0]


def numbers(cell_rows):
    return {cell: {k: v for k, v in row.items() if k != "seconds"} for cell, row in cell_rows.items()}


def test_every_cell_is_computed_once_and_stored(workshop, cache):
    chosen, cell_rows = go("small")
    assert len(workshop.calls) == len(cell_rows) == len(chosen.keys) == 4 * 2 * 2
    assert stored(cache) == 16
    with closing(sqlite3.connect(cache / "recipes.sqlite")) as connection:
        assert {key for (key,) in connection.execute("SELECT key FROM cells")} == set(chosen.keys.values())


def test_every_method_is_given_the_very_same_measurement(workshop):
    _, cell_rows = go("small")
    pairs = {}
    for settings, fingerprint, y, seed in workshop.calls:
        pairs.setdefault((fingerprint, seed), []).append((settings.share, y))
    assert len(pairs) == 4 * 2
    for (share, y), (other, z) in pairs.values():
        assert {share, other} == {0.5, 1.0}
        assert torch.equal(y, z)
    assert len({(cell.image, cell.setup, row["measurement"]) for cell, row in cell_rows.items()}) == 8


def test_an_image_is_measured_once_for_all_algorithms(workshop, monkeypatch):
    times, plain = [], measured
    monkeypatch.setattr(compute, "measured", lambda *arguments: (times.append(arguments[2]), plain(*arguments))[1])
    go("small")
    assert len(times) == 4 * 2


def test_each_image_has_a_matrix_of_its_own_but_the_same_in_every_recipe(workshop):
    go("small", "narrow")
    assert len({fingerprint for _, fingerprint, _, _ in workshop.calls}) == 4 * 2
    assert len({seed for *_, seed in workshop.calls}) == 4


def test_what_two_recipes_share_is_computed_once(workshop):
    chosen = make_recipe_run("small", "narrow", "narrow")
    assert len(chosen.keys) == 16
    assert set(chosen.cells["narrow"]) < set(chosen.cells["small"])
    assert [r.name for r in chosen.recipes] == ["small", "narrow"]


def test_resuming_does_nothing_twice_and_takes_over_cells_of_other_recipes(workshop):
    go("narrow")
    assert len(workshop.calls) == 8
    chosen = make_recipe_run("small")
    assert chosen.run(device="cpu", resume=True).before == 8
    assert len(workshop.calls) == 16
    _, cell_rows = go("small", "narrow", resume=True)
    assert len(workshop.calls) == 16
    assert cell_rows == chosen.rows()


def test_without_resuming_everything_is_computed_anew(workshop):
    for _ in range(2):
        go("narrow")
    assert len(workshop.calls) == 16


@pytest.mark.parametrize("how", ["raised", "returned"])
def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(workshop, cache, tmp_path, how):
    def interrupt():
        if how == "raised":
            raise KeyboardInterrupt
        return {"outcome": "interrupted"}

    workshop.does[6] = interrupt
    with pytest.raises(KeyboardInterrupt):
        go("small")
    assert stored(cache) == 5
    chosen = make_recipe_run("small")
    assert len(chosen.rows()) == chosen.status()["done"] == 5
    assert chosen.run(device="cpu", resume=True).before == 5
    assert len(workshop.calls) == 6 + 11
    _, undisturbed = go("small", store=tmp_path / "other.sqlite")
    assert numbers(chosen.rows()) == numbers(undisturbed)


def test_first_images_come_first_so_that_a_part_of_a_run_is_a_smaller_whole(workshop):
    def stop(state):
        if state.done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go("small", follow=stop)
    assert set(make_recipe_run("small").rows()) == set(make_recipe_run("small", images=2).keys)


def test_a_recovery_that_is_not_finite_is_a_row_without_an_error(workshop):
    workshop.does[1] = lambda: {"image": torch.full((1, 8, 8), torch.nan), "outcome": "diverged at step 3"}
    chosen, cell_rows = go("narrow")
    first = next(iter(cell_rows.values()))
    assert (first["mse"], first["picture"], first["outcome"]) == (None, None, "diverged at step 3")
    (record,) = chosen.records()
    point = record["points"][0]
    assert (point["images"], point["scored"], point["outcomes"]) == (4, 3, {"diverged": 1, "steps ended": 3})
    json.dumps(record, allow_nan=False)


def test_the_error_is_that_of_the_image_returned(workshop):
    _, cell_rows = go("small")
    for cell, row in cell_rows.items():
        measurement = measured(images()[cell.image], cell.setup, image_seed("mnist", cell.image), CPU)
        share = 0.5 if cell.algorithm == HALF else 1.0
        x = share * measurement.operator.adjoint(measurement.y)
        assert row["mse"] == pytest.approx(float((x.double() - images()[cell.image].double()).square().mean()))
        assert measurement.noise**2 == pytest.approx(cell.setup.variance)
        assert (row["picture"] is None) == (cell.image >= PICTURED)


@pytest.mark.parametrize("at_once", [1, 3])
def test_images_recovered_side_by_side_give_what_single_ones_do(workshop, tmp_path, monkeypatch, at_once):
    _, alone = go("narrow")
    sizes = []
    plain = workshop.together
    monkeypatch.setattr(workshop, "together", lambda ops, *a, **k: (sizes.append(len(ops)), plain(ops, *a, **k))[1])
    monkeypatch.setattr(methods, "METHODS", {name: workshop.method(name, batches=True) for name in ("whole", "half")})
    _, beside = go("narrow", at_once=at_once, store=tmp_path / "other.sqlite")
    assert sizes == ([] if at_once == 1 else [3, 3])
    assert {row["at_once"] for row in beside.values()} == ({1} if at_once == 1 else {1, 3})
    same = ("mse", "m", "measurement", "picture")
    for cell, row in beside.items():
        assert [row[k] for k in same] == [alone[cell][k] for k in same]


def test_a_method_that_refuses_fails_its_cells_and_the_others_go_on(workshop):
    def refuse():
        raise ValueError("y must be finite, got a NaN")

    workshop.does[3] = refuse
    chosen = make_recipe_run("narrow")
    summary = chosen.run(device="cpu")
    assert (summary.done, summary.failed) == (7, 1)
    (line,) = chosen.failures()
    assert line.endswith("ValueError: y must be finite, got a NaN")
    assert len(chosen.rows()) == 7
    assert chosen.run(device="cpu", resume=True).done == 8


def test_workers_give_the_numbers_that_this_process_gives(cache, monkeypatch, tmp_path):
    lasso = Algorithm("lasso-dct", "lasso-dct")
    monkeypatch.setattr(
        reproduction, "ALL_RECIPES", {"real": recipe("real", algorithms=(lasso, Algorithm("tv", "tv")), count=3)}
    )
    _, here = go("real")
    chosen = make_recipe_run("real", store=tmp_path / "other.sqlite")
    assert chosen.run(2, device="cpu").done == len(here) == 3 * 2 * 2
    there = chosen.rows()
    assert {row["device"] for row in there.values()} == {"cpu, 1 thread"}
    for cell, row in here.items():
        assert there[cell]["mse"] == pytest.approx(row["mse"], rel=1e-6)
        assert there[cell]["measurement"] == row["measurement"]


@pytest.fixture
def learned(monkeypatch):
    """In place of learning, a file with the m that it was learned at."""
    times = []

    def learn(path, cell, learned, images, device, progress):
        times.append((cell.setup, learned))
        path.write_text(str(cell.setup.m))

    monkeypatch.setattr(learning, "_LEARNERS", {"prior": learn, "generator": learn})
    return times


def test_what_is_learned_is_learned_once_an_m_and_given_to_the_method(workshop, known, learned, cache):
    setups = (*SETUPS, Setup(m=16))
    known["gain"] = recipe("gain", "gains", setups=setups, algorithms=(WHOLE, LEARNING), first=2)
    chosen, _ = go("gain")
    assert sorted(setup.m for setup, _ in learned) == [8, 16]
    settings = [s for s, *_ in workshop.calls if s.prior is not None]
    assert len(settings) == 4 * 3
    assert {s.prior_weight for s in settings} == {100.0}
    assert {(cache / "learned" / s.prior).read_text() for s in settings} == {"8", "16"}
    (record,) = chosen.records()
    assert len(record["gains"]) == 3


def test_too_few_images_to_learn_from_fail_with_that_reason(workshop, known, learned):
    greedy = replace(LEARNING, learned=Learned("prior", 0, 9))
    known["gain"] = recipe("gain", "gains", algorithms=(greedy,), first=2)
    chosen = make_recipe_run("gain")
    assert chosen.run(device="cpu").failed == 4 * 2
    assert "mnist must hold 9 images to learn from, got 6" in chosen.failures()[0]


NETWORK = {"steps": "3", "network_options": '{"width": 4, "latent": 4}'}
REAL = {
    "prior": Algorithm("csdip-lr", "csdip", {**NETWORK, "prior_weight": "100"}, Learned("prior", 0, 2)),
    "generator": Algorithm("csgm", "csgm", {"steps": "3", "restarts": "2"}, Learned("generator", 0, 2)),
}


@pytest.mark.parametrize("what", REAL)
def test_real_methods_learn_and_recover_from_what_they_learned(cache, monkeypatch, what):
    real = recipe("real", setups=SETUPS[1:], algorithms=(REAL[what],), count=2, first=2)
    monkeypatch.setattr(reproduction, "ALL_RECIPES", {"real": real})
    _, cell_rows = go("real", at_once=2)
    assert {row["outcome"] for row in cell_rows.values()} == {"steps ended"}
    files = sorted(path.name for path in (cache / "learned").glob("*.npz"))
    assert len(files) == 1
    assert all(name.startswith(what) for name in files)


REFUSED = {
    "no name": ((), {}, "names must hold the name of a recipe, got none"),
    "an unknown name": (("nope",), {}, r"recipe must be a known name \(small, narrow, gain\), .*, got 'nope'"),
    "no images": (("small",), {"images": 0}, "images must be at least 1, got 0"),
    "none at once": (("small",), {"at_once": 0}, "at_once must be at least 1, got 0"),
    "an unknown method": (
        ("small",),
        {"methods": ["amp"]},
        r"methods must be of those of small \(csdip, tv\), got 'amp'",
    ),
    "a method of another recipe": (
        ("small", "gain"),
        {"methods": ["csdip-lr"]},
        r"methods must hold one that small has \(csdip, tv\), got csdip-lr",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_requests_are_refused_in_one_sentence(workshop, name):
    names, options, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make_recipe_run(*names, **options)


def test_settings_that_do_not_fit_are_refused_before_anything_is_run(workshop, known):
    known["wrong"] = recipe("wrong", algorithms=(Algorithm("csdip", "whole", {"steps": "3"}),))
    with pytest.raises(ValueError, match="setting of whole must be one of share"):
        make_recipe_run("wrong")


def test_missing_data_are_refused_with_the_sentence_of_the_data_sets(workshop, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path / "empty"))
    with pytest.raises(ValueError, match="mnist must be in the folder that UNTRAINED_DATA names"):
        make_recipe_run("small")


def test_a_cache_folder_that_cannot_be_written_to_is_refused(workshop, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="the store must be a file in a folder that can be written to, got"):
        go("narrow")


def test_recipes_share_one_store_in_the_cache_folder(workshop, cache):
    assert make_recipe_run("small").store == make_recipe_run("gain").store == cache / "recipes.sqlite"


def test_a_recipe_without_cells_needs_neither_data_nor_store(monkeypatch, tmp_path):
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path / "none"))
    chosen = make_recipe_run("fig13", store=tmp_path / "s.sqlite")
    assert chosen.run().cells == 0
    assert [r["name"] for r in chosen.records()] == ["fig13"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def command(workshop, monkeypatch, tmp_path, capsys):
    """The command, with its record in a folder of the test."""
    monkeypatch.setattr(cli.console, "stdout", lambda: Console(width=200))
    monkeypatch.setattr(store, "FOLDER", tmp_path / "record")

    def of(*arguments, code=0):
        assert (cli.app(["reproduce", *map(str, arguments)], standalone_mode=False) or 0) == code
        return capsys.readouterr().out

    return of


def test_the_command_tells_what_came_out_beside_what_the_paper_says(command, tmp_path):
    out = command("small", "--images", "3", "--folder", tmp_path / "out")
    assert "small: A small one (nobody Figure 1)" in out
    assert "half is better: of 2 comparisons" in out
    assert "3 images of mnist were used, the paper has 5." in out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["small.json", "small.pdf", "small.png"]
    assert not (tmp_path / "record").exists()


def test_the_door_returns_records_that_print_and_plot(workshop):
    result = untrained.reproduce("small", "narrow", images=2)
    assert list(result) == ["small", "narrow"]
    assert result["small"]["title"] == "A small one"
    assert str(result).startswith("small: A small one (nobody Figure 1)\nMSE, 95 % interval over images")
    assert "narrow: " in result._repr_html_()
    assert result.plot("narrow").axes
    with pytest.raises(ValueError, match=r"^images must be at least 1, got 0$"):
        untrained.reproduce("small", images=0)
    with pytest.raises(ValueError, match=r"^images must be at most 4, as many as a part of the recipes has, got 5$"):
        untrained.reproduce("small", images=5)
    with pytest.raises(ValueError, match=r"^recipe must be no study, got 'heckel20a-fig1', which untrained\.sweep\("):
        untrained.reproduce("heckel20a-fig1")


def test_the_command_records_and_resumes(command, workshop, tmp_path):
    command("narrow", "--methods", "tv")
    assert len(workshop.calls) == 4
    out = command("narrow", "--resume", "--record")
    assert len(workshop.calls) == 8
    path = tmp_path / "record" / "recipes" / "narrow.json"
    assert str(path) in out
    cell_rows = list(rows(json.loads(path.read_text())))
    assert len(cell_rows) == 8
    columns = "dataset image operator m variance method mse psnr ssim seconds outcome"
    assert set(columns.split()) <= set(cell_rows[0])


def test_the_command_runs_a_user_s_recipe(cache, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli.console, "stdout", lambda: Console(width=200))
    (tmp_path / "mine.py").write_text(
        "from untrained.sims.experiments.recipes.recipe import Algorithm, Part, Recipe, Setup\n"
        "PART = Part('mnist', (Setup(m=32),), (Algorithm('smooth', 'tv'), Algorithm('lasso-dct', 'lasso-dct')), 2)\n"
        "MINE = Recipe('mine', 'curves', 'My own', 'nobody Figure 1', (PART,))\n"
    )
    arguments = ["reproduce", f"{tmp_path / 'mine.py'}:MINE", "--folder", str(tmp_path / "out"), "--device", "cpu"]
    assert not cli.app(arguments, standalone_mode=False)
    out = capsys.readouterr().out
    assert "mine: My own (nobody Figure 1)" in out
    assert "smooth" in out
    assert (tmp_path / "out" / "mine.png").stat().st_size > 3000
    with pytest.raises(cli.RefusedError, match=r"--record is for the papers' recipes \(fig1a, .*, got mine"):
        cli.app([*arguments, "--record"], standalone_mode=False)


def test_failed_cells_are_told_and_the_command_ends_with_one(command, workshop):
    def refuse():
        raise ValueError("too hard")

    workshop.does[1] = refuse
    assert "ValueError: too hard" in command("narrow", code=1)


def test_an_interrupt_is_told_in_one_sentence(command, workshop):
    def interrupt():
        raise KeyboardInterrupt

    workshop.does[3] = interrupt
    with pytest.raises(cli.InterruptedRunError, match=r"^interrupted after 2 of 8 cells, which are kept; .*--resume"):
        command("narrow")


@pytest.mark.parametrize("arguments", [("nope",), ("small", "--images", "0"), (), ("small", "--device", "tpu")])
def test_bad_arguments_of_the_command_are_refused(command, arguments):
    with pytest.raises(cli.RefusedError):
        command(*arguments)


def test_the_list_tells_cells_hours_and_records(command, known, monkeypatch):
    monkeypatch.setattr(reproduction, "available", lambda name: "absent")
    monkeypatch.setattr(reproduction, "ALL_RECIPES", known)
    before = command("--list")
    assert before.splitlines()[-1].startswith("studies, which are named in the same way: ")
    assert [line.split()[:3] for line in before.splitlines()[1:-1]] == [
        ["small", "16", "?"],
        ["narrow", "8", "?"],
        ["gain", "16", "?"],
    ]
    command("narrow", "--record")
    line = command("--list", "narrow").splitlines()[1]
    assert line.split()[:4] == ["narrow", "8", "0.0", "-"]
    assert "recorded (4 of mnist)" in line


def test_progress_tells_what_is_done_on_a_terminal(workshop, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    cli.reproduce.run_shown(make_recipe_run("narrow"), 0, "cpu")
    screen = capsys.readouterr().err
    assert "8/8" in screen
    assert "tv, mnist, m = 8" in screen
    assert "step 1 of 2, loss 0.5" in screen


def test_some_numbers_of_measurements_are_a_part_of_the_recipe(workshop):
    whole, part = make_recipe_run("small"), make_recipe_run("small", sizes=[8])
    assert set(part.keys) == {cell for cell in whole.keys if cell.setup.m == 8}
    assert 0 < len(part.keys) < len(whole.keys)
    with pytest.raises(ValueError, match=r"m must hold numbers of measurements that the recipes have, got \[7\]"):
        make_recipe_run("small", sizes=[7])


@pytest.fixture
def six(known):
    """A recipe with as many images as a verdict takes."""
    known["six"] = recipe("six", count=6, setups=SETUPS[:1])
    return known["six"]


def test_the_command_decides_and_judges_again_what_is_stored(command, workshop, six, cache, tmp_path):
    out = command("six", "--decide", "--hours", "1", "--record")
    assert "every sentence is decided" in out
    (row,) = [line.split() for line in out.splitlines() if line.startswith("six ")]
    assert row[:3] == ["six", "holds", "6"]
    calls = len(workshop.calls)
    record = json.loads((tmp_path / "record" / "recipes" / "six.json").read_text())
    assert record["statements"][0]["verdict"] == "holds"
    assert (
        command("six", "--decide", "--hours", "0", "--store", cache / "recipes.sqlite").split("\n")[1:3]
        == (out.split("\n")[1:3])
    )
    (cache / "recipes.sqlite").unlink()  # the record's own rows are enough
    out = command("six", "--decide", "--hours", "0", "--record")
    assert json.loads((tmp_path / "record" / "recipes" / "six.json").read_text()) == record
    assert len(workshop.calls) == calls == 2 * 6


def test_runs_with_different_numbers_of_images_are_told_and_recorded(command, workshop, six, tmp_path):
    command("six", "--methods", "tv", "--images", "5")
    command("six", "--methods", "csdip", "--images", "2")
    out = command("six", "--decide", "--hours", "0", "--record", "--folder", tmp_path / "out")
    assert "six, half is better: would take 6 images" in out
    record = json.loads((tmp_path / "record" / "recipes" / "six.json").read_text())
    assert [point["images"] for point in record["points"]] == [2, 5]
    assert "2 to 5 images of mnist were used, the paper has 5." in record["differs"]
    assert "2 to 5" in text_of(recipe_parts(record))
    assert (tmp_path / "out" / "six.png").stat().st_size > 3000


def test_a_record_is_not_written_over_with_less(command, six, tmp_path):
    command("six", "--decide", "--hours", "1", "--record")
    with pytest.raises(cli.RefusedError, match=r"must hold all that the record of six has, got fewer than 6 images of"):
        command("six", "--decide", "--hours", "0", "--record", "--images", "3")


def test_a_decision_that_is_interrupted_says_so_in_one_sentence(command, workshop, six):
    def interrupt():
        raise KeyboardInterrupt

    workshop.does[3] = interrupt
    with pytest.raises(cli.InterruptedRunError, match=r"^interrupted; cells that have ended are kept, and the same"):
        command("six", "--decide", "--hours", "1")
    assert "every sentence is decided" in command("six", "--decide", "--hours", "1")
    assert len(workshop.calls) == 2 * 6 + 1


def test_a_cell_that_fails_while_deciding_ends_the_command_with_one(command, workshop, six):
    def refuse():
        raise ValueError("too hard")

    workshop.does[1] = refuse
    assert "ValueError: too hard" in command("six", "--decide", "--hours", "1", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("six", "--decide"), "--hours must be a number from 0 on"),
        (("six", "--decide", "--hours", "-1"), "--hours must be a number from 0 on"),
        (("six", "--hours", "1"), "--hours must be left out without --decide"),
        (("six", "--decide", "--hours", "0", "--store", "nowhere.sqlite"), "--store must be a file of results"),
        (("heckel20a-fig1", "--decide", "--hours", "1"), "--decide must be left out for a study"),
        (("silent", "--decide", "--hours", "1"), "must hold a recipe with a sentence to decide, got silent"),
    ],
)
def test_bad_arguments_of_a_decision_are_refused(command, known, six, arguments, words):
    known["silent"] = replace(six, name="silent", statements=())
    with pytest.raises(cli.RefusedError, match=words):
        command(*arguments)
