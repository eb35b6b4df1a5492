"""Pages of runs: recorded recipes and studies, and reconstructions and examinations that a user gives as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from untrained.figures.network_report import page_places
from untrained.figures.recipe_tables import recipe_parts, sentences
from untrained.figures.side_by_side import method_table
from untrained.figures.site.content import Entry
from untrained.figures.tables import Table, number
from untrained.sims.files import Refused, decoding, existing

_MOST_PIXELS = 1024
"""Side of a picture; what is larger is shrunk."""


@dataclass(frozen=True)
class GivenRun:
    """A run that a user gives: its file, what it holds, and its pictures as PNG by name."""

    path: Path
    data: Entry
    pictures: Mapping[str, bytes]


def recipe_context(record: Entry) -> dict[str, Any]:
    """Return what the template of a recipe's page shows."""
    _, *tables = recipe_parts(record)
    judged = [(one["verdict"], one["says"], one["told"]) for one in record["statements"]]
    apart = [(word, text) for word, text in sentences(record) if word in ("silent", "differs")]
    return {"record": record, "tables": tables, "judged": judged, "apart": apart}


def study_context(record: Entry) -> dict[str, Any]:
    """Return what the template of a study's page shows."""
    columns = list(record["rows"][0])
    rows = [[_cell(row[name]) for name in columns] for row in record["rows"]]
    numbers = [c for c in columns if any(isinstance(row[c], int | float) for row in record["rows"])]
    axes = [(name, ", ".join(map(_cell, values))) for name, values in record["axes"].items()]
    return {"record": record, "axes": Table(("axis", "values"), axes), "rows": Table(columns, rows, numbers)}


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, int | str) else f"{value:.6g}" if isinstance(value, float) else number(value)


def read_reconstruction(path: Path) -> GivenRun:
    """Return what `untrained reconstruct --json FILE` wrote, with the images of its methods that lie beside it.

    These are METHOD.png in the folder of FILE or in a folder named like FILE without its suffix, or where there is one
    method, FILE with .png in place of .json.

    Raises
    ------
    ValueError
        where the file is not such a report, or an image is damaged.
    """
    data = _read(path, "reconstruction", "methods")
    names = [str(entry["method"]) for entry in data["methods"] if isinstance(entry, dict) and "method" in entry]
    if len(names) != len(data["methods"]):
        raise ValueError(f"reconstruction must hold a method in each of its entries, got {path}")
    places = {name: _image_places(path, name, alone=len(names) == 1) for name in names}
    files = {name: next((place for place in among if place.is_file()), None) for name, among in places.items()}
    return GivenRun(path, data, {name: _png(place) for name, place in files.items() if place})


def read_examination(path: Path) -> GivenRun:
    """Return what `untrained check --json FILE` wrote, with the pages of pictures that lie beside it.

    That is FILE with .png in place of .json, and of several networks the network's name in it, as `check` writes them.

    Raises
    ------
    ValueError
        where the file is not such a report, or the picture is damaged.
    """
    data = _read(path, "check", "networks")
    names = [str(one.get("name")) for one in data["networks"] if isinstance(one, dict)]
    places = dict(zip(names, page_places(names, path.with_suffix(".png")), strict=True))
    alone = [name for name in places if names.count(name) == 1 and places[name].is_file()]  # else it is not known whose
    return GivenRun(path, data, {name: _png(places[name]) for name in alone})


def _read(path: Path, name: str, field: str) -> Entry:
    with decoding(path):
        data = json.loads(existing(path).read_text(encoding="utf-8"))
        if not isinstance(data, dict) or not isinstance(data.get(field), list) or not data[field]:
            raise Refused(f"{name} must name a report with {field}, as --json writes it, got {path}")
    return data


def _image_places(path: Path, method: str, *, alone: bool) -> Sequence[Path]:
    """Where the image of a method may lie; a name that is no plain one names no file."""
    if not method.replace("-", "").replace("_", "").isalnum():
        return ()
    places = (path.with_name(f"{method}.png"), path.with_suffix("") / f"{method}.png")
    return (*places, path.with_suffix(".png")) if alone else places


def _png(path: Path) -> bytes:
    """The image decoded and written again, so that nothing else of the file comes along."""
    with decoding(path), Image.open(existing(path)) as image:
        return small_png(image)


