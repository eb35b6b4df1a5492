"""The recovery methods by name, and their settings from words such as `steps=200`; a method's module loads on use."""

from __future__ import annotations

import importlib
import json
import math
import numbers
import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from untrained.sims.choices import check_choice, suggestion
from untrained.sims.recovery.meanings import check_alike, settings_rows


@dataclass(frozen=True)
class Method:
    """A recovery method: what it is, where it lives, and the settings that its name stands for.

    `module` lies in `sims.recovery`; `fixed` are the settings that make it this method and no other; `files` are
    settings that name a file, and `needs` is one without which there is no such method. `later` are settings by whose
    defaults numbers are as before there were these. `by_noise` says that where the noise level is known it stops by
    that, unless the user names a rule or the weight of its penalty goes by the noise. `usual` is the preset where none
    is named, in place of the defaults. `version` grows when the same settings give other numbers.
    """

    name: str
    says: str
    module: str
    settings: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] = ()
    needs: str | None = None
    later: Sequence[str] = ()
    by_noise: bool = False
    usual: str | None = None
    version: int = 1

    def load(self) -> Any:
        """Import the method's module."""
        return importlib.import_module(f"untrained.sims.recovery.{self.module}")

    def settings_class(self) -> type[Any]:
        """Return the dataclass of its settings."""
        settings: type[Any] = getattr(self.load(), self.settings)
        return settings

    def presets(self) -> Mapping[str, Any]:
        """Return its named settings; most methods have none."""
        return getattr(self.load(), "PRESETS", {})

    def recover(self) -> Callable[..., Any]:
        """Return the function that recovers an image."""
        function: Callable[..., Any] = self.load().recover
        return function


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "mixture",
            "several methods, weighed by measurements that were held out",
            "mixture",
            "MixtureSettings",
            usual="auto",
            version=3,
        ),
        Method(
            "csdip",
            "an untrained network fitted to one image",
            "csdip",
            "CSDIPSettings",
            files=("prior",),
            later=("tv_scale", "tv_by_noise"),
            by_noise=True,
        ),
        Method(
            "lasso-dct", "sparse in the discrete cosine transform", "baselines.lasso", "LassoSettings", {"basis": "dct"}
        ),
        Method(
            "lasso-wavelet", "sparse in Daubechies wavelets", "baselines.lasso", "LassoSettings", {"basis": "wavelet"}
        ),
        Method("tv", "small total variation", "baselines.tv", "TVSettings"),
        Method(
            "damp", "denoising-based approximate message passing", "baselines.amp", "DAMPSettings", later=("probe",)
        ),
        Method(
            "csgm",
            "in the range of a trained generator",
            "baselines.csgm",
            "CSGMSettings",
            {},
            ("generator",),
            "generator",
        ),
        Method("net-gd", "a small decoder by descent on its weights", "net_gd", "NetGDSettings", by_noise=True),
        Method("net-pgd", "projected on the range of a small decoder", "net_pgd", "NetPGDSettings"),
        Method("net-gd-phase", "net-gd from magnitudes", "net_phase", "NetPhaseSettings", {"algorithm": "gd"}),
        Method("net-pgd-phase", "net-pgd from magnitudes", "net_phase", "NetPhaseSettings", {"algorithm": "pgd"}),
        Method(
            "conv-decoder",
            "a convolutional decoder, averaged over its descent",
            "conv_decoder",
            "ConvDecoderSettings",
            by_noise=True,
        ),
        Method(
            "non-local-means",
            "averages of pixels whose surroundings look alike",
            "baselines.non_local_means",
            "NonLocalMeansSettings",
        ),
        Method(
            "noisy",
            "what was measured: every pixel with its noise",
            "baselines.pixel_denoisers",
            "PixelDenoiserSettings",
            {"denoiser": "none"},
        ),
        Method(
            "block-matching",
            "like patches filtered together",
            "baselines.pixel_denoisers",
            "PixelDenoiserSettings",
            {"denoiser": "block-matching"},
        ),
        Method(
            "bm3d",
            "the same by the package bm3d, if installed",
            "baselines.pixel_denoisers",
            "PixelDenoiserSettings",
            {"denoiser": "bm3d"},
        ),
        Method("ridge", "smooth: ridge in the range of a doubling", "baselines.ridge", "RidgeSettings"),
        Method(
            "amplitude-flow",
            "truncated amplitude flow from magnitudes",
            "baselines.amplitude_flow",
            "AmplitudeFlowSettings",
            {"sparsity": None},
        ),
        Method("sparta", "sparse, from magnitudes", "baselines.amplitude_flow", "SpartaSettings"),
    )
}


