"""Every claim of the ledger, judged anew; `pytest -k lemB2` runs those of Lemma B.2."""

import pytest

from untrained.sims.evidence.verify import gather
from untrained.sims.record.store import code_version
from untrained.theory.ledger import ledger
from untrained.theory.verdict import contradicts, judge


@pytest.mark.parametrize("claim_id", list(ledger()))
def test_claim(claim_id, record):
    """Fresh quick evidence does not contradict the record, and it has the power to refute."""
    claim, seen = ledger()[claim_id], gather(claim_id, "quick", 0)
    needs = {need: record[need]["verdict"] for need in claim.needs}
    fitted = any(constant.kind == "fitted" for constant in claim.constants.values())
    verdict = judge(seen.evidence, seen.controls, needs, fitted=fitted)
    assert not contradicts(verdict.status, record[claim_id]["verdict"]), verdict.why
    if verdict.status != "CONSISTENT":
        assert verdict.controls_missed == ()
    assert verdict.status != "UNTESTED"


def test_the_record_holds_every_claim_and_no_other(record):
    assert sorted(record) == sorted(ledger())


def test_the_record_was_made_by_this_code(record):
    assert {entry["code"].partition("+")[2] for entry in record.values()} == {code_version().partition("+")[2]}