def small_png(image: Image.Image) -> bytes:
    """An image as PNG, grey or in colours, shrunk where it is larger than a page shows."""
    content = BytesIO()
    plain = image.convert("L" if image.mode in ("1", "L", "I", "I;16") else "RGB")
    plain.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    plain.save(content, format="PNG")
    return content.getvalue()


def reconstruction_context(run: GivenRun) -> dict[str, Any]:
    """Return what the template of a reconstruction's page shows of a file that a user gives."""
    with decoding(run.path):
        return {"run": run, "errors": "", **reconstruction_parts(run.data)}


def reconstruction_parts(data: Entry) -> dict[str, Any]:
    """Return what is shown of a reconstruction's report: scores, settings, how it was measured, notes."""
    methods = data["methods"]
    facts = {name: data.get(name) for name in ("source", "truth", "seed", "device", "threads")}
    about = {"operator" if k == "name" else k: v for k, v in _plain(data.get("operator")).items()}
    noise = {"noise": _plain(data.get("measurement")).get("noise")}
    warnings = [f"{one['method']}: {one['warning']}" for one in methods if one.get("warning")]
    return {
        "table": method_table(methods),
        "settings": Table(("method", "setting", "value"), [row for one in methods for row in _settings(one)]),
        "facts": facts_table({**facts, **about, **noise}),
        "notes": [*map(str, data.get("notes") or ()), *map(str, data.get("warnings") or ()), *warnings],
        "ended": str(data.get("ended") or ""),
    }


def _plain(values: Any) -> dict[str, Any]:
    """The numbers and words of a mapping, of which a file may hold anything."""
    return {k: v for k, v in values.items() if isinstance(v, str | int | float)} if isinstance(values, dict) else {}


def _settings(method: Entry) -> list[tuple[str, str, str]]:
    """The settings of a method, and what proves how good its image is."""
    values = {**_mapping(method.get("settings")), **_mapping(method.get("certificate"))}
    return [
        (str(method["method"]), name, value if isinstance(value, str) else json.dumps(value))
        for name, value in values.items()
    ]


def _mapping(value: Any) -> Entry:
    return value if isinstance(value, dict) else {}


def examination_context(run: GivenRun) -> dict[str, Any]:
    """Return what the template of an examination's page shows of a file that a user gives."""
    with decoding(run.path):
        return {"run": run, "refusals": (), "ended": "", **examination_parts(run.data)}


def examination_parts(data: Entry) -> dict[str, Any]:
    """Return what is shown of the networks of an examination's report."""
    return {"networks": [_network(one) for one in data["networks"]]}


def _network(data: Entry) -> dict[str, Any]:
    conditions = [
        [str(one[k]) for k in ("name", "needs", "has")] + [one["verdict"]["status"], str(one["means"])]
        for one in data["conditions"]
    ]
    reasons = [_reason(str(one["name"]), one) for one in data["conditions"]]
    predictions = [
        [str(p["name"]), *(_never(p[side]) for side in ("predicted", "real")), str(p["unit"]), str(p["note"])]
        for p in data["predictions"]
    ]
    measured = [[str(one["name"]), ", ".join(map(_cell, one["values"]))] for one in data["measured"]]
    return {
        "name": str(data["name"]),
        "words": str(data["words"]),
        "picture": "",
        "reasons": reasons,
        "notes": list(map(str, data["facts"].get("notes") or ())),
        "facts": facts_table(_plain(data["facts"])),
        "measured": Table(("measured at the start", "each seed"), measured),
        "conditions": Table(("condition", "needs", "has", "verdict", "what it means"), conditions),
        "predictions": Table(("what happens", "linearised theory", "real descent", "in", "note"), predictions),
    }


def _reason(name: str, condition: Entry) -> tuple[str, ...]:
    """A condition's name, verdict, what it says, and why it has that verdict."""
    says, verdict = str(condition.get("says", "")).removeprefix(f"{name}: "), condition["verdict"]
    return name, str(verdict["status"]), says, str(verdict.get("why", ""))


def _never(value: Any) -> str:
    """A number of steps, which an examination has as a word where they never end."""
    return "never" if value == "inf" else _cell(value)


def facts_table(values: Mapping[str, Any]) -> Table:
    """Return a row a value, but for those that are not there."""
    rows = [(name, _cell(value)) for name, value in values.items() if value not in (None, "")]
    return Table(("what", "value"), rows)
