import json

import pytest
import torch
from rich.console import Console

from tests.experiments.small_recipes import HALF, LEARNING, SETUPS, WHOLE, Workshop, images, recipe
from untrained import cli
from untrained.sims.experiments.recipes import cost, learning, registry, reproduce
from untrained.sims.experiments.recipes.cells import image_seed
from untrained.sims.experiments.recipes.keep import Kept
from untrained.sims.experiments.recipes.recipe import Learned, Run, Setup
from untrained.sims.experiments.recipes.reproduce import Request, prepare, resume_from, run
from untrained.sims.experiments.recipes.summary import rows
from untrained.sims.experiments.recipes.work import PICTURED, Bench, measured
from untrained.sims.record import store
from untrained.sims.recovery import methods

CPU = torch.device("cpu")


@pytest.fixture
def workshop(monkeypatch):
    """Two small methods, a small set of images, and three recipes of which two share half of their cells."""
    made = Workshop()
    monkeypatch.setattr(methods, "METHODS", {"whole": made.method("whole"), "half": made.method("half")})
    monkeypatch.setattr(reproduce, "dataset", lambda name: images())
    known = (recipe(), recipe("narrow", setups=SETUPS[:1]), recipe("gain", "gains", runs=(WHOLE, LEARNING), first=2))
    monkeypatch.setattr(registry, "RECIPES", {r.name: r for r in known})
    return made


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "cells")


def go(plan, kept, count=None):
    """Run a plan, or its first cells."""
    for done, _ in enumerate(run(plan, kept, Bench(CPU, kept.folder)), 1):
        if done == count:
            return


def numbers(plan):
    return {cell: {k: v for k, v in found.items() if k != "seconds"} for cell, found in plan.done.items()}


def test_every_cell_is_computed_once_and_kept(workshop, kept):
    plan = prepare(Request(["small"]))
    go(plan, kept)
    assert len(workshop.calls) == len(plan.done) == len(plan.keys) == 4 * 2 * 2
    assert plan.left() == []
    assert len(list(kept.folder.glob("*.json"))) == 16
    for cell, key in plan.keys.items():
        assert kept.read(key) == plan.done[cell]


def test_every_method_is_given_the_very_same_measurement(workshop, kept):
    plan = prepare(Request(["small"]))
    go(plan, kept)
    seen = {}
    for settings, fingerprint, y, seed in workshop.calls:
        seen.setdefault((fingerprint, seed), []).append((settings.share, y))
    assert len(seen) == 4 * 2
    for (share, y), (other, z) in seen.values():
        assert {share, other} == {0.5, 1.0}
        assert torch.equal(y, z)
    taken = {(c.image, c.setup, found["measurement"]) for c, found in plan.done.items()}
    assert len(taken) == 8


def test_each_image_has_a_matrix_of_its_own_but_the_same_in_every_recipe(workshop, kept):
    plan = prepare(Request(["small", "narrow"]))
    go(plan, kept)
    assert len({fingerprint for _, fingerprint, _, _ in workshop.calls}) == 4 * 2
    assert len({seed for *_, seed in workshop.calls}) == 4


def test_what_two_recipes_share_is_computed_once(workshop, kept):
    plan = prepare(Request(["small", "narrow", "narrow"]))
    assert len(plan.keys) == 16
    assert set(plan.cells(plan.recipes[1])) < set(plan.cells(plan.recipes[0]))
    assert [r.name for r in plan.recipes] == ["small", "narrow"]


def test_resuming_does_nothing_twice_and_takes_over_cells_of_other_recipes(workshop, kept):
    go(prepare(Request(["narrow"])), kept)
    assert len(workshop.calls) == 8
    plan = prepare(Request(["small"]))
    assert resume_from(plan, kept) == 8
    go(plan, kept)
    assert len(workshop.calls) == 16
    again = prepare(Request(["small", "narrow"]))
    assert resume_from(again, kept) == 16
    go(again, kept)
    assert len(workshop.calls) == 16
    assert again.done == plan.done