def method(name: str) -> Method:
    """Return the method of a name.

    Raises
    ------
    ValueError
        where there is none.
    """
    check_choice("method", name, METHODS)
    return METHODS[name]


def default_method(preset: str | None, network: Any, keys: Iterable[str]) -> str:
    """Return the method meant where none is named: the mixture, unless a network or a setting or preset is csdip's.

    `keys` are the settings asked for.
    """
    mixture = method("mixture")
    heads = {key.partition(".")[0] for key in keys}
    own = network is None and heads <= set(known_settings("mixture"))
    return "mixture" if own and (preset is None or preset in mixture.presets()) else "csdip"


def settings_for(
    name: str, assignments: Mapping[str, str] | None = None, preset: str | None = None, operator: Any = None
) -> Any:
    """Return a method's settings: a preset's (for an operator, where one is given) or its usual ones, changed by text.

    `network_options.width=32` changes one entry of a setting that is a mapping; those of a preset go with its network.

    Raises
    ------
    ValueError
        where the method, the preset or a key is unknown, or a text does not fit its setting.
    """
    chosen = method(name)
    kind, values = chosen.settings_class(), {**_start(chosen, preset, operator, assignments or {}), **chosen.fixed}
    types_of = {key: hint for key, hint in known_settings(name).items() if key not in chosen.fixed}
    for key, text in (assignments or {}).items():
        head, _, rest = key.partition(".")
        if not (rest and _is_mapping(types_of.get(head))):
            check_choice(f"setting of {name}", key, types_of)
        values[head] = {**values.get(head, {}), rest: _loose(text)} if rest else parse(key, text, types_of[head])
    return kind(**values)


def checked_settings(name: str, values: Mapping[str, Any], preset: str | None = None, operator: Any = None) -> Any:
    """Return a method's settings: a preset's (for an operator, where one is given) or its usual ones, and these values.

    Raises
    ------
    ValueError
        where the method, the preset or a key is unknown, or a value is of another type than its setting.
    """
    chosen, hints = method(name), known_settings(name)
    for key in values:
        check_choice(f"setting of {name}", key, hints)
    changes = {key: checked_value(key, value, hints[key]) for key, value in values.items()}
    return chosen.settings_class()(**{**_start(chosen, preset, operator, values), **chosen.fixed, **changes})


BY_NOISE = "cautious-discrepancy"
"""The rule of methods that go by the noise level where it is known."""


def told_noise(name: str, settings: Any, named: Collection[str], noise: float | None = None) -> Any:
    """Return settings that know the noise level of the measurements, and a rule that goes by it, but for those named.

    Where the weight of a penalty goes by the noise, the rule stays as it is: such a fit is not to be stopped early.
    `named` are the settings that the user chose; without `noise` the level is that of the settings.
    """
    if "noise" not in known_settings(name):
        return settings
    changes: dict[str, Any] = {} if noise is None or "noise" in named else {"noise": noise}
    stops = method(name).by_noise and "stopping" not in named and not getattr(settings, "tv_by_noise", 0)
    if stops and changes.get("noise", settings.noise) > 0:
        changes["stopping"] = BY_NOISE
    return replace(settings, **changes)


def known_settings(name: str) -> dict[str, Any]:
    """Return the settings of a method and their types, those left out that its name stands for."""
    chosen = method(name)
    kind = chosen.settings_class()
    hints = get_type_hints(kind, vars(importlib.import_module(kind.__module__)))
    return {f.name: hints[f.name] for f in fields(kind) if f.init and f.name not in chosen.fixed}


