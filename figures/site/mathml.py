"""Formulas as MathML, which browsers and screen readers take as it is."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from itertools import pairwise
from typing import Literal
from xml.etree.ElementTree import Element, tostring

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from markupsafe import Markup

_ERRORS: tuple[type[Exception], ...] = (
    *(error for error in vars(exceptions).values() if isinstance(error, type) and issubclass(error, Exception)),
    IndexError,
    KeyError,
    ValueError,
)
"""What the converter raises on a formula that is none, of its own and by accident."""
_SIZED = re.compile(r"\\[bB]igg?(?P<side>[lr]?) *(?P<sign>\\[{}|]|[()\[\]|])")
_ENTITY = re.compile(r"&#x[0-9A-Fa-f]+;")
_ATTRIBUTES = {
    "accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
    "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspacing", "rspace",
    "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
"""What an element may say of itself: how it looks, never where it leads."""
_THIN, _NONE = ({"lspace": width, "rspace": width} for width in ("0.1667em", "0em"))
"""The space around a function's name, and around a slash or a bar."""
_SIGNS = {"~": "∼", "⧵": "∖"} | {sign: sign for sign in ":;±⟂⪰⟺"}
"""Signs that the converter takes for letters, as the operators that they are, in letters that fonts have."""
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_BEFORE_SIGN = (*_OPENING, *"⟨⌈⌊,;:=≠<>≤≥≈≡∼∈∝→⇒⟺·×/")
"""What a minus follows that changes a sign and subtracts nothing."""
_UNKNOWN = {r"\{": "{", r"\}": "}", r"\arg": "arg"}
"""Commands that the converter leaves as they are, with what they stand for."""


@lru_cache(maxsize=8192)
def mathml(tex: str, *, block: bool = False) -> Markup:
    """Return a formula as MathML, or as its source where it cannot be converted; either is safe in a page."""
    for form in dict.fromkeys((_SIZED.sub(_growing, tex), tex)):
        element = _converted(form, "block" if block else "inline")
        if element is not None and _clean(element):
            return Markup(tostring(element, encoding="unicode"))
    return source(tex)


def _converted(tex: str, display: Literal["inline", "block"]) -> Element | None:
    try:
        return convert_to_element(tex, display=display)
    except _ERRORS:
        return None


def _growing(bracket: re.Match[str]) -> str:
    """A bracket of given size as one that grows with what it holds, which browsers draw better."""
    side, sign = bracket["side"], bracket["sign"]
    opens = side == "l" or (not side and sign in ("(", "[", r"\{"))
    closes = side == "r" or (not side and sign in (")", "]", r"\}"))
    return rf"\left{sign}" if opens else rf"\right{sign}" if closes else bracket[0]


def source(tex: str) -> Markup:
    """Return a formula as it is typed."""
    return Markup('<code class="tex">{}</code>').format(tex)


def _clean(element: Element) -> bool:
    """Leave in a tree only looks and letters; False where a command is left in it."""
    for part in element.iter():
        part.attrib = {name: value for name, value in part.attrib.items() if name in _ATTRIBUTES}
        text = _ENTITY.sub(lambda match: unescape(match[0]), part.text or "")
        part.text = _UNKNOWN.get(text, text) or None
        _space(part)
        if part.tag != "mtext" and "\\" in (part.text or ""):
            return False
    for row in element.iter("mrow"):
        _join(row)
    return True


def _space(part: Element) -> None:
    """Set a name such as log apart, and a slash or a bar close, as TeX does."""
    text = part.text or ""
    if part.tag == "mi" and text in _SIGNS:
        part.tag, part.text = "mo", _SIGNS[text]
    elif part.tag in ("mi", "mo") and len(text) > 1 and text.isalpha():
        part.tag, part.attrib = "mo", {**part.attrib, **_THIN}
    elif part.tag == "mo" and text in ("∞", "∂"):
        part.tag = "mi"
    elif part.tag == "mo" and text == "/":
        part.attrib |= _NONE
    elif part.tag == "mo" and text in ("|", "‖"):
        part.attrib = {"stretchy": "false", **part.attrib, **_NONE}


def _join(row: Element) -> None:
    """Set close what TeX does: a sign to its number, a name to its bracket, the two halves of := to one another."""
    parts = [_core(part) for part in row]
    for before, part in pairwise([Element("mo"), *parts]):
        if _is_name(part) and before.tag == "mo" and before.text not in _CLOSING:
            part.attrib["lspace"] = "0em"
        elif _is_name(before) and part.text in _OPENING:
            before.attrib["rspace"] = "0em"
        elif part.tag == "mo" and part.text in ("−", "+", "±", "∓"):
            if part is row[-1]:
                part.attrib |= _NONE
            elif before.text in _BEFORE_SIGN:
                part.attrib["form"] = "prefix"
        elif (before.text, part.text) == (":", "="):
            before.attrib["rspace"] = part.attrib["lspace"] = "0em"


def _core(part: Element) -> Element:
    """What stands on the line of something with an index or a power."""
    return _core(part[0]) if part.tag in ("msub", "msup", "msubsup", "munder", "munderover") else part


def _is_name(part: Element) -> bool:
    return part.tag == "mo" and len(part.text or "") > 1 and str(part.text).isalpha()