def test_without_resuming_everything_is_computed_anew(workshop, kept):
    for _ in range(2):
        go(prepare(Request(["narrow"])), kept)
    assert len(workshop.calls) == 16


@pytest.mark.parametrize("how", ["raised", "returned"])
def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(workshop, kept, how):
    def interrupt():
        if how == "raised":
            raise KeyboardInterrupt
        return {"outcome": "interrupted"}

    workshop.does[6] = interrupt
    plan = prepare(Request(["small"]))
    with pytest.raises(KeyboardInterrupt):
        go(plan, kept)
    assert len(plan.done) == len(list(kept.folder.glob("*.json"))) == 5
    rest = prepare(Request(["small"]))
    assert resume_from(rest, kept) == 5
    go(rest, kept)
    assert len(workshop.calls) == 6 + 11
    undisturbed = prepare(Request(["small"]))
    go(undisturbed, Kept(kept.folder / "other"))
    assert numbers(rest) == numbers(undisturbed)


def test_first_images_come_first_so_that_a_part_of_a_run_is_a_smaller_whole(workshop, kept):
    plan = prepare(Request(["small"]))
    go(plan, kept, 8)
    whole = prepare(Request(["small"], images=2))
    assert set(plan.done) == set(whole.keys)


def test_a_recovery_that_is_not_finite_is_a_row_without_an_error(workshop, kept):
    workshop.does[1] = lambda: {"image": torch.full((1, 8, 8), torch.nan), "outcome": "diverged at step 3"}
    plan = prepare(Request(["narrow"]))
    go(plan, kept)
    first = next(iter(plan.done.values()))
    assert (first["mse"], first["picture"], first["outcome"]) == (None, None, "diverged at step 3")
    (made,) = reproduce.records(plan)
    point = made["points"][0]
    assert (point["images"], point["scored"], point["outcomes"]) == (4, 3, {"diverged": 1, "steps ended": 3})
    json.dumps(made, allow_nan=False)


def test_the_error_is_that_of_the_image_returned(workshop, kept):
    plan = prepare(Request(["small"]))
    go(plan, kept)
    for cell, found in plan.done.items():
        measurement = measured(images()[cell.image], cell.setup, image_seed("mnist", cell.image), CPU)
        share = 0.5 if cell.run == HALF else 1.0
        x = share * measurement.operator.adjoint(measurement.y)
        assert found["mse"] == pytest.approx(float((x.double() - images()[cell.image].double()).square().mean()))
        assert measurement.noise**2 == pytest.approx(cell.setup.variance)
        assert (found["picture"] is None) == (cell.image >= PICTURED)


@pytest.mark.parametrize("at_once", [1, 3])
def test_images_recovered_side_by_side_give_what_single_ones_do(workshop, kept, monkeypatch, at_once):
    alone = prepare(Request(["narrow"]))
    go(alone, kept)
    sizes = []
    plain = workshop.together
    monkeypatch.setattr(workshop, "together", lambda ops, *a, **k: (sizes.append(len(ops)), plain(ops, *a, **k))[1])
    monkeypatch.setattr(methods, "METHODS", {name: workshop.method(name, batches=True) for name in ("whole", "half")})
    beside = prepare(Request(["narrow"], at_once=at_once))
    go(beside, Kept(kept.folder / "other"))
    assert sizes == ([] if at_once == 1 else [3, 3])
    assert {f["at_once"] for f in beside.done.values()} == ({1} if at_once == 1 else {1, 3})
    same = ("mse", "m", "measurement", "picture")
    for cell, found in beside.done.items():
        assert [found[k] for k in same] == [alone.done[cell][k] for k in same]


@pytest.fixture
def learned(monkeypatch):
    """In place of learning, a file with the m that it was learned at."""
    times = []

    def learn(path, cell, plan, images, device, watch):
        times.append((cell.setup, plan))
        path.write_text(str(cell.setup.m))

    monkeypatch.setattr(learning, "_LEARNERS", {"prior": learn, "generator": learn})
    return times


