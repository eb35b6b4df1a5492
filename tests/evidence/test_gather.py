import dataclasses
import json

import pytest

from untrained.sims.evidence import gather as gathering
from untrained.sims.evidence.gather import (
    BUDGETS,
    FAMILY_LEVEL,
    Dossier,
    gather,
    gather_all,
    interval_level,
    judge_all,
)
from untrained.sims.record.entries import claim_entry
from untrained.theory.claim import Constant, listed
from untrained.theory.evidence import Counted, Searched, Symbolic
from untrained.theory.ledger import in_order_of_need, ledger

PROVES, REFUTES = Symbolic(("a",), (), "."), Symbolic(("a",), ("x",), ".")
FAST = [
    "oymak19.step.rate",
    "own.meta_path",
    "own.lemB1_200",
    "vanveen18.lemC3",
    "vanveen18.lemC4",
    "vanveen18.lemB2.ceiling.printed",
    "vanveen18.lemB2.ceiling.corrected",
]


def entries(gathered):
    """What a run would write as JSON, apart from the time it took."""
    judged = judge_all({g.id: g for g in gathered})
    return {i: json.dumps(claim_entry(j, {"seed": 0}), sort_keys=True) for i, j in judged.items()}


@pytest.fixture(scope="module")
def on_one():
    return list(gather_all(FAST, "quick", 0, 1))


@pytest.mark.parametrize("claim_id", FAST)
def test_gathering_again_gives_identical_evidence(claim_id, on_one):
    again, before = gather(claim_id, "quick", 0), next(g for g in on_one if g.id == claim_id)
    assert (again.evidence, again.controls) == (before.evidence, before.controls)


def test_another_seed_gives_other_evidence():
    first, second = gather("vanveen18.lemC3", "quick", 0), gather("vanveen18.lemC3", "quick", 1)
    assert first.evidence != second.evidence
    assert first.evidence[0] == second.evidence[0]


def test_two_processes_give_the_same_entries_as_one(on_one):
    on_two = list(gather_all(FAST, "quick", 0, 2))
    assert entries(on_two) == entries(on_one)


def test_an_error_on_a_process_comes_through():
    with pytest.raises(KeyError, match="no such budget"):
        list(gather_all(["oymak19.step.rate"], "no such budget", 0, 2))


def test_what_a_claim_needs_is_gathered_before_it(on_one):
    assert [g.id for g in on_one] == in_order_of_need(FAST)
    assert {"oymak19.averaged_jacobian", "oymak19.stays_inside"} <= {g.id for g in on_one} - set(FAST)


def test_what_is_done_is_passed_on_and_not_repeated(monkeypatch):
    repeated = []

    def gathers(function, arguments, workers):
        repeated.extend(claim_id for _, claim_id, *_ in arguments)
        return (Dossier(claim_id, (), {}, 0.0) for _, claim_id, *_ in arguments)

    monkeypatch.setattr(gathering, "on_processes", gathers)
    done = {"vanveen18.lemC3": Dossier("vanveen18.lemC3", (PROVES,), {}, 1.5)}
    dossiers = {g.id: g for g in gather_all(["vanveen18.lemC2"], "quick", 0, 1, done)}
    assert dossiers["vanveen18.lemC3"] is done["vanveen18.lemC3"]
    assert repeated == [i for i in in_order_of_need(["vanveen18.lemC2"]) if i not in done]


def test_the_routes_run_in_order_on_the_claim_and_on_every_sibling(on_one):
    dossiers = {g.id: g for g in on_one}
    claim = ledger()["vanveen18.lemC4"]
    kinds = [type(e).__name__ for e in gathering.gather_routes(claim, BUDGETS["quick"], 0, ledger(), shrink=False)]
    assert len(kinds) >= 2
    assert kinds == sorted(kinds, key=["Symbolic", "Enclosed", "Exact", "Searched", "Counted"].index)
    assert [type(e).__name__ for e in dossiers[claim.id].evidence] == kinds
    assert set(dossiers[claim.id].controls) == {control.name for control in claim.controls}
    for evidence in dossiers[claim.id].controls.values():
        assert [type(e).__name__ for e in evidence] == kinds


@pytest.mark.parametrize("budget", [BUDGETS["quick"], BUDGETS["standard"]], ids=lambda b: b.name)
def test_a_budget_scales_examples_and_trials(budget):
    claim = dataclasses.replace(ledger()["own.lemB1_200"], proofs=(), exact=None)
    counts = gathering.gather_routes(claim, budget, 0, ledger(), shrink=True)
    assert [e.trials for e in counts] == [claim.count.trials * budget.trials_factor] * 2
    searched = next(c for c in ledger().values() if c.search and c.search.effort == 1 and not c.count)
    search = dataclasses.replace(searched, proofs=(), exact=None)
    (outcome,) = gathering.gather_routes(search, budget, 0, ledger(), shrink=True)
    assert isinstance(outcome, Searched)
    assert outcome.draws == budget.examples


def test_the_level_of_an_interval_is_split_over_every_cell_of_the_ledger(on_one):
    cells = 0
    for claim in ledger().values():
        cells += len(listed(claim.count.cells, claim.values)) * (1 + len(claim.controls)) if claim.count else 0
    assert interval_level() == FAMILY_LEVEL / cells
    levels = {e.level for g in on_one for e in g.evidence if isinstance(e, Counted)}
    levels |= {e.level for g in on_one for evidence in g.controls.values() for e in evidence if isinstance(e, Counted)}
    assert levels == {interval_level()}


def by_hand(**evidence):
    """Made-up evidence on the claims of Lemma C.2, controls refuted; what else they need is proved."""
    by_id = {f"vanveen18.{name}": piece for name, piece in evidence.items()}
    return {
        i: Dossier(i, (by_id.get(i, PROVES),), {ledger()[i].controls[0].name: (REFUTES,)}, 0.0)
        for i in in_order_of_need(by_id)
    }


SUPPORTS = Searched(5, 5, 5, 1.0, {"n": 1})


@pytest.mark.parametrize(
    ("need", "status"), [(PROVES, "PROVED"), (REFUTES, "INCONCLUSIVE"), (SUPPORTS, "SUPPORTED")], ids=str
)
def test_a_proof_is_judged_by_what_it_needs(need, status):
    judged = judge_all(by_hand(lemC2=PROVES, lemC3=need, lemC4=PROVES))
    assert judged["vanveen18.lemC2"].verdict.status == status
    assert judged["vanveen18.lemC4"].verdict.status == "PROVED"


def test_verdicts_stand_in_the_order_of_the_ledger():
    judged = judge_all(by_hand(lemC2=PROVES, lemC4=PROVES, lemC3=PROVES))
    assert list(judged) == [i for i in ledger() if i in judged]
    assert {"vanveen18.lemC3", "vanveen18.lemC4", "vanveen18.lemC2"} <= set(judged)


def test_false_siblings_are_judged_on_their_own():
    judged = judge_all(by_hand(lemC3=PROVES))
    assert judged["vanveen18.lemC3"].control_verdicts["per_rank_1.999"].status == "REFUTED"


def test_a_claim_with_a_fitted_constant_is_at_most_consistent():
    claim = ledger()["vanveen18.lemC3"]
    fitted = dataclasses.replace(claim, constants={**claim.constants, "per_rank": Constant(2, kind="fitted")})
    claims = {**ledger(), claim.id: fitted}
    assert judge_all(by_hand(lemC3=PROVES), claims)[claim.id].verdict.status == "CONSISTENT"
