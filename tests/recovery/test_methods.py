import subprocess
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from untrained.sims.recovery import methods
from untrained.sims.recovery.meanings import MEANINGS, OTHER_MEANINGS, meaning
from untrained.sims.recovery.methods import (
    METHODS,
    assign,
    checked_settings,
    known_settings,
    method,
    parse,
    settings_for,
    settings_table,
)

ROOT = Path(methods.__file__).resolve().parents[2]


@dataclass(frozen=True)
class Everything:
    steps: int = 3
    rate: float = 0.5
    quick: bool = False
    name: str = "a"
    window: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["sum", "mean"] = "sum"

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


class Module:
    EverythingSettings = Everything
    PRESETS: Mapping[str, Any] = {"long": Everything(steps=100, options={"width": 9})}

    @staticmethod
    def recover(*arguments, **options):
        raise AssertionError("nothing here recovers anything")


class Bare:
    EverythingSettings = Everything
    recover = Module.recover


@pytest.fixture
def made(monkeypatch):
    """Two methods of ours: "all" with a preset, "some" with the setting `name` given by its name."""
    table = {
        "all": methods.Method("all", "everything", "all", "EverythingSettings"),
        "some": methods.Method("some", "less", "some", "EverythingSettings", {"name": "b"}),
    }
    monkeypatch.setattr(methods, "METHODS", table)
    monkeypatch.setattr(methods.Method, "load", lambda self: Module if self.name == "all" else Bare)


