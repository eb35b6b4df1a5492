"""What each setting of a recovery method is, in a few words, and the settings of a method as rows of a table."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, Union, get_args, get_origin

MEANINGS: dict[str, str] = {
    "network": "the network: a name, for csdip also FILE.py:FACTORY",
    "network_options": "the network's own options",
    "initialisation": "the law of its first weights",
    "optimiser": "what takes the steps of descent",
    "learning_rate": "length of a step of descent",
    "momentum": "share of the step before in the next",
    "warm_up": "steps over which the learning rate grows",
    "decay": "whether the learning rate falls along a cosine",
    "matrix_rate": "length of muon's orthogonalised steps",
    "steps": "steps of descent, at most",
    "inner_steps": "steps of descent in a projection, at most",
    "max_steps": "steps of the solver, at most",
    "tv_weight": "weight of the image's total variation",
    "tv_scale": "size of a jump from which on it costs less (0: never)",
    "tv_by_noise": "its least weight, in deviations of the noise",
    "prior": "file of a learned prior",
    "prior_weight": "its weight",
    "restarts": "fits from different weights",
    "combine": "what restarts give: the best, their mean, or one weighed by how plausible each is",
    "average": "decay of the average of iterates that is returned (0: the last)",
    "input_noise": "standard deviation of fresh noise on the input at each step",
    "stopping": "the rule that stops and chooses an iterate",
    "window": "steps that the rule looks back",
    "held_out": "share of the measurements that is not fitted",
    "witnesses": "fits beside, for the error bar",
    "noise": "sigma of the measurements' noise, of variance sigma^2/m",
    "clipped": "whether pixels were cut to the scale after noise",
    "compile": "whether torch compiles the step",
    "start": "where descent begins",
    "eta": "length of the gradient step in the image (none: 20/m)",
    "outer_momentum": "momentum of that step",
    "wavelet": "the wavelet",
    "penalty": "lambda before the absolute values of coefficients (none: by m)",
    "penalise_mean": "whether the mean is penalised",
    "frequency_weight": "power of the frequency by which the penalty grows",
    "tolerance": "the relative duality gap to be reached",
    "kind": "which norm of the differences",
    "box": "whether pixels are kept on [-1, 1]",
    "rule": "message passing, plug-and-play, or what suits the operator",
    "denoiser": "the denoiser",
    "damping": "share of the new iterate",
    "second_strength": "strength, in sigma, of a second try of the denoiser",
    "probe": "step, in sigma, by which the denoiser's divergence is estimated",
    "last_sigma": "strength at which plug-and-play ends",
    "generator": "file of the trained generator",
    "latent_weight": "weight of ||z||^2",
    "step": "length of a gradient step, in units of 1/m",
    "truncation": "a row is dropped below 1/(1 + this) of its magnitude",
    "largest": "share of magnitudes that the start is taken from",
    "candidates": "what is mixed: METHOD or METHOD/PRESET, with commas; + joins what is one",
    "folds": "how often other measurements are held out (none: by their number)",
    "sparsity": "share of pixels that may be bright",
}
"""What a setting is in every method but those of `OTHER_MEANINGS`."""

_PROJECTIONS = "gradient steps in the image, each with a projection"
_SOLVED = "gain of an inner step below which a projection is solved"
_WEIGHING = "share of the measurements that weighs the candidates (none: by their number)"
_SETTLED = "relative change of the image at which it has converged"
OTHER_MEANINGS: dict[str, Mapping[str, str]] = {
    "mixture": {"restarts": "fits of networks to all measurements (0: their own)", "held_out": _WEIGHING},
    "damp": {"steps": "rounds of the denoiser", "tolerance": _SETTLED},
    "net-pgd": {"steps": _PROJECTIONS, "tolerance": _SOLVED},
    "net-pgd-phase": {"steps": _PROJECTIONS, "tolerance": _SOLVED},
    "net-gd-phase": {"tolerance": _SOLVED},
    "amplitude-flow": {"tolerance": _SETTLED},
    "sparta": {"tolerance": _SETTLED},
    "tv": {"penalty": "lambda before the total variation (none: by the noise)"},
    "ridge": {"penalty": "weight of the squares (none: by cross-validation)"},
    "csgm": {"learning_rate": "length of a step of descent in z"},
}


def meaning(method: str, key: str) -> str:
    """What a setting of a method is; nothing for one that is unknown here."""
    return OTHER_MEANINGS.get(method, {}).get(key, MEANINGS.get(key, ""))


def check_alike(key: str, text: str, methods: Sequence[str]) -> None:
    """Refuse one value for several methods to whom the setting means different things.

    Raises
    ------
    ValueError
        which says what it means to whom, and how to give it to one.
    """
    meanings = {meaning(name, key): name for name in reversed(methods)}
    if len(meanings) > 1:
        senses = "; ".join(f"{name}: {words}" for words, name in reversed(meanings.items()))
        raise ValueError(f"{key} must be given to one method, as {methods[0]}.{key}={text}, got it for all ({senses})")


def settings_rows(
    method: str, kind: type[Any], hints: Mapping[str, Any], presets: Mapping[str, Any], stands: Mapping[str, Any]
) -> tuple[list[str], list[list[str]]]:
    """The settings of a method as a table: columns, and a row a setting; a preset shows what it changes.

    `kind` is the dataclass of its settings, `hints` the types of those that may be set, `stands` what its name fixes.
    """
    of_name = {**{f.name: _default(f) for f in fields(kind)}, **stands}
    plain = [name for name, preset in presets.items() if all(getattr(preset, key) == of_name[key] for key in hints)]
    others = [name for name in presets if name not in plain]
    rows = [
        [key, type_words(hint), _words(of_name[key]), *(_change(presets[name], key, of_name) for name in others)]
        for key, hint in hints.items()
    ]
    default = f"default ({', '.join(plain)})" if plain else "default"
    return ["setting", "type", default, *others, "what it is"], [[*row, meaning(method, row[0])] for row in rows]


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()


def _change(preset: Any, key: str, start: Mapping[str, Any]) -> str:
    value = getattr(preset, key)
    return "" if value == start[key] else _words(value)


def _words(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, Mapping):
        return " ".join(f"{key}={part}" for key, part in value.items()) or "-"
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def type_words(hint: Any) -> str:
    """What a setting's type is called: a number, true or false, one of several words."""
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join("none" if part is type(None) else type_words(part) for part in get_args(hint))
    if (get_origin(hint) or hint) is Mapping or get_origin(hint) is not None:
        return "KEY.OPTION=VALUE"
    return {bool: "true or false", int: "whole number", float: "number", str: "text"}[hint]
