"""Statements with other numbers, other premises, or fewer hypotheses, as the evidence of their claims sees them."""

from functools import cache

from untrained.sims.evidence.mutants import Bench
from untrained.theory.ledger import ledger
from untrained.theory.verdict import finding


@cache
def bench():
    return Bench(ledger())


def outcome(claim_id, *, without=(), **constants):
    """Whether a statement with other constants, or without hypotheses, is affirmed, lost or refuted."""
    return bench().outcome(ledger()[claim_id].pushed(constants).without(*without))


def proof_says(claim_id, *, without=(), records=None, number=0, **constants):
    """What a claim's proof says with other constants of its own, or of records: {id: {constant: value}}."""
    claims = dict(ledger())
    for name, values in (records or {}).items():
        claims[name] = claims[name].pushed(values)
    claim = claims[claim_id].pushed(constants).without(*without)
    return finding(claim.proofs[number](claim.premises(claims)))
