import importlib
import json
import pkgutil
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from untrained.theory import papers as folder
from untrained.theory.claim import Claim, Source, listed
from untrained.theory.ledger import in_order_of_need, ledger, select_claims, theorems_assumed

ROOT = Path(__file__).parents[2]
IDS = list(ledger())
ROUTES = ("proofs", "exact", "search", "count")
PAPERS = {module.name for module in pkgutil.iter_modules(folder.__path__)}
each_claim = pytest.mark.parametrize("claim_id", IDS)


@each_claim
def test_an_id_is_names_joined_by_dots(claim_id):
    assert re.fullmatch(r"[a-z0-9]+(\.[A-Za-z0-9_]+)+", claim_id)


@each_claim
def test_a_claim_is_filed_under_its_id(claim_id):
    assert ledger()[claim_id].id == claim_id


@each_claim
def test_the_paper_is_the_front_of_the_id(claim_id):
    paper = claim_id.partition(".")[0]
    assert paper in PAPERS
    assert ledger()[claim_id].source.paper == paper


@each_claim
def test_a_claim_is_told_in_words_and_formula(claim_id):
    claim = ledger()[claim_id]
    for text in (claim.sentence, claim.formula, claim.refuted_by, claim.source.label):
        assert text.strip() == text != ""


@each_claim
def test_a_claim_has_a_route(claim_id):
    assert any(getattr(ledger()[claim_id], route) for route in ROUTES)


@each_claim
def test_every_control_makes_a_false_sibling_of_its_own(claim_id):
    claim = ledger()[claim_id]
    names = [control.name for control in claim.controls]
    assert names
    assert len(set(names)) == len(names)
    for control in claim.controls:
        sibling = claim.sibling(control)
        assert sibling.values != claim.values or len(sibling.hypotheses) < len(claim.hypotheses)


@each_claim
def test_every_parameter_of_a_counted_cell_is_given(claim_id):
    claim = ledger()[claim_id]
    needed = {s for draw in claim.law.values() for s in draw.shape if isinstance(s, str)}
    for cell in listed(claim.count.cells, claim.values) if claim.count else ():
        assert needed - set(claim.law) <= set(cell)


@each_claim
def test_every_record_that_a_claim_names_is_read_by_its_proof(claim_id):
    claim = ledger()[claim_id]
    premises = claim.premises(ledger())
    watched = replace(premises, records=Watched(premises.records))
    for proof in claim.proofs:
        proof(watched)
    assert sorted({*claim.needs, *claim.reads} - watched.records.names) == []


class Watched(dict):
    """Records that remember which of them were read."""

    def __init__(self, records):
        super().__init__(records)
        self.names = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("paper", sorted(PAPERS))
def test_every_file_of_a_paper_is_loaded(paper):
    module = importlib.import_module(f"untrained.theory.papers.{paper}")
    files = {path.stem for path in (ROOT / "theory" / "papers" / paper).glob("*.py")} - {"__init__"}
    listed_ = [c.id for c in module.CLAIMS]
    assert listed_ == [i for i in IDS if i.startswith(f"{paper}.")]
    of_files = [c.id for name in files for c in importlib.import_module(f"{module.__name__}.{name}").CLAIMS]
    assert sorted(of_files or listed_) == sorted(listed_)


def test_every_need_is_a_claim_and_comes_before():
    order = in_order_of_need(IDS)
    assert sorted(order) == sorted(IDS)
    place = {name: i for i, name in enumerate(order)}
    late = [(c.id, need) for c in ledger().values() for need in c.needs if not place.get(need, 1e9) < place[c.id]]
    assert late == []


def test_order_of_need_adds_what_is_needed_and_nothing_else():
    ordered = in_order_of_need(["vanveen18.lemC2"])
    assert {"vanveen18.lemC3", "vanveen18.lemC4"} < set(ordered)
    assert ordered[-1] == "vanveen18.lemC2"
    assert in_order_of_need(["vanveen18.sigma"]) == ["vanveen18.sigma"]
    assert in_order_of_need([]) == []


def test_order_of_need_does_not_depend_on_the_order_asked_for():
    assert in_order_of_need(IDS) == in_order_of_need(IDS[::-1])


def test_select_takes_an_id():
    assert select_claims(["vanveen18.lemB3"]) == ["vanveen18.lemB3"]


def test_select_takes_the_front_of_ids_up_to_a_dot():
    assert select_claims(["vanveen18.lemB2"]) == [i for i in IDS if i.startswith("vanveen18.lemB2.")]
    assert select_claims(["own"]) == [i for i in IDS if i.startswith("own.")]


