import contextlib
import json
import math
import types
from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.sims.images.images import read_image, write_image
from untrained.sims.operators.measurements import save_measurement
from untrained.sims.recovery import methods
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.recovery.recover import recover_all, run_report
from untrained.sims.recovery.reports import measure_into
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.tasks import RecoveryTask, Sensing, measure_image, prepare_task

SMALL = ("csdip.steps=6", 'csdip.network_options={"width": 4, "latent": 4}')


def an_image(seed=0, shape=(1, 8, 8)):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


@pytest.fixture
def file(tmp_path):
    """A measurement of 30 numbers with noise, in a file, and the path of its image."""
    write_image(tmp_path / "truth.npy", an_image())
    measurement = measure_image(an_image(), Sensing("gaussian", 30, {}, 0.1, 3))
    save_measurement(tmp_path / "y.npz", measurement)
    return tmp_path / "y.npz"


class Stub:
    """Methods of ours that note what they are given: images of a constant, and what else a test asks for."""

    def __init__(self):
        self.seen, self.does = [], {}

    def method(self, name):
        def recover(operator, y, settings, *, seed=0, watch=None):
            self.seen.append((name, operator, y, settings, seed))
            facts = self.does.get(name, lambda: {})()
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
            return Recovery(**{"image": image, "method": name, "settings": {"steps": settings.steps}, **plain, **facts})

        return types.SimpleNamespace(CSDIPSettings=CSDIPSettings, PRESETS={}, recover=recover)


@pytest.fixture
def stub(monkeypatch):
    made = Stub()
    monkeypatch.setattr(methods.Method, "load", lambda self: made.method(self.name))
    known = {name: methods.Method(name, "a stub", name, "CSDIPSettings") for name in ("one", "two", "three")}
    monkeypatch.setattr(methods, "METHODS", known)
    return made


def test_every_method_is_given_the_same_measurement(stub, file):
    recoveries = recover_all(prepare_task(RecoveryTask(str(file), ("one", "two", "three"), seed=9)))
    assert [name for name, *_ in stub.seen] == ["one", "two", "three"]
    assert len({id(operator) for _, operator, *_ in stub.seen}) == len({id(y) for _, _, y, *_ in stub.seen}) == 1
    assert {seed for *_, seed in stub.seen} == {9}
    assert list(recoveries.images) == ["one", "two", "three"]


def test_what_a_method_changes_in_y_would_be_noticed(file):
    problem = prepare_task(RecoveryTask(str(file), ("csdip",), None, SMALL))
    before = problem.measurement.fingerprint
    recover_all(problem)
    assert problem.measurement.fingerprint == before


def test_misfit_and_scores_are_those_of_the_returned_image_not_what_the_method_says(stub, file):
    problem = prepare_task(RecoveryTask(str(file), ("one",), truth=str(file.with_name("truth.npy"))))
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
    (entry,) = recover_all(prepare_task(RecoveryTask(str(file), ("one",)))).entries
    assert entry["scores"] is None


def test_an_image_is_measured_and_is_the_truth(stub, file):
    request = RecoveryTask(str(file.with_name("truth.npy")), ("one",), sensing=Sensing("dct", 20, {}, 0.0, 5), seed=5)
    problem = prepare_task(request)
    torch.testing.assert_close(problem.truth, an_image())
    torch.testing.assert_close(problem.measurement.y, problem.measurement.operator.forward(an_image()))
    assert run_report(problem, recover_all(problem))["truth"] == request.source


def test_measuring_in_one_go_is_measuring_into_a_file(tmp_path, file):
    how = Sensing("gaussian", 30, {}, 0.1, 3)
    again = prepare_task(RecoveryTask(str(file.with_name("truth.npy")), ("csdip",), sensing=how, seed=3))
    assert again.measurement.fingerprint == prepare_task(RecoveryTask(str(file), ("csdip",))).measurement.fingerprint
    summary = measure_into(tmp_path / "z.npz", an_image(), how)
    assert summary["fingerprint"] == again.measurement.fingerprint
    assert (summary["operator"], summary["n"], summary["m"], summary["m/n"]) == ("gaussian", 64, 30, "0.4688")
    assert "coefficients" not in summary


def test_a_fourier_measurement_tells_its_complex_coefficients(tmp_path):
    summary = measure_into(tmp_path / "z.npz", an_image(), Sensing("fourier-radial", None, {"lines": 3}))
    assert summary["m"] == 2 * summary["coefficients"] + 1


def test_the_same_seed_gives_the_same_report_but_for_the_times(file):
    def run(seed):
        problem = prepare_task(
            RecoveryTask(str(file), ("csdip",), None, SMALL, str(file.with_name("truth.npy")), seed=seed)
        )
        whole = run_report(problem, recover_all(problem))
        del whole["methods"][0]["seconds"]
        return json.dumps(whole, allow_nan=False)

    assert run(4) == run(4)
    assert run(4) != run(5)


def test_the_report_says_everything_that_is_needed_to_do_it_again(file):
    problem = prepare_task(RecoveryTask(str(file), ("csdip",), "fast", SMALL, seed=2))
    whole = run_report(problem, recover_all(problem))
    settings = methods.settings_for("csdip", dict(word.removeprefix("csdip.").split("=", 1) for word in SMALL), "fast")
    assert CSDIPSettings(**whole["methods"][0]["settings"]) == replace(settings, noise=0.1)
    assert whole["methods"][0]["seed"] == whole["seed"] == 2
    assert (whole["operator"]["name"], whole["operator"]["m"], whole["operator"]["seed"]) == ("gaussian", 30, 3)
    assert whole["operator"]["fingerprint"] == problem.measurement.operator.fingerprint()
    assert whole["operator"]["version"] == problem.measurement.operator.version
    assert whole["methods"][0]["version"] == methods.METHODS["csdip"].version
    assert whole["measurement"] == {"fingerprint": problem.measurement.fingerprint, "noise": 0.1}
    assert (whole["device"], whole["threads"]) == ("cpu", torch.get_num_threads())
    assert whole["versions"]["torch"] == torch.__version__
    assert set(whole["versions"]) >= {"untrained", "python", "numpy", "scipy", "scikit-image"}


