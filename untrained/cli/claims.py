"""`untrained claims`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli import console


def claims_command(
    claim: Annotated[str | None, typer.Argument(metavar="ID", help="A claim, or the front of ids up to a dot.")] = None,
) -> None:
    """List the claims, or say one in words and formula with its source, its tests and its latest verdict."""
    from untrained.figures.verdict_table import claim_page
    from untrained.sims.record.store import read_all
    from untrained.theory.ledger import ledger, select_claims

    ids, record, screen = select_claims([claim] if claim else []), read_all("claim"), console.stdout()
    alone = claim if claim in ids else ids[0] if len(ids) == 1 else None
    if alone:
        for name, text in claim_page(alone, record.get(alone)):
            screen.print(f"{name:>14}  {text}", highlight=False, markup=False, soft_wrap=True)
        return
    for claim_id in ids:
        verdict = record.get(claim_id, {}).get("verdict", "UNTESTED")
        line = f"{claim_id:<42} {verdict:<13} {ledger()[claim_id].sentence}"
        screen.print(line, highlight=False, markup=False, soft_wrap=True)