def test_the_registry_itself_loads_no_method():
    code = "import sys, untrained.sims.recovery.methods as m; print(len(m.METHODS)); print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [str(len(METHODS)), "False"]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_settings_with_defaults_and_a_recover_function(name):
    entry = method(name)
    settings = settings_for(name) if name != "csgm" else None
    assert callable(entry.recover())
    assert entry.says
    without = [f.name for f in fields(entry.settings_class()) if f.default is MISSING and f.default_factory is MISSING]
    assert without == []
    assert settings is None or {**asdict(settings), **entry.fixed} == asdict(settings)


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_of_every_method_can_be_written_as_text(name):
    def text(value):
        return str(value).lower() if isinstance(value, bool) or value is None else str(value).replace("'", '"')

    for key, hint in known_settings(name).items():
        default = next(f for f in fields(method(name).settings_class()) if f.name == key)
        value = default.default if default.default is not MISSING else default.default_factory()
        assert parse(key, text(value), hint) == value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("steps", "7", 7),
        ("rate", "1e-3", 1e-3),
        ("rate", "2", 2.0),
        ("quick", "true", True),
        ("quick", "False", False),
        ("name", "a=b, c", "a=b, c"),
        ("window", "5", 5),
        ("window", "none", None),
        ("options", '{"width": 4, "norm": "batch"}', {"width": 4, "norm": "batch"}),
        ("options.width", "32", {"width": 32}),
        ("options.mode", "bilinear", {"mode": "bilinear"}),
        ("kind", "mean", "mean"),
    ],
)
def test_a_text_becomes_a_value_of_the_setting_s_type(made, key, text, value):
    setting = getattr(settings_for("all", {key: text}), key.partition(".")[0])
    assert setting == value
    assert type(setting) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("steps", "7.5", "steps must be a whole number, got '7.5'"),
        ("steps", "", "steps must be a whole number, got ''"),
        ("steps", "0", "steps must be at least 1, got 0"),
        ("rate", "fast", "rate must be a finite number, got 'fast'"),
        ("rate", "nan", "rate must be a finite number, got 'nan'"),
        ("rate", "inf", "rate must be a finite number, got 'inf'"),
        ("quick", "1", "quick must be true or false, got '1'"),
        ("window", "many", "window must be a whole number, got 'many'"),
        ("options", "width", "options must be a JSON object"),
        ("options", "[1]", "options must be a JSON object"),
        ("kind", "max", "kind must be one of sum, mean, got 'max'"),
        ("Steps", "7", "must be one of steps, rate, quick, name, window, options, kind, got 'Steps'"),
        ("steps.more", "7", "got 'steps.more'"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(made, key, text, sentence):
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
        settings_for("all", {key: text})


def test_what_a_method_s_name_stands_for_cannot_be_set(made):
    assert settings_for("some").name == "b"
    with pytest.raises(ValueError, match="got 'name'"):
        settings_for("some", {"name": "c"})


def test_settings_change_the_preset_they_start_from(made):
    settings = settings_for("all", {"rate": "0.25", "options.depth": "2"}, "long")
    assert (settings.steps, settings.rate, settings.options) == (100, 0.25, {"width": 9, "depth": 2})
    assert Module.PRESETS["long"].options == {"width": 9}


@pytest.mark.parametrize(
    ("name", "sentence"), [("all", "must be one of long, got 'short'"), ("some", "as it has none")]
)
def test_an_unknown_preset_is_refused(made, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        settings_for(name, preset="short")


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"one of mixture, csdip, .*sparta, got 'CSDIP'"):
        method("CSDIP")


def test_assignments_go_to_every_method_that_has_the_setting(made):
    dealt = assign(["all", "some"], ["steps=5", "some.steps=6", "name=x", "options.width=3", "all.options.depth=2"])
    assert dealt == {
        "all": {"steps": "5", "name": "x", "options.width": "3", "options.depth": "2"},
        "some": {"steps": "6", "options.width": "3"},
    }


@pytest.mark.parametrize("word", ["steps", "=5", "size=5", "all.size=5", "other.steps=5"])
def test_an_assignment_that_no_method_takes_is_refused(made, word):
    with pytest.raises(ValueError, match="setting"):
        {name: settings_for(name, texts) for name, texts in assign(["all", "some"], [word]).items()}


def test_a_word_for_methods_that_mean_another_thing_by_it_is_refused():
    with pytest.raises(
        ValueError, match=r"^steps must be given to one method, as csdip.steps=300, got it for all \(csdip"
    ):
        assign(["csdip", "tv", "damp"], ["steps=300"])
    dealt = assign(["csdip", "tv", "damp"], ["csdip.steps=300", "noise=1"])
    assert dealt == {"csdip": {"steps": "300", "noise": "1"}, "tv": {"noise": "1"}, "damp": {}}
    alike = assign(["csdip", "tv", "net-gd", "csgm"], ["steps=300"])
    assert alike == {"csdip": {"steps": "300"}, "tv": {}, "net-gd": {"steps": "300"}, "csgm": {"steps": "300"}}
    assert assign(["damp"], ["steps=7"]) == {"damp": {"steps": "7"}}


def test_every_setting_has_its_meaning_and_every_meaning_a_setting():
    keys = {name: set(known_settings(name)) for name in METHODS}
    assert [(name, key) for name in METHODS for key in keys[name] if not meaning(name, key)] == []
    assert set(MEANINGS) == set().union(*keys.values())
    assert [(name, key) for name, own in OTHER_MEANINGS.items() for key in own if key not in keys[name]] == []


@pytest.mark.parametrize("name", METHODS)
def test_the_table_of_settings_rebuilds_every_preset(name):
    columns, rows = settings_table(name)
    presets = method(name).presets()
    for place, column in enumerate(columns[2:-1], start=2):
        texts = {row[0]: row[place] or row[2] for row in rows}
        words = {key: text for key, text in texts.items() if key != "network_options"}
        options = "" if texts.get("network_options", "-") == "-" else texts["network_options"]
        words |= {f"network_options.{word.split('=')[0]}": word.split("=")[1] for word in options.split()}
        wanted = presets[column] if column in presets else method(name).settings_class()(**method(name).fixed)
        if name != "csgm":
            assert settings_for(name, words) == replace(wanted, **method(name).fixed)


@pytest.mark.parametrize("name", ["csdip", "conv-decoder"])
def test_another_network_leaves_a_preset_s_options_behind(name):
    chosen = settings_for(name, {"network": "deep-decoder"}, "fast")
    assert (chosen.network, chosen.network_options) == ("deep-decoder", {})
    assert chosen == checked_settings(name, {"network": "deep-decoder"}, "fast")
    assert chosen.steps == settings_for(name, preset="fast").steps
    own = settings_for(name, {"network_options.depth": "3", "network": "deep-decoder"}, "fast")
    assert own.network_options == {"depth": 3}
    assert settings_for(name, {"network_options.depth": "3"}, "fast").network_options["depth"] == 3
    assert len(settings_for(name, {"network_options.depth": "3"}, "fast").network_options) > 1


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan")])
def test_no_setting_is_a_number_that_is_not_finite(name, value):
    floats = [key for key, hint in known_settings(name).items() if hint in (float, float | None)]
    for key in floats:
        with pytest.raises(ValueError, match=rf"^{key} must be a finite number, got {value!r}$"):
            checked_settings(name, {key: value})


@pytest.mark.parametrize("name", [name for name in METHODS if "window" in known_settings(name)])
def test_a_window_is_of_one_step_or_more_whatever_the_rule(name):
    with pytest.raises(ValueError, match=r"^window must be at least 1, got -1$"):
        checked_settings(name, {"window": -1})
    assert checked_settings(name, {"window": 1}).window == 1
