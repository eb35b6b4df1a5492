"""`untrained claims`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli import console


def claims_command(
    claim: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAPER.py] ID", help="A claim, or the front of ids up to a dot; of your own file."),
    ] = None,
) -> None:
    """List the claims, or say one in words and formula with its source, its tests and its latest verdict."""
    from untrained.figures.verdict_table import claim_page
    from untrained.sims.evidence.papers import paper_and_names
    from untrained.sims.record.store import read_all
    from untrained.theory.ledger import select_claims

    paper, names = paper_and_names(claim or [])
    if len(names) > 1:
        raise ValueError(f"claim must be one id or the front of ids, got {len(names)}")
    ids, record, screen = select_claims(names, paper.listed), read_all("claim"), console.stdout()
    alone = names[0] if names and names[0] in ids else ids[0] if len(ids) == 1 else None
    if alone:
        for name, text in claim_page(alone, record.get(alone), read_all("mutants").get(alone), paper.claims):
            screen.print(f"{name:>14}  {text}", highlight=False, markup=False, soft_wrap=True)
        return
    for claim_id in ids:
        verdict = record.get(claim_id, {}).get("verdict", "UNTESTED")
        line = f"{claim_id:<42} {verdict:<13} {paper.claims[claim_id].sentence}"
        screen.print(line, highlight=False, markup=False, soft_wrap=True)
