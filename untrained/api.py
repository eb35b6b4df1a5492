"""The public functions: each checks what it is given, calls the room that does the work, and returns a small record."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untrained.results import (
    ClaimList,
    ClaimSummary,
    ConvergenceProof,
    Coverage,
    Examination,
    Mutants,
    RecoveredImage,
    Reproduction,
    StudyRows,
    Verdicts,
)

if TYPE_CHECKING:
    from untrained.sims.evidence.gather import Dossier
    from untrained.sims.evidence.mutants import MutantReport
    from untrained.sims.evidence.papers import Paper
    from untrained.sims.operators import Operator
    from untrained.sims.recovery.tasks import Pixels
    from untrained.theory.claim import Claim


def claims(prefix: str | None = None) -> ClaimList:
    """List the claims of the ledger, or those whose ids begin with a prefix up to a dot, with recorded verdicts.

    Raises
    ------
    ValueError
        where there is no such claim.
    """
    from untrained.sims.record.store import read_all
    from untrained.theory.ledger import ledger, select_claims

    record = read_all("claim")
    chosen = [ledger()[claim_id] for claim_id in select_claims([prefix] if prefix else [])]
    verdicts = {claim.id: str(record.get(claim.id, {}).get("verdict", "UNTESTED")) for claim in chosen}
    return ClaimList({c.id: ClaimSummary(c.id, verdicts[c.id], c.sentence, c.formula) for c in chosen})


def verify(
    *claims: str | Path | Sequence[Claim], budget: str = "quick", seed: int = 0, workers: int | None = None
) -> Verdicts:
    """Judge claims (all of them by default) with fresh evidence, in this process or on so many workers.

    Ids, or the front of ids up to a dot. Before them may stand your own paper, a Python file or a list of claims, which
    are then those to choose from. `budget` is quick, standard or deep. The same seed gives the same numbers.

    Raises
    ------
    ValueError
        where a claim or budget is unknown, the seed below 0 or the number of workers below 1.
    """
    from untrained.sims.evidence.gather import check_request, gather_all, gather_in
    from untrained.theory.ledger import in_order_of_need

    check_request(budget, seed, workers)
    paper, ids = _chosen(claims, workers)
    if workers is None:
        with _one_thread():
            needed = in_order_of_need(ids, paper.claims)
            dossiers = {claim_id: gather_in(paper, claim_id, budget, seed) for claim_id in needed}
    else:
        dossiers = {one.id: one for one in gather_all(ids, budget, seed, workers, paper=paper)}
    verdicts = verdicts_of(dossiers, budget, seed, paper)
    return replace(verdicts, entries={i: e for i, e in verdicts.entries.items() if i in ids})


def mutants(*claims: str | Path | Sequence[Claim], seed: int = 0, workers: int | None = None) -> Mutants:
    """Push every constant of claims and drop every hypothesis, and say where affirmation ends and refutation begins.

    Claims are named as for `verify`; the whole ledger takes minutes.

    Raises
    ------
    ValueError
        where a claim is unknown, the seed below 0 or the number of workers below 1.
    """
    from untrained.sims.evidence.gather import check_request
    from untrained.sims.evidence.mutants import mutate_all, mutate_in

    check_request("quick", seed, workers)
    paper, ids = _chosen(claims, workers)
    if workers is None:
        with _one_thread():
            return mutants_of([mutate_in(paper, claim_id, seed) for claim_id in ids], seed, paper)
    reports = {one.id: one for one in mutate_all(ids, seed, workers, paper)}
    return mutants_of([reports[claim_id] for claim_id in ids], seed, paper)


def _chosen(claims: Sequence[str | Path | Sequence[Claim]], workers: int | None) -> tuple[Paper, list[str]]:
    """The paper that comes first, the ledger where none does, and the ids that are named."""
    from untrained.sims.evidence.papers import paper_and_names, paper_of
    from untrained.theory.ledger import select_claims

    if claims and not isinstance(claims[0], str | Path):
        if workers is not None:
            raise ValueError(f"workers is for claims by id or in a file, got {workers} for a list")
        paper, names = paper_of(list(claims[0])), list(map(str, claims[1:]))
    else:
        paper, names = paper_and_names([str(name) for name in claims])
    return paper, select_claims(names, paper.listed)


def verdicts_of(dossiers: Mapping[str, Dossier], budget: str, seed: int, paper: Paper | None = None) -> Verdicts:
    """Judge what was gathered with a budget and a seed, beside the committed record and its brackets."""
    from untrained.sims.evidence.gather import judge_all
    from untrained.sims.evidence.papers import LEDGER
    from untrained.sims.record.entries import claim_entry
    from untrained.sims.record.store import read_all

    paper = LEDGER if paper is None else paper
    recorded = {claim_id: entry["verdict"] for claim_id, entry in read_all("claim").items()}
    judgements, header = judge_all(dossiers, paper.claims), {"budget": budget, "seed": seed}
    entries = {
        i: {**claim_entry(j, header, paper.claims), "seconds": round(j.dossier.seconds, 3)}
        for i, j in judgements.items()
    }
    for claim_id, ends in _recorded_brackets(entries, paper).items():
        entries[claim_id]["brackets"] = ends
    return Verdicts(entries, recorded, frozenset(paper.own))


def _recorded_brackets(entries: Mapping[str, Mapping[str, Any]], paper: Paper) -> dict[str, list[dict[str, Any]]]:
    """The brackets of claims in the record of mutants, as JSON, by claim."""
    from untrained.figures.mutant_tables import current_brackets
    from untrained.sims.record.entries import json_value
    from untrained.sims.record.store import read_all

    verdicts = {i: str(entry["verdict"]) for i, entry in entries.items()}
    claims = {i: paper.claims[i] for i in entries if i not in paper.own}
    by_claim: dict[str, list[dict[str, Any]]] = {}
    for one in current_brackets(read_all("mutants"), claims, verdicts):
        by_claim.setdefault(one.claim, []).append({**json_value(asdict(one)), "sharp": one.is_sharp})
    return by_claim


def mutants_of(reports: Sequence[MutantReport], seed: int, paper: Paper | None = None) -> Mutants:
    """The mutants of claims as entries of the record, and what they come to."""
    from untrained.sims.evidence.mutants import pushes_seen
    from untrained.sims.evidence.papers import LEDGER
    from untrained.sims.record.brackets import report_to_json

    claims = (LEDGER if paper is None else paper).claims
    entries = {one.id: {**report_to_json(one), "seed": seed, "version": claims[one.id].version} for one in reports}
    return Mutants(entries, *pushes_seen(reports))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Linear algebra on one thread: sums do not depend on how many cores there are."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def recover(
    y: Any,
    operator: Operator | None = None,
    method: str | None = None,
    *,
    preset: str | None = None,
    network: Any = None,
    truth: Any = None,
    seed: int = 0,
    device: str = "cpu",
    **settings: Any,
) -> RecoveredImage:
    """Recover the image (C, H, W) on [-1, 1] from y = A x + noise, y of shape (m,).

    y is numbers (complex ones stand for real parts, then imaginary ones), or a `Measurement`, which brings its
    operator. `network` (a name, `FILE.py:FACTORY` or a module) is for csdip; `preset` and other settings are those of
    the method, such as steps=200. `truth` (C, H, W) is for scores.

    Raises
    ------
    ValueError
        where y, the operator or a setting is not as it must be; the sentence names which.
    """
    from untrained.sims.recovery.recover import recover

    options = {"preset": preset, "network": network, "truth": truth, "seed": seed, "device": device}
    return RecoveredImage(recover(y, operator, method, **options, **settings))


def denoise(image: Any, sigma: float | None = None, method: str = "conv-decoder", **options: Any) -> RecoveredImage:
    """Denoise an image (C, H, W) on [-1, 1], whose noise has deviation sigma (on 0 to 255), estimated where it is None.

    `options` are those of `recover`; the preset is "fast" where the method has it and none is named.

    Raises
    ------
    ValueError
        where the image, sigma or an option is not as it must be; the sentence names which.
    """
    from untrained.sims.recovery.denoising import PixelNoise

    return _of_pixels(image, PixelNoise(sigma, noisy=True), method, options)


def inpaint(
    image: Any, known: Any = None, sigma: float | None = None, method: str = "csdip", **options: Any
) -> RecoveredImage:
    """Fill in the pixels of an image (C, H, W) on [-1, 1] that are not `known`, bool of (H, W); by default, the NaN.

    The noise of the others has deviation sigma (on 0 to 255), estimated where it is None; with 0 they are copied.
    `options` are those of `denoise`.

    Raises
    ------
    ValueError
        where the image, known, sigma or an option is not as it must be; the sentence names which.
    """
    from untrained.sims.recovery.pixel_tasks import KnownPixels, known_part

    pixels, mask = known_part(image, known)
    return _of_pixels(pixels, KnownPixels(mask, sigma), method, options)


def upscale(
    image: Any, factor: int = 2, sigma: float | None = None, method: str = "tv", **options: Any
) -> RecoveredImage:
    """Recover an image of `factor` times the sides, whose means of blocks are the pixels of one (C, H, W) on [-1, 1].

    The pixels have noise of deviation sigma (on 0 to 255), or none; `options` are those of `denoise`.

    Raises
    ------
    ValueError
        where the image, the factor, sigma or an option is not as it must be; the sentence names which.
    """
    from untrained.sims.recovery.pixel_tasks import BlockMeans

    return _of_pixels(image, BlockMeans(factor, sigma), method, options)


def _of_pixels(image: Any, pixels: Pixels, method: str, options: Mapping[str, Any]) -> RecoveredImage:
    """Recover from pixels, with a preset where one is usual, and the sentences of what was decided."""
    from untrained.sims.operators.measurements import image_tensor
    from untrained.sims.recovery import recover, tasks
    from untrained.sims.recovery.pixel_tasks import one_image, with_known_copied
    from untrained.sims.runtime import library_defaults

    preset = tasks.usual_preset([method], options.get("preset"))
    with library_defaults():  # the noise may be estimated by a fit
        measurement, notes = tasks.with_noise_level(pixels.measurement(one_image(image)), pixels)
    recovery = recover.recover(measurement, method=method, **{**options, "preset": preset})
    recovery = with_known_copied(recovery, measurement, pixels)
    if options.get("truth") is not None:
        truth = image_tensor("truth", options["truth"]).cpu()
        recovery = replace(recovery, scores=recover.scores_where_known(recovery.image, truth))
    rule = str(recovery.settings.get("stopping"))
    by_noise = "stopping" not in options and rule == tasks.BY_NOISE
    return RecoveredImage(recovery, (*notes, *([tasks.stopping_note(method, rule)] if by_noise else [])))


def check(network: Any, latent: Any = None, m: float | None = None, **options: Any) -> Examination:
    """Say which conditions of the theory a network meets, what follows from them, and what really happens.

    `network` is a module with its input `latent`, `FILE.py:FACTORY`, or a known name such as `dcgan-mnist`; the options
    are the fields of `untrained.sims.diagnosis.Question`, and `part`, `param_filter` and `latent_shape`, as on the
    command line.

    Raises
    ------
    ValueError
        where the network cannot be examined, or an option makes no sense.
    """
    from untrained.sims.diagnosis import check

    return Examination(check(network, latent, m=m, **options))


def width(
    n: float | str,
    d: float | str,
    probability: float | str | None = None,
    step: float | str | None = None,
    *,
    flow: bool = False,
    simulate: int = 0,
    seed: int = 0,
) -> Coverage:
    """Say whether the sharper convergence theorem covers n rows and d neurons, and what else is known at these sizes.

    It holds with `probability`, by default 1 - 5 e^{-n/2}, for descent with `step` times the step of Theorem 4.1's
    proof, by default 0.1, or for gradient flow. Numbers may be text: "1e7", "0.99". So many networks as `simulate` says
    are drawn and their descents followed, where n d is at most 10^7.

    Raises
    ------
    ValueError
        where n or d is no whole number from 1 on, the probability not strictly between 0 and 1, the step not strictly
        between 0 and 2, a step named for gradient flow, no probability where the default is not above 0, or networks
        too large to be drawn.
    Source: own.sharper.descent, own.sharper.flow
    """
    from untrained.sims.diagnosis.width_answer import answer_width

    return Coverage(answer_width(n, d, probability, step, flow=flow, simulate=simulate, seed=seed))


def certify(
    instance: str | Path | Sequence[Any] | None = None,
    *,
    n: int | None = None,
    d: int | None = None,
    k: int = 16,
    seed: int = 0,
    step: float | None = 0.1,
    steps: int = 10_000,
) -> ConvergenceProof:
    """Prove that descent of G(W) = V relu(W z) on ||G(W) - y||^2/2 from W_0 converges, for one instance.

    `instance` is V (n, d), W_0 (d, k), z (k,), y (n,), or an npz file of arrays V, W, z, y; without it n, d, k and seed
    draw one. The learning rate is step/(||V_A|| ||z||)^2, A the neurons that are on at W_0; with step=None the gradient
    flow is meant. At most `steps` steps are followed before the rest is proved; with steps=0 the start must do.

    Raises
    ------
    ValueError
        where the instance or an option is not as it must be, n is above 64, or step not between 0 and 2.
    """
    import time

    from threadpoolctl import threadpool_limits

    from untrained.sims.dynamics.instances import random_instance, read_instance
    from untrained.theory.objects.certificates import prove_convergence

    if (n is None) != (d is None):
        raise ValueError("n and d must both be named, got one of them")
    if (instance is None) == (n is None):
        raise ValueError(f"instance must be named, or else n and d, got {'neither' if n is None else 'both'}")
    if n is not None and d is not None:
        arrays: Sequence[Any] = random_instance(n, d, k, seed)
    else:
        arrays = read_instance(instance) if isinstance(instance, str | Path) else () if instance is None else instance
    if len(arrays) != 4:
        raise ValueError(f"instance must be V, W, z and y, got {len(arrays)} arrays")
    begun = time.perf_counter()
    V, W, z, y = arrays
    with threadpool_limits(1):
        certificate = prove_convergence(V, W, z, y, step=step, steps=steps)
    return ConvergenceProof(certificate, time.perf_counter() - begun)


def sweep(
    study: str,
    grid: str | None = None,
    seeds: int | None = None,
    *,
    workers: int | None = None,
    store: str | Path | None = None,
    device: str = "cpu",
    resume: bool = True,
) -> StudyRows:
    """Compute a study on a grid, here or on so many workers, and return its rows; what is in the store is kept.

    `study` is a known name, `file.py:NAME` or `package.module:NAME`; `grid` is text such as `n=8,16 ratio=1:8:8`.

    Raises
    ------
    ValueError
        where the study is unknown, the grid outside its domain, or the store of another study.
    """
    from untrained.sims.experiments.sweep import make_sweep

    chosen = make_sweep(study, grid, seeds, None if store is None else Path(store))
    summary = chosen.run(workers or 0, device=device, resume=resume)
    return StudyRows(chosen.study.name, chosen.rows(), list(chosen.study.axes), chosen.store, summary.failed)


def reproduce(
    *recipes: str,
    images: int | None = None,
    methods: Sequence[str] | None = None,
    m: Sequence[int] | None = None,
    device: str = "cpu",
    resume: bool = True,
) -> Reproduction:
    """Run figures or tables of a paper again and return their records; finished cells are kept in the cache folder.

    Recipes are the papers', such as `fig1a` or `jagatap19-cs`, `file.py:NAME` or `package.module:NAME`; the first
    `images` of each part, `methods` and numbers of measurements `m` restrict what is run. A study of a figure, such as
    `heckel20a-fig1`, is none: `sweep` computes it, and returns rows in place of records.

    Raises
    ------
    ValueError
        where a recipe, a method or the images are not to be had, or a cell failed.
    """
    from untrained.sims.experiments.recipes.reproduction import make_recipe_run
    from untrained.sims.runtime import pick_device

    chosen = make_recipe_run(*recipes, images=images, methods=methods, sizes=m)
    if chosen.run(device=pick_device(device).type, resume=resume).failed:
        raise ValueError(f"cells must all be computed, got failures such as {chosen.failures(1)[0]}")
    return Reproduction({record["name"]: record for record in chosen.records()})
