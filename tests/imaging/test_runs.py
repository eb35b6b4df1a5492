import contextlib
import json
import math
import types

import numpy as np
import pytest
import torch

from sims.imaging import methods, runs
from sims.imaging.images import read_image, write_image
from sims.imaging.measurements import save_measurement
from sims.imaging.outputs import check_folder, check_output, checked_outputs, write_all
from sims.imaging.recovery.csdip_settings import CSDIPSettings
from sims.imaging.recovery.result import Recovery
from sims.imaging.reports import finite, misfit
from sims.imaging.requests import Request, Sensing, is_measurement, parse_size, sensing_of
from sims.imaging.runs import prepare, recover_all, told
from sims.imaging.surroundings import memory_told, pick_device, use_threads, versions

SMALL = ("csdip.steps=6", 'csdip.network_options={"width": 4, "latent": 4}')


def an_image(seed=0, shape=(1, 8, 8)):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


@pytest.fixture
def file(tmp_path):
    """A measurement of 30 numbers with noise, in a file, and the path of its image."""
    write_image(tmp_path / "truth.npy", an_image())
    measurement = runs.take_measurement(an_image(), Sensing("gaussian", 30, {}, 0.1, 3))
    save_measurement(tmp_path / "y.npz", measurement)
    return tmp_path / "y.npz"


class Stub:
    """Methods of ours that note what they are given: images of a constant, and what else a test asks for."""

    def __init__(self):
        self.seen, self.does = [], {}

    def method(self, name):
        def recover(operator, y, settings, *, seed=0, watch=None):
            self.seen.append((name, operator, y, settings, seed))
            found = self.does.get(name, lambda: {})()
            if watch is not None:
                watch(1, 2, 0.5)
            plain = {
                "outcome": "converged",
                "misfit": -1.0,
                "steps": 1,
                "seconds": 0.0,
                "certificate": {"gap": math.inf},
            }
            image = torch.full(operator.shape, 0.5)
            return Recovery(**{"image": image, "method": name, "settings": {"steps": settings.steps}, **plain, **found})

        return types.SimpleNamespace(CSDIPSettings=CSDIPSettings, PRESETS={}, recover=recover)


@pytest.fixture
def stub(monkeypatch):
    made = Stub()
    monkeypatch.setattr(methods.Method, "load", lambda self: made.method(self.name))
    known = {name: methods.Method(name, "a stub", name, "CSDIPSettings") for name in ("one", "two", "three")}
    monkeypatch.setattr(methods, "METHODS", known)
    return made


def test_every_method_is_given_the_same_measurement(stub, file):
    found = recover_all(prepare(Request(str(file), ("one", "two", "three"), seed=9)))
    assert [name for name, *_ in stub.seen] == ["one", "two", "three"]
    assert len({id(operator) for _, operator, *_ in stub.seen}) == len({id(y) for _, _, y, *_ in stub.seen}) == 1
    assert {seed for *_, seed in stub.seen} == {9}
    assert list(found.images) == ["one", "two", "three"]


def test_what_a_method_changes_in_y_would_be_noticed(file):
    problem = prepare(Request(str(file), ("csdip",), None, SMALL))
    before = problem.measurement.fingerprint
    recover_all(problem)
    assert problem.measurement.fingerprint == before


def test_misfit_and_scores_are_those_of_the_returned_image_not_what_the_method_says(stub, file):
    problem = prepare(Request(str(file), ("one",), truth=str(file.with_name("truth.npy"))))
    (entry,) = recover_all(problem).entries
    image, truth = torch.full((1, 8, 8), 0.5).double(), an_image().double()
    A = problem.measurement.operator.forward(torch.eye(64).reshape(64, 1, 8, 8)).double().T
    # float32 products of 64 terms against float64 ones
    assert entry["misfit"] == pytest.approx(
        float((A @ image.flatten() - problem.measurement.y).square().sum()), rel=1e-4
    )
    assert entry["scores"]["mse"] == pytest.approx(float((image - truth).square().mean()), rel=1e-6)
    assert entry["scores"]["data_range"] == 2
    assert entry["certificate"] == {"gap": None}


def test_without_a_truth_there_are_no_scores(stub, file):
    (entry,) = recover_all(prepare(Request(str(file), ("one",)))).entries
    assert entry["scores"] is None


