"""Building a case: the objects that a claim's law names, drawn in order from named streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from untrained.sims.random import draws
from untrained.theory.claim import Case, Draw

Streams = Callable[[str], np.random.Generator]
_RUNS: dict[bytes, Any] = {}
"""Descents by a digest of what they start from: a statement with another number looks at the same ones."""
_MOST_RUNS = 64
REACH = 1e-13
"""Misfit in units of ||y|| below which a fit is not followed: float64 says little more."""


def build_case(law: Mapping[str, Draw], params: Case, streams: Streams, batch: int) -> dict[str, Any]:
    """Draw every object of a law, each with a leading axis of length `batch`, beside the parameters.

    Raises
    ------
    ValueError
        where a draw has an unknown kind.
    """
    case: dict[str, Any] = dict(params)
    for name, draw in law.items():
        case[name] = _draw(draw, case, streams, name, batch)
    return case


def _draw(draw: Draw, case: Case, streams: Streams, name: str, batch: int) -> Any:
    shape = draw_shape(draw, case)
    match draw.kind:
        case "gaussian":
            return _number(draw, case, "scale", 1.0) * streams(name).standard_normal((batch, *shape))
        case "direction":
            return _number(draw, case, "norm", 1.0) * _directions(streams(name), (batch, *shape))
        case "sigma_min":
            return draws.smallest_singular_values(streams(name), shape[0], shape[1], batch)
        case "sigma_max":
            return draws.largest_singular_values(streams(name), shape[0], shape[1], batch)
        case "jacobian_sigma_min":
            return draws.jacobian_smallest_singular_values(streams(name), shape[0], shape[1], batch)
        case "image":
            return _image(streams(name), shape[0], batch)
        case "descent":
            return _descent(draw, case)
        case "fit":
            return _fit(streams(name), case, batch)
        case "derived":
            return _derived(draw, case)
    raise ValueError(f"draw {name!r} must have a known kind, got {draw.kind!r}")


def draw_shape(draw: Draw, params: Case) -> list[int]:
    """The shape of a draw with its parameter names replaced by their values."""
    return [int(params[s]) if isinstance(s, str) else s for s in draw.shape]


def _number(draw: Draw, case: Case, option: str, default: float) -> float:
    value = draw.options.get(option, default)
    return float(case[value]) if isinstance(value, str) else float(value)


def _directions(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = generator.standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _image(generator: np.random.Generator, n: int, batch: int) -> np.ndarray:
    from untrained.sims.dynamics.signals import camera_crops

    return camera_crops(n, generator.integers(2**31, size=batch))


def _derived(draw: Draw, case: Case) -> Any:
    """What the option `of` makes of a case, once for the same values of what `starts` names, where that is given."""
    of, starts = draw.options["of"], draw.options.get("starts")
    return of(case) if starts is None else _once(lambda: of(case), of.__qualname__, *(case[name] for name in starts))


def _once(compute: Callable[[], Any], *start: Any) -> Any:
    """What a computation gives, computed once for what it starts from."""
    digest = blake2b(digest_size=16)
    for part in start:
        digest.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else repr(part).encode())
    key = digest.digest()
    if key not in _RUNS:
        if len(_RUNS) >= _MOST_RUNS:
            _RUNS.pop(next(iter(_RUNS)))
        _RUNS[key] = compute()
    return _RUNS[key]


def _descent(draw: Draw, case: Case) -> Any:
    from untrained.sims.dynamics.trajectory import follow

    step, steps = float(draw.options["step"](case)), int(case["steps"])
    V, g, y = case["V"], case["g"], case["y"]
    return _once(lambda: follow(V, g, y, step=step, steps=steps, z_norm=1.0), V, g, y, step, steps)


def _fit(generator: np.random.Generator, case: Case, batch: int) -> np.ndarray:
    """Misfits in units of ||y|| along the descents of fresh networks with the proof's step, (batch, steps + 1).

    Networks have `n` outputs and `d` neurons; case["y"] (batch, n) are the signals, `steps` the most that is followed.
    A run ends at REACH, or where its gradient vanishes; what comes after is infinite.
    """
    sizes, y = (int(case["n"]), int(case["d"]), int(case["steps"])), case["y"]
    seeds = [int(seed) for seed in generator.integers(2**62, size=batch)]
    result: np.ndarray = _once(lambda: _fit_misfits(*sizes, y, seeds), "fit", *sizes, y, seeds)
    return result


def _fit_misfits(n: int, d: int, steps: int, y: np.ndarray, seeds: list[int]) -> np.ndarray:
    import torch

    from untrained.sims.dynamics.columns import Regenerated, StoredColumns
    from untrained.sims.dynamics.reduced import descend
    from untrained.theory.objects.width import step_proof

    norms = np.linalg.norm(y, axis=-1)
    runs = [StoredColumns.draw(Regenerated(n, d, seed, dtype=torch.float64)) for seed in seeds]
    step = torch.tensor([step_proof(float(norm), n, d) for norm in norms], dtype=torch.float64)
    misfits = descend(runs, torch.from_numpy(y), step, steps, tolerance=REACH).misfits
    return np.where(np.isfinite(misfits), misfits, np.inf) / norms[:, None]
