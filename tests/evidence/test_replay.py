"""Replayed inequalities: their sides in floats here, and by the checker where it is installed."""

import math
from fractions import Fraction as F
from types import SimpleNamespace

import pytest

from untrained.sims.evidence import replay as on
from untrained.theory.ledger import ledger

FLOATS = SimpleNamespace(const=float, log=math.log, exp=math.exp, sqrt=math.sqrt)
INSTALL = "leancert is not installed: pip install 'untrained[replay]'"


def all_of_them():
    return list(on.inequalities(ledger()))


def changed(claim_id, **constants):
    return {**ledger(), claim_id: ledger()[claim_id].pushed(constants)}


def test_every_inequality_holds_in_floats_at_both_ends():
    for one in all_of_them():
        assert one.low < one.high
        assert one.side(FLOATS, float(one.low)) <= 0, one.name
        assert one.side(FLOATS, float(one.high)) <= 0, one.name


def test_the_squared_width_inequality_is_the_displayed_one():
    one = on.width_squared(ledger()["vanveen18.width.printed"].values)
    for aspect in (4.3e15, 1e20, 1e30):
        v = 120 ** (2 / 3) * aspect ** (-1 / 3)
        left = 6 * v * math.log(1 / (3 * v)) - (1 / 12 - 2 / math.sqrt(aspect)) ** 2
        assert one.side(FLOATS, math.sqrt(v)) == pytest.approx(left, rel=1e-9)
    assert float(one.high) ** 6 == pytest.approx(120**2 / 4.3e15, rel=1e-11)
    assert one.high**6 >= F(120**2, 43 * 10**14)
    assert one.low**6 <= F(120**2, 10**60)


@pytest.mark.parametrize(
    ("put", "says"),
    [({"power": F(1, 2)}, "powers must be"), ({"budget": F(1, 10**9)}, "budget must exceed")],
)
def test_another_display_is_not_squared(put, says):
    with pytest.raises(ValueError, match=says):
        on.width_squared({**ledger()["vanveen18.width.printed"].values, **put})


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("value", [F(2), F(3528), F(1, 3)])
def test_a_root_is_near_and_on_its_side(side, value):
    root = on._root_near(value, side)
    assert abs(float(root) - math.sqrt(value)) < 2e-9
    assert (root**2 - value) * side >= 0


def test_without_the_checker_one_sentence_says_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(on.importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match=r"replaying needs leancert==0\.3\.2"):
        on.recheck(all_of_them()[0])


def test_the_checker_verifies_every_inequality():
    pytest.importorskip("leancert", reason=INSTALL)
    assert {(r.inequality.claim_id, r.outcome) for r in on.replay_all()} == {
        (one.claim_id, "verified") for one in all_of_them()
    }


@pytest.mark.parametrize(
    ("claim_id", "constants"),
    [
        ("vanveen18.width.printed", {"aspect": 41 * 10**14}),
        ("vanveen18.width.printed", {"aspect": 4248 * 10**12}),
        ("vanveen18.union", {"coefficient": F(421, 100)}),
        ("vanveen18.union", {"last_exponent": F(406, 100)}),
        ("own.lemC4_exponent", {"exponent": F(318, 1000)}),
        ("vanveen18.lemB4.eq16.corrected", {"rate": F(1535, 10000)}),
    ],
)
def test_the_checker_refutes_what_is_a_little_stronger(claim_id, constants):
    pytest.importorskip("leancert", reason=INSTALL)
    outcomes = [r.outcome for r in on.replay_all(changed(claim_id, **constants)) if r.inequality.claim_id == claim_id]
    assert "refuted" in outcomes