def test_what_is_learned_is_learned_once_an_m_and_given_to_the_method(workshop, kept, learned):
    setups = (*SETUPS, Setup(m=16))
    registry.RECIPES["gain"] = recipe("gain", "gains", setups=setups, runs=(WHOLE, LEARNING), first=2)
    plan = prepare(Request(["gain"]))
    go(plan, kept)
    assert sorted(setup.m for setup, _ in learned) == [8, 16]
    given = [s for s, *_ in workshop.calls if s.prior is not None]
    assert len(given) == 4 * 3
    assert {s.prior_weight for s in given} == {100.0}
    assert {(kept.folder / s.prior).read_text() for s in given} == {"8", "16"}
    (made,) = reproduce.records(plan)
    assert len(made["gains"]) == 3


def test_too_few_images_to_learn_from_are_refused(workshop, kept, learned, monkeypatch):
    monkeypatch.setattr(reproduce, "dataset", lambda name: images(3))
    registry.RECIPES["gain"] = recipe("gain", "gains", runs=(LEARNING,), first=0)
    plan = prepare(Request(["gain"]))
    plan.sets["mnist"] = images(1)
    with pytest.raises(ValueError, match="mnist must hold 2 images to learn from, got 1"):
        go(plan, kept)


NETWORK = {"steps": "3", "network_options": '{"width": 4, "latent": 4}'}
REAL = {
    "prior": Run("csdip-lr", "csdip", {**NETWORK, "prior_weight": "100"}, Learned("prior", 0, 2)),
    "generator": Run("csgm", "csgm", {"steps": "3", "restarts": "2"}, Learned("generator", 0, 2)),
}


@pytest.mark.parametrize("what", REAL)
def test_real_methods_learn_and_recover_from_what_they_learned(kept, monkeypatch, what):
    monkeypatch.setattr(reproduce, "dataset", lambda name: images())
    monkeypatch.setattr(
        registry, "RECIPES", {"real": recipe("real", setups=SETUPS[1:], runs=(REAL[what],), count=2, first=2)}
    )
    plan = prepare(Request(["real"], at_once=2))
    go(plan, kept)
    assert {found["outcome"] for found in plan.done.values()} == {"steps ended"}
    files = sorted(path.name for path in kept.folder.glob("*.npz"))
    assert len(files) == 1
    assert all(name.startswith(what) for name in files)


