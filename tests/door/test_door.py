"""The public door: what it offers, how fast it opens, and what its records say of themselves."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import untrained
from untrained.results import ClaimList, Examination, RecoveredImage, StudyRows, Verdicts

HEAVY = ("numpy", "torch", "scipy", "sympy", "typer", "rich", "matplotlib", "hypothesis")
TINY = f"{Path(__file__).parents[1] / 'experiments' / 'tiny.py'}:TINY"


def loaded(script):
    """The heavy libraries that a script imports, in a process of its own."""
    script += f"; import sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_all_is_sorted_and_everything_in_it_is_there():
    assert list(untrained.__all__) == sorted(untrained.__all__)
    assert all(getattr(untrained, name) for name in untrained.__all__)
    assert dir(untrained) == sorted([*untrained.__all__, "__version__"])
    assert untrained.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        untrained.nothing  # noqa: B018


def test_importing_it_imports_no_library():
    assert loaded("import untrained") == []


COMMAND = """
import sys
from untrained import cli
sys.argv = ["untrained", *{arguments}]
try:
    cli.main()
except SystemExit as ended:
    assert ended.code == 0
print(*[name for name in {heavy} if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], {"typer", "rich"}),
        (["verify", "--help"], {"typer", "rich"}),
        (["check", "--help"], {"typer", "rich"}),
        (["claims"], {"typer", "rich", "numpy", "scipy", "sympy", "flint"}),
    ],
)
def test_what_needs_no_mathematics_imports_none(arguments, allowed):
    script = COMMAND.format(arguments=arguments, heavy=HEAVY)
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(process.stdout.splitlines()[-1].split()) <= allowed


def test_claims_are_listed_by_the_front_of_their_ids():
    claims = untrained.claims("vanveen18.lemB4")
    assert isinstance(claims, ClaimList)
    assert all(claim.id.startswith("vanveen18.lemB4") for claim in claims)
    assert claims["vanveen18.lemB4"].verdict == "PROVED"
    assert "vanveen18.lemB4.relu" in str(claims)
    assert "<table>" in claims._repr_html_()
    assert "$$" in claims["vanveen18.lemB4"]._repr_html_()
    with pytest.raises(ValueError, match="nobody"):
        untrained.claims("nobody")


def test_a_claim_is_judged_as_the_command_judges_it(record):
    verdicts = untrained.verify("vanveen18.lemB4.relu")
    assert isinstance(verdicts, Verdicts)
    assert list(verdicts) == ["vanveen18.lemB4.relu"]
    assert verdicts["vanveen18.lemB4.relu"] == record["vanveen18.lemB4.relu"]["verdict"] == "PROVED"
    assert verdicts.contradictions == ()
    assert str(verdicts).splitlines()[1].startswith("vanveen18.lemB4.relu  PROVED")
    assert "PROVED" in verdicts._repr_html_()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seed": -1}, "^seed must be a non-negative integer, got -1$"),
        ({"budget": "small"}, "^budget must be one of quick, standard, deep, got 'small'$"),
        ({"workers": 0}, "^workers must be at least 1, got 0$"),
    ],
)
def test_bad_input_names_the_argument(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        untrained.verify("vanveen18.lemB4.relu", **options)


def test_an_image_is_measured_and_recovered():
    image = untrained.image("example:camera", size=16, grey=True)
    operator = untrained.operators.gaussian((1, 16, 16), 200, seed=1)
    measurement = untrained.measure(image, operator)
    recovered = untrained.recover(measurement.y, operator, method="tv", truth=image)
    assert isinstance(recovered, RecoveredImage)
    assert tuple(recovered.image.shape) == (1, 16, 16)
    assert float((recovered.image - image).square().mean()) == pytest.approx(recovered.recovery.scores["mse"])
    assert recovered.recovery.scores["mse"] < 0.02
    assert "outcome" in str(recovered)
    assert recovered.plot().axes
    with pytest.raises(ValueError, match=r"^method must be one of"):
        untrained.recover(measurement.y, operator, method="magic")


def test_a_network_is_checked():
    module = torch.nn.Sequential(torch.nn.Linear(3, 40), torch.nn.ReLU(), torch.nn.Linear(40, 16))
    report = untrained.check(module, torch.ones(1, 3), seeds=1, steps=3)
    assert isinstance(report, Examination)
    assert "condition" in str(report)
    assert report["A1"] in str(report)
    assert "<table>" in report._repr_html_()
    assert report.plot().axes


def test_a_study_is_swept_in_this_process(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_MARKS", str(tmp_path))
    rows = untrained.sweep(TINY, "n=1,2 x=0.5", seeds=2, store=tmp_path / "tiny.sqlite")
    assert isinstance(rows, StudyRows)
    assert [(row["n"], row["seed"]) for row in rows] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert str(rows).splitlines()[0].split()[:1] == ["n"]
    assert rows.plot().axes[0].get_xlabel() == "n"
    again = untrained.sweep(TINY, "n=1,2 x=0.5", seeds=2, store=tmp_path / "tiny.sqlite")
    assert list(again) == list(rows)
    with pytest.raises(ValueError, match="column must be one of numbers"):
        rows.plot("nothing")