def test_an_image_is_measured_and_is_the_truth(stub, file):
    request = Request(str(file.with_name("truth.npy")), ("one",), sensing=Sensing("dct", 20, {}, 0.0, 5), seed=5)
    problem = prepare(request)
    torch.testing.assert_close(problem.truth, an_image())
    torch.testing.assert_close(problem.measurement.y, problem.measurement.operator.forward(an_image()))
    assert told(problem, recover_all(problem))["truth"] == request.source


def test_measuring_in_one_go_is_measuring_into_a_file(tmp_path, file):
    how = Sensing("gaussian", 30, {}, 0.1, 3)
    again = prepare(Request(str(file.with_name("truth.npy")), ("csdip",), sensing=how, seed=3))
    assert again.measurement.fingerprint == prepare(Request(str(file), ("csdip",))).measurement.fingerprint
    shown = runs.measure_to(tmp_path / "z.npz", an_image(), how)
    assert shown["fingerprint"] == again.measurement.fingerprint
    assert (shown["operator"], shown["n"], shown["m"], shown["m/n"]) == ("gaussian", 64, 30, "0.4688")
    assert "coefficients" not in shown


def test_a_fourier_measurement_tells_its_complex_coefficients(tmp_path):
    shown = runs.measure_to(tmp_path / "z.npz", an_image(), Sensing("fourier-radial", None, {"lines": 3}))
    assert shown["m"] == 2 * shown["coefficients"] + 1


def test_the_same_seed_gives_the_same_report_but_for_the_times(file):
    def run(seed):
        problem = prepare(Request(str(file), ("csdip",), None, SMALL, str(file.with_name("truth.npy")), seed=seed))
        whole = told(problem, recover_all(problem))
        del whole["methods"][0]["seconds"]
        return json.dumps(whole, allow_nan=False)

    assert run(4) == run(4)
    assert run(4) != run(5)


def test_the_report_says_everything_that_is_needed_to_do_it_again(file):
    problem = prepare(Request(str(file), ("csdip",), "fast", SMALL, seed=2))
    whole = told(problem, recover_all(problem))
    settings = methods.settings_for("csdip", dict(word.removeprefix("csdip.").split("=", 1) for word in SMALL), "fast")
    assert CSDIPSettings(**whole["methods"][0]["settings"]) == settings
    assert whole["methods"][0]["seed"] == whole["seed"] == 2
    assert (whole["operator"]["name"], whole["operator"]["m"], whole["operator"]["seed"]) == ("gaussian", 30, 3)
    assert whole["operator"]["fingerprint"] == problem.measurement.operator.fingerprint()
    assert whole["measurement"] == {"fingerprint": problem.measurement.fingerprint, "noise": 0.1}
    assert (whole["device"], whole["threads"]) == ("cpu", torch.get_num_threads())
    assert whole["versions"]["torch"] == torch.__version__
    assert set(whole["versions"]) >= {"untrained", "python", "numpy", "scipy", "scikit-image", "code"}


def test_an_interrupted_method_ends_the_run_and_keeps_its_best(stub, file):
    stub.does["two"] = lambda: {"outcome": "interrupted"}
    found = recover_all(prepare(Request(str(file), ("one", "two", "three"))))
    assert (found.interrupted, found.ended) == (True, "interrupted in two")
    assert list(found.images) == ["one", "two"]


def interrupt():
    raise KeyboardInterrupt


def test_an_interrupt_before_a_method_has_an_image_keeps_the_others(stub, file):
    stub.does["two"] = interrupt
    found = recover_all(prepare(Request(str(file), ("one", "two", "three"))))
    assert (found.interrupted, found.ended, list(found.images)) == (True, "interrupted in two", ["one"])


