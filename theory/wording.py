"""Sentences and formulas whose numbers are constants: `$name` and `${name:form}` are filled from a record.

A number stands once, in the constant; a sentence that is rendered from it cannot say another. Forms: none, the number
as it is; `factor`, a coefficient, not written where it is 1; `term`, a signed summand, not written where it is 0;
`power`, an exponent with its sign, not written where it is 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

Style = Literal["words", "tex"]
_PLACE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::(?P<form>[a-z]+))?\}|(?P<bare>[A-Za-z_]\w*))")
_LARGEST_PLAIN = 10**6
_LARGEST_DENOMINATOR = 16
"""Larger denominators are written as decimals where these end."""
_NO_NUMBER = (
    r"_\{?\d+\}?",  # an index: W_0, r_{0}
    r"\b(?:Lemma|Theorem|Section|Assumption|Definition|Appendix|Algorithm|eq\.?)~? ?\(?[A-Z]?\.?\d+(?:\.\d+)*\)?",
    r"\bA[0-4]\b",  # the assumptions of Theorem B.5
    r"(?<![\w.])1 ?[-+] ?(?!\d)",  # the complement of a probability, one minus a decrease, one plus an increase
    r"\^\{-1\}",  # an inverse
    r"(?:[<>]|\\ge|\\le|\\ne|>=|<=) ?0(?!\.?\d)",  # a sign
)


def fill(template: str, constants: Mapping[str, Any], style: Style = "words") -> str:
    """Return the template with its constants put in.

    Raises
    ------
    ValueError
        where it names a constant that is not there, or a form that is unknown.
    """

    def number(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        if name not in constants:
            raise ValueError(f"sentence must name constants of its claim, got ${name}")
        return _formed(constants[name], match["form"] or "", style)

    return _PLACE.sub(number, template)


def constants_named(template: str) -> set[str]:
    """The constants that a template names."""
    return {match["braced"] or match["bare"] for match in _PLACE.finditer(template)}


def unexplained_numerals(template: str) -> list[str]:
    """The numerals of a template that are neither a constant, an index, a reference, one minus, nor a sign."""
    rest = _PLACE.sub(" ", re.sub(r"(?<![\w.])1/(?=\$)", "", template))  # the inverse of a constant
    for pattern in _NO_NUMBER:
        rest = re.sub(pattern, " ", rest)
    return re.findall(r"\d+(?:\.\d+)?", rest)


def written(value: Any, style: Style = "words") -> str:
    """A number as it stands in a sentence or formula: 1/2, 0.3178, 4.3e15; words and switches as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return str(value)
    x = Fraction(value) if isinstance(value, int | Fraction) else value
    if isinstance(x, Fraction) and 1 < x.denominator <= _LARGEST_DENOMINATOR:
        return f"{x.numerator}/{x.denominator}" if style == "words" else _tex_fraction(x)
    return _decimal(x, style)


def _tex_fraction(x: Fraction) -> str:
    sign = "-" if x < 0 else ""
    return rf"{sign}\tfrac{{{abs(x.numerator)}}}{{{x.denominator}}}"


def _decimal(x: Fraction | float, style: Style) -> str:
    if isinstance(x, Fraction) and x.denominator == 1 and abs(x.numerator) < _LARGEST_PLAIN:
        return str(x.numerator)
    if isinstance(x, Fraction) and set(_prime_factors(x.denominator)) - {2, 5}:
        return f"{x.numerator}/{x.denominator}" if style == "words" else _tex_fraction(x)
    digits, _, power = f"{float(x):.12g}".partition("e")
    if not power and abs(float(x)) >= _LARGEST_PLAIN:
        digits, _, power = f"{float(x):.11e}".partition("e")
        digits = digits.rstrip("0").rstrip(".")
    if not power:
        return digits
    times = "" if style == "words" else "" if digits == "1" else rf"{digits}\cdot"
    return f"{digits}e{int(power)}" if style == "words" else f"{times}10^{{{int(power)}}}"


def _prime_factors(n: int) -> list[int]:
    factors, p = [], 2
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p = p + 1 if p * p <= n else max(n, p + 1)
    return factors


def _formed(value: Any, form: str, style: Style) -> str:
    if form == "":
        return written(value, style)
    if form == "factor":
        return _factor(value, style)
    if form == "term":
        sign = "-" if value < 0 else "+"
        return "" if value == 0 else f" {sign} {written(abs(value), style)}"
    if form == "power":
        text = written(value, style)
        return "" if value == 1 else f"^{{{text}}}" if style == "tex" or not text.isdigit() else f"^{text}"
    raise ValueError(f"form of a number in a sentence must be factor, term or power, got {form!r}")


def _factor(value: Any, style: Style) -> str:
    if value == 1:
        return ""
    text = written(value, style)
    if style == "tex":
        return rf"{text}\," if text[-1].isdigit() or text[-1] == "}" else text
    return f"({text})" if "/" in text or text.startswith("-") else f"{text} "