def _start(chosen: Method, preset: str | None, operator: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is changed: a preset, whose options of a network are not those of another."""
    own: dict[str, Any] = {"network_options": {}} if "network" in changes else {}
    preset = chosen.usual if preset is None else preset
    if preset is None:
        return own
    presets = chosen.presets()
    if not presets:
        raise ValueError(f"preset of {chosen.name} must be left out, as it has none, got {preset!r}")
    check_choice(f"preset of {chosen.name}", preset, presets)
    start = presets[preset] if operator is None else chosen.load().preset(preset, operator)
    return {f.name: getattr(start, f.name) for f in fields(start) if f.init} | own


def assign(names: Sequence[str], words: Sequence[str]) -> dict[str, dict[str, str]]:
    """Deal out KEY=VALUE to every named method that has the setting, METHOD.KEY=VALUE to that one only.

    Raises
    ------
    ValueError
        where a word is no assignment, no named method has the setting, or it means different things to those that have.
    """
    dealt: dict[str, dict[str, str]] = {name: {} for name in names}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ValueError(f"setting must be given as KEY=VALUE, got {word!r}")
        head, _, rest = key.partition(".")
        takers = [head] if head in dealt and rest else [name for name in names if head in known_settings(name)]
        if not takers:
            choices = "; ".join(f"{name} ({', '.join(known_settings(name))})" for name in names)
            known = [word for name in names for one in known_settings(name) for word in (one, f"{name}.{one}")]
            raise ValueError(f"setting must be one of those of {choices}, got {key!r}{suggestion(key, known)}")
        if takers != [head]:
            check_alike(head, text, takers)
        for name in takers:
            dealt[name][rest if head in dealt and rest else key] = text
    return dealt


def settings_table(name: str) -> tuple[list[str], list[list[str]]]:
    """The settings of a method as a table: columns, and a row a setting with its type, default, presets and meaning."""
    chosen = method(name)
    return settings_rows(name, chosen.settings_class(), known_settings(name), chosen.presets(), chosen.fixed)


def parse(name: str, text: str, hint: Any) -> Any:
    """Return the value that a text stands for, by the type of its setting.

    Raises
    ------
    ValueError
        where it stands for none.
    """
    if _is_optional(hint):
        return None if text.lower() == "none" else parse(name, text, _without_none(hint))
    if _is_mapping(hint):
        return _object(name, text)
    if get_origin(hint) is Literal:
        return _choice(name, text, get_args(hint))
    reader, noun = _READERS.get(hint, (str, "text"))
    try:
        return reader(text)
    except ValueError:
        raise ValueError(f"{name} must be {noun}, got {text!r}") from None


def checked_value(name: str, value: Any, hint: Any) -> Any:
    """Return a value as its setting has it: numbers of other libraries become int or float, a path its text.

    Raises
    ------
    ValueError
        where it is of another type, or a number that is not finite.
    """
    if _is_optional(hint):
        return None if value is None else checked_value(name, value, _without_none(hint))
    if _is_mapping(hint):
        return dict(value) if isinstance(value, Mapping) else _refuse_value(name, "a mapping", value)
    if get_origin(hint) is Literal:
        return _choice(name, value, get_args(hint))
    kind, convert, noun = _KINDS[hint]
    fits = isinstance(value, kind) and (hint is bool or not isinstance(value, bool))
    fits = fits and (hint is not float or math.isfinite(value))
    return convert(value) if fits else _refuse_value(name, noun, value)


def _refuse_value(name: str, noun: str, value: Any) -> Any:
    raise ValueError(f"{name} must be {noun}, got {value!r}")


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _without_none(hint: Any) -> Any:
    (kind,) = (kind for kind in get_args(hint) if kind is not type(None))
    return kind


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _choice(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {text!r}")
    return text


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(f'{name} must be a JSON object such as {{"width": 32}}, got {text!r}')
    return value


def _loose(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _truth_value(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _no(text)


def _number(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _no(text)


def _no(text: str) -> Any:
    raise ValueError(text)


_READERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    bool: (_truth_value, "true or false"),
    int: (int, "a whole number"),
    float: (_number, "a finite number"),
}
_KINDS: dict[Any, tuple[Any, Callable[[Any], Any], str]] = {
    bool: (bool, bool, "true or false"),
    int: (numbers.Integral, int, "a whole number"),
    float: (numbers.Real, float, "a finite number"),
    str: ((str, os.PathLike), os.fspath, "text"),
}
