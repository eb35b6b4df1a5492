"""`untrained check` as a user meets it, in this process."""

import json

import pytest

NETWORK = """
from torch import nn, randn

def factory():
    layers = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(4, 1, 1), nn.Tanh()
    return nn.Sequential(*layers), randn(1, 4, 4, 4)

def alone():
    return factory()[0]

def broken():
    raise RuntimeError("no weights today")

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.code = nn.Linear(4, 16), nn.Linear(4, 9)

    def forward(self, z):
        return {"image": self.image(z), "code": self.code(z)}

def several():
    return Two(), randn(1, 4)

def noisy():
    return nn.Sequential(factory()[0], nn.Dropout(0.5)), randn(1, 4, 4, 4)
"""
QUICK = ("--seeds", 1, "--steps", 5)


@pytest.fixture
def run(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK)
    return lambda *arguments: untrained("check", *arguments)


def test_a_factory_in_a_file_is_examined(run, tmp_path):
    result = run("net.py:factory", *QUICK, "--m", 20, "--out", "page.png", "--json", "found.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert "For a 8x8 image and m = 20 this network is" in result.stdout
    assert (tmp_path / "page.png").stat().st_size > 10_000
    report = json.loads((tmp_path / "found.json").read_text())
    assert [one["name"] for one in report["networks"]] == ["net.py:factory"]
    assert {one["name"] for one in report["networks"][0]["conditions"]} >= {"A1", "A2", "A3", "RIP", "sensing"}


def test_other_measurements_have_their_own_counts(run):
    result = run("net.py:factory", *QUICK, "--operator", "superres", "--factor", 2)
    assert "m = 16" in result.stdout


def test_one_of_several_outputs_is_taken_and_named(run, tmp_path):
    for options, where, image in (((), "image", [1, 4, 4]), (("--part", "code"), "code", [1, 3, 3])):
        result = run("net.py:several", *QUICK, *options, "--json", "found.json")
        assert (result.returncode, result.stderr) == (0, "")
        facts = json.loads((tmp_path / "found.json").read_text())["networks"][0]["facts"]
        assert facts["image"] == image
        assert f"of the 2 tensors of its output (['image'], ['code']) ['{where}'] is taken" in facts["notes"]
    assert (
        "--part must be of the output, a dict (with ['image'], ['code']), got 3"
        in run("net.py:several", *QUICK, "--part", "3").stderr
    )


def test_networks_stand_side_by_side_and_each_has_its_page(run, tmp_path):
    result = run("net.py:factory", "two-layer@n=16,d=60,k=4", *QUICK, "--out", "page.svg")
    assert result.returncode == 0
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "page-net-py-factory.svg",
        "page-two-layer-n-16-d-60-k-4.svg",
    }


def test_one_that_cannot_be_examined_does_not_keep_the_others_back(run):
    result = run("net.py:noisy", "net.py:factory", *QUICK)
    assert result.returncode == 2
    assert "For a 8x8 image" in result.stdout
    assert len(result.stderr.splitlines()) == 1
    assert "Dropout" in result.stderr


def test_an_interrupt_keeps_what_was_found(run, tmp_path, monkeypatch):
    from untrained.sims.diagnosis import examination as examine

    whole, calls = examine.check, []

    def once(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return whole(*arguments, **options)

    monkeypatch.setattr(examine, "check", once)
    result = run("net.py:factory", "net.py:factory", *QUICK, "--json", "found.json")
    assert result.returncode == 130
    assert result.stderr == "untrained: interrupted after 1 of 2 networks\n"
    assert len(json.loads((tmp_path / "found.json").read_text())["networks"]) == 1


def test_a_network_that_fails_on_the_way_is_one_sentence(run, monkeypatch):
    from untrained.sims.diagnosis import examination as examine

    def fails(*arguments, **options):
        raise RuntimeError("out of\nluck")

    monkeypatch.setattr(examine, "check", fails)
    result = run("net.py:factory", *QUICK)
    assert result.returncode == 2
    assert result.stderr == "untrained: net.py:factory failed, with out of luck\n"


def test_a_module_alone_takes_the_shape_of_its_input(run):
    assert "8x8" in run("net.py:alone", *QUICK, "--latent-shape", "1,4,4,4").stdout
    result = run("net.py:alone", *QUICK)
    assert result.returncode == 2
    assert "latent" in result.stderr


def test_only_some_weights_may_train(run):
    assert "4 weights that train" in run("net.py:factory", *QUICK, "--param-filter", "3.weight").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.py"], "network must be FILE.py:FACTORY"),
        (["absent.py:factory"], "file"),
        (["net.py:broken"], "no weights today"),
        (["net.py:missing"], "missing"),
        (["net.py:factory", "--m", "1000"], "--m must be between 1 and 64, got 1000"),
        (["net.py:factory", "--denoise", "0"], "--denoise must lie between 0 and 10, got 0"),
        (["net.py:factory", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["net.py:factory", "--target", "absent.png"], "absent.png"),
        (["net.py:factory", "--target", "example:none"], "none"),
        (["net.py:factory", "--out", "page.txt"], "--out must end in"),
        (["net.py:factory", "--json", "nowhere/found.json"], "--json must name a file"),
        (["net.py:factory", "--param-filter", "("], "param filter must be a regular expression"),
        (["net.py:factory", "--latent-shape", "a,b"], "latent shape"),
    ],
)
def test_bad_input_is_one_sentence(run, arguments, message):
    result = run(*arguments, *(QUICK if "--seeds" not in arguments else ()))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr


def test_the_help_says_that_the_file_is_run(run):
    assert "is run, so trust it first" in " ".join(run("--help").stdout.split())
