"""The ledger: every claim of every paper, found in its folder and checked to hang together."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from untrained.theory import papers as claims_folder
from untrained.theory.claim import Claim


@lru_cache(maxsize=1)
def ledger() -> Mapping[str, Claim]:
    """Return every claim by id, in the order of its paper."""
    modules = sorted(module.name for module in pkgutil.iter_modules(claims_folder.__path__))
    claims = [c for name in modules for c in importlib.import_module(f"untrained.theory.papers.{name}").CLAIMS]
    by_id = {claim.id: claim for claim in claims}
    if len(by_id) < len(claims):
        twice = sorted({c.id for c in claims if sum(o.id == c.id for o in claims) > 1})
        raise ValueError(f"claim ids must be unique, got {twice} more than once")
    check_needs(by_id)
    return by_id


def check_needs(by_id: Mapping[str, Claim]) -> None:
    """Refuse claims that need one that is not there, or each other in a circle.

    Raises
    ------
    ValueError
        where they do.
    """
    for claim in by_id.values():
        missing = [name for name in (*claim.needs, *claim.reads) if name not in by_id]
        if missing:
            raise ValueError(f"claim {claim.id} needs unknown claims {missing}")
    try:
        TopologicalSorter({c.id: c.needs for c in by_id.values()}).prepare()
    except CycleError as error:
        raise ValueError(f"claims must not need each other in a circle, got {error.args[1]}") from error


def theorems_assumed(claim: Claim, by_id: Mapping[str, Claim] | None = None) -> tuple[str, ...]:
    """The theorems of textbooks that a claim rests on, itself or through the claims that it needs, in order of id."""
    by_id = ledger() if by_id is None else by_id
    theorems, waiting, visited = set(), list(claim.needs), set()
    while waiting:
        name = waiting.pop()
        if name not in visited:
            visited.add(name)
            waiting.extend(by_id[name].needs)
            theorems |= {name} if by_id[name].is_textbook else set()
    return tuple(sorted(theorems))


def in_order_of_need(ids: Iterable[str], by_id: Mapping[str, Claim] | None = None) -> list[str]:
    """Order claims so that each comes after those it needs, adding the needed ones."""
    by_id = ledger() if by_id is None else by_id
    graph: dict[str, tuple[str, ...]] = {}
    waiting = list(ids)
    while waiting:
        name = waiting.pop()
        if name not in graph:
            graph[name] = by_id[name].needs
            waiting.extend(by_id[name].needs)
    position = {name: i for i, name in enumerate(by_id)}
    ordered = TopologicalSorter({k: sorted(graph[k], key=position.__getitem__) for k in sorted(graph)})
    return list(ordered.static_order())


def select_claims(names: Sequence[str], by_id: Mapping[str, Claim] | None = None) -> list[str]:
    """Return the claim ids that the names stand for: an id or the front of ids up to a dot, paper key optional.

    They are chosen among the ledger's by default.

    Raises
    ------
    ValueError
        where a name stands for no claim; the sentence offers the nearest ids.
    """
    by_id = ledger() if by_id is None else by_id
    chosen: list[str] = []
    for name in (front.rstrip(".") for front in names) if names else by_id:
        hits = [i for i in by_id if f"{i}.".startswith(f"{name}.") or f"{i.partition('.')[2]}.".startswith(f"{name}.")]
        if not hits:
            raise ValueError(_unknown(name, by_id))
        chosen += [i for i in hits if i not in chosen]
    return chosen


def _unknown(name: str, by_id: Mapping[str, Claim]) -> str:
    near = _nearest(name[:60], by_id)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    short = name if len(name) <= 60 else f"{name[:57]}..."
    return f"claim id must be one that `untrained claims` lists, or its front up to a dot, got {short!r}{hint}"


def _nearest(name: str, by_id: Mapping[str, Claim]) -> list[str]:
    """Up to three ids, or fronts of ids, that a name may mean, be it the label that a paper gives: Lemma B.2."""
    fronts = {front: None for claim_id in by_id for front in _fronts(claim_id)}
    names: dict[str, str] = {}
    for front in sorted(fronts, key=lambda front: front.count(".")):
        for alias in (front, front.partition(".")[2]):
            names.setdefault(_plain(alias), front)
    same = names.get(_plain(name))
    near = difflib.get_close_matches(_plain(name), [alias for alias in names if alias], n=3, cutoff=0.5)
    return [same] if same else list(dict.fromkeys(names[alias] for alias in near))


def _fronts(claim_id: str) -> Iterable[str]:
    """The fronts of an id up to each of its dots, and the id itself, but not the key of its paper alone."""
    parts = claim_id.split(".")
    return (".".join(parts[:end]) for end in range(2, len(parts) + 1))


_WORDS = {"lemma": "lem", "theorem": "thm", "equation": "eq", "algorithm": "alg"}
"""Words of labels as ids have them."""


def _plain(name: str) -> str:
    """A name or label in small letters and figures alone: lemb2 for lemB2 and for Lemma B.2."""
    words = re.findall(r"[a-z]+|\d+", name.casefold())
    return "".join(_WORDS.get(word, word) for word in words)
