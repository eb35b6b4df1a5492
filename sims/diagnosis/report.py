"""The answer to `check`: what was measured of a network, the conditions it meets, and what follows, in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from untrained.sims.diagnosis.conditions import Condition
from untrained.sims.images.scores import Interval


@dataclass(frozen=True)
class Quantity:
    """A number over seeds: the value of each, and a 95 % interval for the geometric mean (of shares, the mean).

    `bars` are the error bars of each value (low, high), where values are not exact to rounding.
    """

    name: str
    values: tuple[float, ...]
    interval: Interval | None = None
    bars: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Prediction:
    """A number by the linearised theory beside what a real descent gave; `unit` says what both are in."""

    name: str
    unit: str
    predicted: float
    real: float
    note: str = ""


@dataclass(frozen=True)
class Curves:
    """Curves for the page: spectrum (eigenvalues by place), and misfits over the steps, predicted and real."""

    spectrum: tuple[np.ndarray, np.ndarray]
    bound: float | None
    times: np.ndarray
    fits: Mapping[str, tuple[np.ndarray, np.ndarray]]
    eigenvectors: np.ndarray
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All that `check` found about one network; `facts` say what it is and how it was examined."""

    name: str
    facts: Mapping[str, Any]
    measured: Sequence[Quantity]
    conditions: Sequence[Condition]
    predictions: Sequence[Prediction]
    words: str
    curves: Curves

    def condition(self, name: str) -> Condition:
        """One condition by its name.

        Raises
        ------
        KeyError
            where it was not examined.
        """
        return {one.name: one for one in self.conditions}[name]

    def to_json(self) -> dict[str, Any]:
        """All of it but the curves, as plain data; numbers that are not finite become text."""
        data = {
            "name": self.name,
            "facts": dict(self.facts),
            "measured": [asdict(one) for one in self.measured],
            "conditions": [asdict(one) for one in self.conditions],
            "predictions": [asdict(one) for one in self.predictions],
            "words": self.words,
        }
        plain: dict[str, Any] = _plain(data)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def in_words(facts: Mapping[str, Any], conditions: Sequence[Condition], predictions: Sequence[Prediction]) -> str:
    """Say what the table comes to, for someone who has not read the papers."""
    status = {one.name: one.verdict.status for one in conditions}
    c, h, w = facts["image"]
    size = f"{h}x{w}" + (f"x{c}" if c > 1 else "")
    m = facts.get("m")
    about = f"For a {size} image" + (f" and m = {m}" if m else "")
    parts = [f"{about} this network is {_coverage(status)}."]
    parts += [_fitting(status, predictions), _stopping(status, predictions)]
    if m:
        parts += [_range(status), _sensing(status, predictions)]
    return " ".join(part for part in parts if part)


def _coverage(status: Mapping[str, str]) -> str:
    good = {"PROVED", "SUPPORTED", "CONSISTENT"}
    broken = [name for name in ("A1", "A2", "A3", "width") if status.get(name) == "REFUTED"]
    unknown = [name for name in ("A1", "A2", "A3") if status.get(name) not in good | {"REFUTED"}]
    if broken:
        return f"outside the convergence theorem ({' and '.join(broken)} fail{'s' if len(broken) == 1 else ''})"
    if unknown:
        return f"not known to be inside the convergence theorem ({' and '.join(unknown)} cannot be decided)"
    return "inside the convergence theorem as far as could be tested"


def _by_name(predictions: Sequence[Prediction]) -> dict[str, Prediction]:
    return {one.name: one for one in predictions}


def _fitting(status: Mapping[str, str], predictions: Sequence[Prediction]) -> str:
    prediction = _by_name(predictions).get("noise against image")
    if prediction is None:
        return ""
    kinds = {"SUPPORTED": "It has the structural bias", "REFUTED": "It lacks the structural bias"}
    kind = kinds.get(status.get("bias", ""), "It shows no structural bias")
    said = (
        f"noise takes {prediction.predicted:.3g} times as long as the picture"
        if prediction.predicted < math.inf
        else _NEVER
    )
    ratio = f"{prediction.real:.3g} times as long" if prediction.real < math.inf else "longer than the steps tried"
    return f"{kind}: by the linearised theory {said}, and in a real fit {ratio}."


_NEVER = "noise is never fitted"


def _stopping(status: Mapping[str, str], predictions: Sequence[Prediction]) -> str:
    by_name = _by_name(predictions)
    if "best stop" not in by_name:
        return ""
    stop, gain = by_name["best stop"], by_name["gain"]
    if status.get("denoising") == "INCONCLUSIVE":
        amount = f"{gain.real:+.1f} dB ({gain.predicted:+.1f} predicted)"
        return f"Stopping early gains {amount}, no more than chance in the noise may do."
    if status.get("denoising") != "SUPPORTED":
        return f"Stopping early did not denoise within the steps tried ({gain.predicted:+.1f} dB were predicted)."
    return (
        f"As a denoiser it is best stopped near step {stop.real:.0f} ({stop.predicted:.0f} predicted), "
        f"which gains {gain.real:+.1f} dB ({gain.predicted:+.1f} predicted)."
    )


def _range(status: Mapping[str, str]) -> str:
    if status.get("dimension") == "REFUTED":
        return "Its range has more dimensions than there are measurements, so no restricted isometry can hold on it."
    if status.get("dimension") in ("SUPPORTED", "CONSISTENT"):
        return "Its range has no more dimensions than there are measurements."
    return ""


def _sensing(status: Mapping[str, str], predictions: Sequence[Prediction]) -> str:
    prediction = _by_name(predictions).get("error of sensing")
    if prediction is None:
        return ""
    kinds = {
        "SUPPORTED": "adds to the measurements",
        "INCONCLUSIVE": "adds to the measurements no more than chance may",
    }
    helped = kinds.get(status.get("sensing", ""), "did not add to the measurements")
    return (
        f"Its prior {helped}: the error is {prediction.real:.3g} of ||x|| after the steps tried "
        f"({prediction.predicted:.3g} predicted)."
    )