def test_select_does_not_need_the_paper_key():
    assert select_claims(["lemB2"]) == select_claims(["vanveen18.lemB2"])
    assert select_claims(["lemB4.law"]) == ["vanveen18.lemB4.law.printed", "vanveen18.lemB4.law.corrected"]


def test_select_does_not_cut_a_name_in_two():
    with pytest.raises(ValueError, match=r"got 'vanveen18\.lemB'"):
        select_claims(["vanveen18.lemB"])


def test_select_names_each_claim_once_and_in_the_order_asked_for():
    assert select_claims(["own.meta_path", "own.meta_rate", "meta_path"]) == ["own.meta_path", "own.meta_rate"]


def test_select_without_names_is_the_whole_ledger():
    assert select_claims([]) == IDS


def test_an_unknown_name_is_refused_with_the_nearest_ids():
    with pytest.raises(ValueError, match=r"got 'vanveen18\.lemB33'; did you mean vanveen18\.lemB3") as error:
        select_claims(["vanveen18.lemB3", "vanveen18.lemB33"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("lemB22", "vanveen18.lemB2,"),
        ("Lemma B.2", "vanveen18.lemB2?"),
        ("lemma b2", "vanveen18.lemB2?"),
        ("Theorem 4.1", "vanveen18.thm41?"),
        ("eq. (14)", "vanveen18.eq14?"),
        ("sparse width", "own.sparse_width"),
    ],
)
def test_a_label_of_a_paper_or_a_misspelt_front_brings_the_front_that_is_meant(name, nearest):
    with pytest.raises(ValueError, match="did you mean") as error:
        select_claims([name])
    suggestion = str(error.value).partition("did you mean ")[2]
    assert suggestion.startswith(nearest)
    assert select_claims([suggestion.rstrip("?").split(", ")[0]])


def test_an_outlandish_name_is_refused_without_a_suggestion():
    with pytest.raises(ValueError, match=r"up to a dot, got '@@@@'$"):
        select_claims(["@@@@"])


@pytest.fixture
def ledger_of(monkeypatch):
    """Read a ledger of given claims in place of the real one."""

    def read(*claims):
        for paper in PAPERS:
            part = claims if paper == "own" else ()
            monkeypatch.setattr(sys.modules[f"untrained.theory.papers.{paper}"], "CLAIMS", part)
        return ledger.__wrapped__()

    return read


def toy(claim_id, *needs):
    return Claim(claim_id, Source("own", "toy"), "says", "tex", "nothing", needs=needs)


def test_a_ledger_keeps_the_order_of_its_claims(ledger_of):
    assert list(ledger_of(toy("own.b", "own.a"), toy("own.a"))) == ["own.b", "own.a"]


def test_a_ledger_refuses_an_id_that_stands_twice(ledger_of):
    with pytest.raises(ValueError, match=r"must be unique, got \['own\.a'\] more than once"):
        ledger_of(toy("own.a"), toy("own.b"), toy("own.a"))


def test_a_ledger_refuses_a_need_that_is_no_claim(ledger_of):
    with pytest.raises(ValueError, match=r"own\.a needs unknown claims \['own\.c'\]"):
        ledger_of(toy("own.a", "own.b", "own.c"), toy("own.b"))


def test_a_ledger_refuses_needs_in_a_circle(ledger_of):
    with pytest.raises(ValueError, match=r"in a circle, got \['own\.\w', 'own\.\w', 'own\.\w'\]"):
        ledger_of(toy("own.a", "own.b"), toy("own.b", "own.a"))


def test_the_theorems_that_a_claim_rests_on_are_those_of_all_it_needs():
    direct = {i for i in ledger()["vanveen18.lemB1.proof"].needs if i.startswith("textbook.")}
    assert (
        direct
        <= set(theorems_assumed(ledger()["vanveen18.lemB1.proof"]))
        <= set(theorems_assumed(ledger()["own.lemB1_200"]))
    )
    assert theorems_assumed(ledger()["vanveen18.sigma"]) == ()


def test_reading_the_ledger_imports_no_heavy_library():
    heavy = ("torch", "matplotlib", "hypothesis", "skimage")
    script = (
        "import json, sys; from untrained.theory.ledger import ledger; ledger(); print(json.dumps(list(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(run.stdout)
    assert "untrained.theory.papers.own" in loaded
    assert [name for name in heavy if name in loaded] == []
