"""A number in a sentence is a constant of its record."""

from fractions import Fraction as F

import pytest

from untrained.theory.ledger import ledger
from untrained.theory.wording import constants_named, fill, unexplained_numerals, written


@pytest.mark.parametrize(
    ("value", "words", "tex"),
    [
        (3528, "3528", "3528"),
        (0, "0", "0"),
        (-3, "-3", "-3"),
        (43 * 10**14, "4.3e15", r"4.3\cdot10^{15}"),
        (10**6, "1e6", "10^{6}"),
        (F(1, 2), "1/2", r"\tfrac{1}{2}"),
        (F(-7, 6), "-7/6", r"-\tfrac{7}{6}"),
        (F(1534, 10000), "0.1534", "0.1534"),
        (F(71, 100), "0.71", "0.71"),
        (F(1, 37), "1/37", r"\tfrac{1}{37}"),
        (1e-8, "1e-8", "10^{-8}"),
        (0.25, "0.25", "0.25"),
        (4248050856 * 10**6, "4.248050856e15", r"4.248050856\cdot10^{15}"),
        ("n", "n", "n"),
    ],
)
def test_a_number_as_it_is_written(value, words, tex):
    assert (written(value), written(value, "tex")) == (words, tex)


@pytest.mark.parametrize(
    ("value", "factor", "term"),
    [(1, "", " + 1"), (2, "2 ", " + 2"), (F(1, 2), "(1/2)", " + 1/2"), (-1, "(-1)", " - 1"), (0, "0 ", "")],
)
def test_a_coefficient_and_a_summand(value, factor, term):
    assert fill("${a:factor}s", {"a": value}) == f"{factor}s"
    assert fill("2m${a:term}", {"a": value}) == f"2m{term}"


def test_a_power_is_written_where_it_is_not_one():
    assert [fill("x${a:power}", {"a": a}) for a in (1, 2, F(2, 3), -1)] == ["x", "x^2", "x^{2/3}", "x^{-1}"]
    assert [fill("x${a:power}", {"a": a}, "tex") for a in (1, 12)] == ["x", "x^{12}"]


def test_a_sentence_names_its_constants():
    template = "at least ${rate:factor}x^$power and $rate"
    assert constants_named(template) == {"rate", "power"}
    assert fill(template, {"rate": F(1, 6), "power": 2}) == "at least (1/6)x^2 and 1/6"


@pytest.mark.parametrize(("template", "what"), [("$b", r"got \$b"), ("${a:root}", "factor, term or power, got 'root'")])
def test_a_sentence_refuses_what_it_cannot_fill(template, what):
    with pytest.raises(ValueError, match=what):
        fill(template, {"a": 1})


@pytest.mark.parametrize(
    ("template", "numerals"),
    [
        ("For d >= $C n, sigma_min(J(W_0)) > 0 with probability 1 - e^{-n}", []),
        ("By Lemma B.2, Theorem 4.1 and eq. (14) under A1 to A3, 1-$a", []),
        ("at most 2 sqrt n + s/2", ["2", "2"]),
        ("with probability 1 - 5e^{-n}", ["5"]),
        (r"x\ge 0.18\,d", ["0.18"]),
        ("x >= 2, y_{10}", ["2"]),
        (r"w^T\Sigma^{-1}w", []),
        ("(1 + $a)^{1/$b} + 1/3", ["1", "3"]),
    ],
)
def test_a_numeral_that_is_no_constant_is_noticed(template, numerals):
    assert unexplained_numerals(template) == numerals


@pytest.mark.parametrize("claim_id", list(ledger()))
def test_every_numeral_of_a_claim_is_a_constant_and_every_constant_stands_in_its_words(claim_id):
    claim = ledger()[claim_id]
    texts = {"says": claim.says, "tex": claim.tex, **{h.name: h.says for h in claim.hypotheses}}
    numerals = {name: strays for name, text in texts.items() if (strays := unexplained_numerals(text))}
    assert numerals == {}
    named = {name for text in texts.values() for name in constants_named(text)}
    ends = {end for values in claim.domain.values() for end in (values.low, values.high) if isinstance(end, str)}
    explicit = {name for name, constant in claim.constants.items() if constant.kind == "explicit"}
    assert explicit - named - ends == set()