REFUSED = {
    "no name": ({"names": []}, "names must hold the name of a recipe, got none"),
    "an unknown name": ({"names": ["nope"]}, "recipe must be one of small, narrow, gain, got 'nope'"),
    "no images": ({"names": ["small"], "images": 0}, "images must be at least 1, got 0"),
    "none at once": ({"names": ["small"], "at_once": 0}, "at_once must be at least 1, got 0"),
    "an unknown method": (
        {"names": ["small"], "methods": ["amp"]},
        r"method must be one of those of small \(csdip, tv\), got 'amp'",
    ),
    "a method of another recipe": (
        {"names": ["small", "gain"], "methods": ["csdip-lr"]},
        r"methods must hold one that small has \(csdip, tv\), got csdip-lr",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_requests_are_refused_in_one_sentence(workshop, name):
    given, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        prepare(Request(**given))


def test_settings_that_do_not_fit_are_refused_before_anything_is_run(workshop):
    registry.RECIPES["wrong"] = recipe("wrong", runs=(Run("csdip", "whole", {"steps": "3"}),))
    with pytest.raises(ValueError, match="setting of whole must be one of share"):
        prepare(Request(["wrong"]))


def test_missing_data_are_refused_with_the_sentence_of_the_data_sets(workshop, monkeypatch, tmp_path):
    from untrained.sims.images.datasets import dataset

    monkeypatch.setattr(reproduce, "dataset", dataset)
    monkeypatch.setenv("UNTRAINED_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="mnist must be in the folder that UNTRAINED_DATA names"):
        prepare(Request(["small"]))


def test_a_damaged_cell_is_refused_and_names_its_file(workshop, kept):
    plan = prepare(Request(["narrow"]))
    go(plan, kept)
    path = next(kept.folder.glob("*.json"))
    for text in ("{", '{"mse": 1.0}', "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match=rf"a finished cell must be whole, got a damaged .*{path.name}"):
            resume_from(prepare(Request(["narrow"])), kept)


def test_a_cache_folder_that_cannot_be_written_to_is_refused(workshop, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"the cache folder must be one that can be written to, got .*XDG_CACHE_HOME"):
        go(prepare(Request(["narrow"])), Kept(tmp_path / "file" / "cells"))


def test_cells_lie_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Kept().folder == tmp_path / "untrained" / "cells"


@pytest.fixture
def command(workshop, monkeypatch, tmp_path, capsys):
    """The command, with its cache and its record in folders of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UNTRAINED_DATA", "")
    monkeypatch.setattr(cli.console, "output", lambda: Console(width=200))
    monkeypatch.setattr(store, "FOLDER", tmp_path / "record")

    def of(*arguments):
        code = cli.app(["reproduce", *map(str, arguments)], standalone_mode=False)
        assert not code
        return capsys.readouterr().out

    return of


def test_the_command_tells_what_was_found_beside_what_the_paper_says(command, tmp_path):
    out = command("small", "--images", "3", "--folder", tmp_path / "out")
    assert "small: A small one (nobody Figure 1)" in out
    assert "half is better: of 2 comparisons" in out
    assert "3 images of mnist were used, the paper has 5." in out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["small.json", "small.pdf", "small.png"]
    assert not (tmp_path / "record").exists()


def test_the_command_records_and_resumes(command, workshop, tmp_path):
    command("narrow", "--methods", "tv")
    assert len(workshop.calls) == 4
    out = command("narrow", "--resume", "--record")
    assert len(workshop.calls) == 8
    path = tmp_path / "record" / "recipes" / "narrow.json"
    assert str(path) in out
    found = list(rows(json.loads(path.read_text())))
    assert len(found) == 8
    assert {
        "dataset",
        "image",
        "operator",
        "m",
        "variance",
        "method",
        "mse",
        "psnr",
        "ssim",
        "seconds",
        "outcome",
    } <= set(found[0])


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


def test_the_list_tells_cells_hours_and_records(command, workshop, monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "available", lambda name: "absent")
    monkeypatch.setattr(cost, "RECIPES", registry.RECIPES)
    before = command("--list")
    assert [line.split()[:3] for line in before.splitlines()[1:]] == [
        ["small", "16", "?"],
        ["narrow", "8", "?"],
        ["gain", "16", "?"],
    ]
    command("narrow", "--record")
    line = command("--list", "narrow").splitlines()[1]
    assert line.split()[:4] == ["narrow", "8", "0.0", "-"]
    assert "recorded (4 of mnist)" in line


def test_progress_tells_what_is_done_on_a_terminal(workshop, kept, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    cli.reproduce.run_shown(prepare(Request(["narrow"])), kept, CPU)
    seen = capsys.readouterr().err
    assert "8/8" in seen
    assert "tv, mnist, m = 8" in seen


def test_some_numbers_of_measurements_are_a_part_of_the_recipe(workshop, kept):
    whole, part = prepare(Request(["small"])), prepare(Request(["small"], sizes=[8]))
    assert set(part.keys) == {cell for cell in whole.keys if cell.setup.m == 8}
    assert 0 < len(part.keys) < len(whole.keys)
    with pytest.raises(ValueError, match=r"m must hold numbers of measurements that the recipes have, got \[7\]"):
        prepare(Request(["small"], sizes=[7]))