def test_an_interrupt_before_there_is_anything_passes_on(stub, file):
    stub.does["one"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        recover_all(prepare(Request(str(file), ("one", "two"))))


def refuse():
    raise ValueError("image must be at least 8x8")


def test_a_method_that_refuses_does_not_lose_what_came_before(stub, file):
    stub.does["two"] = refuse
    found = recover_all(prepare(Request(str(file), ("one", "two", "three"))))
    assert (found.interrupted, found.ended) == (False, "two: image must be at least 8x8")
    assert list(found.images) == ["one"]
    stub.does["one"] = refuse
    with pytest.raises(ValueError, match="at least 8x8"):
        recover_all(prepare(Request(str(file), ("one", "two"))))


def test_other_failures_are_not_swallowed(stub, file):
    def fail():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    stub.does["two"] = fail
    with pytest.raises(RuntimeError, match="mat1"):
        recover_all(prepare(Request(str(file), ("one", "two"))))


def test_progress_is_told_by_method(stub, file):
    heard = []

    @contextlib.contextmanager
    def watching(name):
        heard.append(f"{name} begins")
        yield lambda *numbers: heard.append((name, *numbers))
        heard.append(f"{name} ends")

    recover_all(prepare(Request(str(file), ("one", "two"))), watching)
    assert heard == ["one begins", ("one", 1, 2, 0.5), "one ends", "two begins", ("two", 1, 2, 0.5), "two ends"]


def test_the_truth_is_taken_in_grey_where_grey_was_measured(tmp_path, file):
    grey = read_image(file.with_name("truth.npy"))
    write_image(tmp_path / "rgb.npy", grey.expand(3, 8, 8).contiguous())
    problem = prepare(Request(str(file), ("csdip",), truth=str(tmp_path / "rgb.npy")))
    # The weights of the three channels sum to 1.
    torch.testing.assert_close(problem.truth, grey)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ("one", "one")}, "named once each, got one, one"),
        ({"methods": ()}, "named once each, got none"),
        ({"methods": ("four",)}, "one of one, two, three, got 'four'"),
        ({"preset": "fast"}, "--preset is for methods that have presets, got one"),
        ({"assignments": ("size=3",)}, "got 'size'"),
        ({"truth": "other.npy"}, r"shape measured, \(1, 8, 8\), got \(1, 9, 8\) \(--size 8x8 resamples it\)"),
        ({"source": "absent.npz"}, "must name a file that exists"),
        ({"source": "torn.npz"}, "damaged"),
        ({"source": "empty.npz"}, "empty"),
        ({"source": "truth.npy", "sensing": Sensing("gaussian", 65)}, "m must be between 1 and 64, got 65"),
        (
            {"source": "truth.npy", "sensing": Sensing("gaussian", 6), "truth": "truth.npy"},
            "--truth is for a measurement",
        ),
    ],
)
def test_bad_requests_are_refused_before_anything_is_recovered(stub, file, changes, sentence):
    folder = file.parent
    write_image(folder / "other.npy", an_image(shape=(1, 9, 8)))
    (folder / "torn.npz").write_bytes(file.read_bytes()[:-200])
    (folder / "empty.npz").touch()
    located = {k: str(folder / v) if k in ("source", "truth") else v for k, v in changes.items()}
    with pytest.raises(ValueError, match=sentence):
        prepare(Request(**{"source": str(file), "methods": ("one",), **located}))
    assert stub.seen == []


@pytest.mark.parametrize("make", [lambda: Sensing(seed=-1), lambda: Request("y.npz", seed=-1)])
def test_a_negative_seed_is_refused(make):
    with pytest.raises(ValueError, match="non-negative integer, got -1"):
        make()


@pytest.mark.parametrize(("text", "size"), [(None, None), ("8", (8, 8)), ("8x9", (8, 9)), ("16X4", (16, 4))])
def test_a_size_is_a_side_or_height_and_width(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "x", "8x", "8x9x3", "-8", "8.5", "8x0", "²"])
def test_another_size_is_refused(text):
    with pytest.raises(ValueError, match="--size must be N or HxW"):
        parse_size(text)


def test_a_measurement_file_brings_its_own_operator():
    nothing = {"operator": None, "m": None, "noise": None, "seed": 0, "lines": None}
    assert is_measurement("a/Y.NPZ")
    assert sensing_of("y.npz", **nothing) is None
    for changes in ({"operator": "dct"}, {"m": 3}, {"noise": 0.0}, {"lines": 3}):
        with pytest.raises(ValueError, match=f"--{next(iter(changes))} is for an image"):
            sensing_of("y.npz", **{**nothing, **changes})
    with pytest.raises(ValueError, match="--operator and --m must be given"):
        sensing_of("y.png", **nothing)
    assert sensing_of("y.png", **{**nothing, "operator": "dct", "m": 3}) == Sensing("dct", 3, {}, 0.0, 0)


