"""Formulas as MathML, which browsers and screen readers take as it is."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
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
_ENTITY = re.compile(r"&#x[0-9A-Fa-f]+;")
_ATTRIBUTES = {
    "accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
    "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspacing", "rspace",
    "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
"""What an element may say of itself: how it looks, never where it leads."""
_THIN = {"lspace": "0.1667em", "rspace": "0.1667em"}
"""The space around a function's name."""
_UNKNOWN = {r"\{": "{", r"\}": "}", r"\arg": "arg"}
"""Commands that the converter leaves as they are, with what they stand for."""


@lru_cache(maxsize=8192)
def mathml(tex: str, *, block: bool = False) -> Markup:
    """Return a formula as MathML, or as its source where it cannot be converted; either is safe in a page."""
    try:
        element = convert_to_element(tex, display="block" if block else "inline")
    except _ERRORS:
        return source(tex)
    if not _clean(element):
        return source(tex)
    return Markup(tostring(element, encoding="unicode"))


def source(tex: str) -> Markup:
    """Return a formula as it is typed."""
    return Markup('<code class="tex">{}</code>').format(tex)


def _clean(element: Element) -> bool:
    """Leave in a tree only looks and letters; False where a command is left in it."""
    for part in element.iter():
        part.attrib = {name: value for name, value in part.attrib.items() if name in _ATTRIBUTES}
        text = _ENTITY.sub(lambda match: unescape(match[0]), part.text or "")
        part.text = _UNKNOWN.get(text, text) or None
        if part.tag in ("mi", "mo") and len(text) > 1 and text.isalpha():
            part.tag, part.attrib = "mo", {**part.attrib, **_THIN}
        if part.tag != "mtext" and "\\" in (part.text or ""):
            return False
    return True