def test_a_method_that_asks_for_the_noise_is_told_the_measurement_s(stub, file):
    def noise(*assignments):
        return prepare_task(RecoveryTask(str(file), ("one", "two"), assignments=assignments)).settings

    assert (noise()["one"].noise, noise("two.noise=0.3")["one"].noise, noise("two.noise=0.3")["two"].noise) == (
        0.1,
        0.1,
        0.3,
    )


def test_a_file_that_a_setting_names_must_be_there(stub, file, monkeypatch):
    needing = methods.Method("one", "a stub", "one", "CSDIPSettings", {}, ("prior",), "prior")
    monkeypatch.setitem(methods.METHODS, "one", needing)
    with pytest.raises(ValueError, match="one needs the setting prior, got none"):
        prepare_task(RecoveryTask(str(file), ("one",)))
    with pytest.raises(ValueError, match="must name a file that exists"):
        prepare_task(RecoveryTask(str(file), ("one",), assignments=("prior=absent.npz",)))
    assert prepare_task(RecoveryTask(str(file), ("one",), assignments=(f"prior={file}",))).settings["one"].prior == str(
        file
    )


def test_an_interrupted_method_ends_the_run_and_keeps_its_best(stub, file):
    stub.does["two"] = lambda: {"outcome": "interrupted"}
    recoveries = recover_all(prepare_task(RecoveryTask(str(file), ("one", "two", "three"))))
    assert (recoveries.interrupted, recoveries.ended) == (True, "interrupted in two")
    assert list(recoveries.images) == ["one", "two"]


def interrupt():
    raise KeyboardInterrupt


def test_an_interrupt_before_a_method_has_an_image_keeps_the_others(stub, file):
    stub.does["two"] = interrupt
    recoveries = recover_all(prepare_task(RecoveryTask(str(file), ("one", "two", "three"))))
    assert (recoveries.interrupted, recoveries.ended, list(recoveries.images)) == (True, "interrupted in two", ["one"])


def test_an_interrupt_before_there_is_anything_passes_on(stub, file):
    stub.does["one"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        recover_all(prepare_task(RecoveryTask(str(file), ("one", "two"))))


def refuse():
    raise ValueError("image must be at least 8x8")


def test_a_method_that_refuses_does_not_lose_what_came_before(stub, file):
    stub.does["two"] = refuse
    recoveries = recover_all(prepare_task(RecoveryTask(str(file), ("one", "two", "three"))))
    assert (recoveries.interrupted, recoveries.ended) == (False, "two: image must be at least 8x8")
    assert list(recoveries.images) == ["one"]
    stub.does["one"] = refuse
    with pytest.raises(ValueError, match="at least 8x8"):
        recover_all(prepare_task(RecoveryTask(str(file), ("one", "two"))))


def test_other_failures_are_not_swallowed(stub, file):
    def fail():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    stub.does["two"] = fail
    with pytest.raises(RuntimeError, match="mat1"):
        recover_all(prepare_task(RecoveryTask(str(file), ("one", "two"))))


def test_progress_is_told_by_method(stub, file):
    heard = []

    @contextlib.contextmanager
    def watching(name):
        heard.append(f"{name} begins")
        yield lambda *numbers: heard.append((name, *numbers))
        heard.append(f"{name} ends")

    recover_all(prepare_task(RecoveryTask(str(file), ("one", "two"))), watching)
    assert heard == ["one begins", ("one", 1, 2, 0.5), "one ends", "two begins", ("two", 1, 2, 0.5), "two ends"]


def test_the_truth_is_taken_in_grey_where_grey_was_measured(tmp_path, file):
    grey = read_image(file.with_name("truth.npy"))
    write_image(tmp_path / "rgb.npy", grey.expand(3, 8, 8).contiguous())
    problem = prepare_task(RecoveryTask(str(file), ("csdip",), truth=str(tmp_path / "rgb.npy")))
    # The weights of the three channels sum to 1.
    torch.testing.assert_close(problem.truth, grey)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ("one", "one")}, "named once each, got one, one"),
        ({"methods": ()}, "named once each, got none"),
        ({"methods": ("four",)}, "one of one, two, three, got 'four'"),
        ({"preset": "fast"}, "preset is for methods that have presets, got one"),
        ({"assignments": ("size=3",)}, "got 'size'"),
        ({"truth": "other.npy"}, r"shape measured, \(1, 8, 8\), got \(1, 9, 8\) \(`size` 8x8 resamples it\)"),
        ({"truth": "other.npy", "size": (8, 6)}, r"shape measured, \(1, 8, 8\), got \(1, 8, 6\) \(`size` 8x8"),
        ({"source": "absent.npz"}, "must name a file that exists"),
        ({"source": "torn.npz"}, "damaged"),
        ({"source": "empty.npz"}, "empty"),
        ({"source": "truth.npy", "sensing": Sensing("gaussian", 65)}, "m must be between 1 and 64, got 65"),
        (
            {"source": "truth.npy", "sensing": Sensing("gaussian", 6), "truth": "truth.npy"},
            "truth is for a measurement",
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
        prepare_task(RecoveryTask(**{"source": str(file), "methods": ("one",), **located}))
    assert stub.seen == []