def test_numbers_that_json_cannot_hold_become_null():
    assert finite({"a": math.nan, "b": [math.inf, 1.5], "c": (True, "x", None)}) == {
        "a": None,
        "b": [None, 1.5],
        "c": [True, "x", None],
    }


def test_the_misfit_is_summed_without_loss(file):
    measurement = prepare(Request(str(file), ("csdip",))).measurement
    A = measurement.operator.forward(torch.eye(64).reshape(64, 1, 8, 8)).double().T
    exact = float((A @ an_image().double().flatten() - measurement.y.double()).square().sum())
    assert misfit(measurement, an_image()) == pytest.approx(exact, rel=1e-4)


def test_outputs_are_checked_before_anything_is_done(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "x.gif", tmp_path / "absent" / "x.png", tmp_path / "file" / "x.png"):
        with pytest.raises(ValueError, match="--out must"):
            check_output("--out", path, (".png",))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="--out must name a file in a folder"):
        check_output("--out", tmp_path / "folder.png", (".png",))
    for path in (tmp_path / "file", tmp_path / "absent" / "more"):
        with pytest.raises(ValueError, match="--save-all must name a folder"):
            check_folder("--save-all", path)
    assert check_output("--out", tmp_path / "X.PNG", (".png",)) == (tmp_path / "X.PNG").resolve()


def test_what_is_read_is_never_written_over(tmp_path):
    source = tmp_path / "x.png"
    source.touch()
    with pytest.raises(ValueError, match="must not replace what is read"):
        checked_outputs(tmp_path / "." / "x.png", read=(str(source), None))
    (tmp_path / "link.png").symlink_to(source)
    with pytest.raises(ValueError, match="must not replace what is read"):
        checked_outputs(tmp_path / "link.png", read=(str(source),))


def test_everything_is_written_where_it_was_asked_for(tmp_path):
    images = {"one": an_image(1), "two": an_image(2)}
    places = checked_outputs(tmp_path / "all.png", tmp_path / "r.json", tmp_path / "each")
    written = write_all(places, {"format": 1}, images, b"picture")
    names = ["r.json", "one.npy", "one.png", "two.npy", "two.png", "all.png"]
    assert [path.name for path in written] == names
    assert all(path.is_file() for path in written)
    torch.testing.assert_close(read_image(tmp_path / "each" / "two.npy", signed=True), images["two"], rtol=0, atol=0)
    assert json.loads((tmp_path / "r.json").read_text()) == {"format": 1}
    assert (tmp_path / "all.png").read_bytes() == b"picture"


def test_one_image_alone_is_the_output(tmp_path):
    write_all(checked_outputs(tmp_path / "x.npy"), {}, {"one": an_image()})
    torch.testing.assert_close(read_image(tmp_path / "x.npy", signed=True), an_image(), rtol=0, atol=0)


CPU = (
    "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
)


@pytest.mark.parametrize(
    "error", [RuntimeError(CPU), torch.OutOfMemoryError("CUDA out of memory. Tried"), MemoryError()]
)
def test_a_failed_allocation_is_told_with_advice(error):
    with (
        pytest.raises(ValueError, match=r"gaussian for 8x8 pixels must fit in memory.* smaller --size"),
        memory_told("gaussian for 8x8 pixels"),
    ):
        raise error


def test_torch_s_own_failed_allocation_is_one():
    with pytest.raises(ValueError, match="must fit in memory"), memory_told("a"):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="size"), memory_told("a"):
        torch.zeros(3) @ torch.zeros(4)


def test_devices_and_threads_are_checked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="cuda needs a CUDA device"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
    with pytest.raises(ValueError, match="--device must be one of cpu, cuda, auto, got 'gpu'"):
        pick_device("gpu")
    with pytest.raises(ValueError, match="--threads must be at least 1, got 0"):
        use_threads(0)
    before = torch.get_num_threads()
    try:
        assert use_threads(2) == torch.get_num_threads() == 2
        assert use_threads(None) == 2
    finally:
        torch.set_num_threads(before)


def test_a_package_that_is_not_installed_is_told_so(monkeypatch):
    monkeypatch.setattr("sims.imaging.surroundings._PACKAGES", ("no-such-package-of-ours", "torch"))
    assert versions()["no-such-package-of-ours"] == "uninstalled"
