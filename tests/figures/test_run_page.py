"""The page of one run: it holds all that it shows, its links lead within it, and what is put in is inert."""

import re
from base64 import b64decode, b64encode
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from pages import EVIL, hostile, read_page, references
from PIL import Image

from untrained.figures.site.content import Content
from untrained.figures.site.page import (
    Making,
    examination_page,
    mutants_page,
    reconstruction_page,
    verdicts_page,
)
from untrained.figures.verdict_words import reasons
from untrained.theory.ledger import ledger

MAKING = Making("untrained verify x --report 'a b.html'", {"python": "3.11", "untrained": "1"}, {"budget": "quick"})
METHOD = {
    "method": "tv",
    "misfit": 0.5,
    "steps": 4,
    "seconds": 0.2,
    "outcome": "converged",
    "settings": {"weight": 0.25},
}
REPORT = {
    "source": "photo.png",
    "seed": 7,
    "operator": {"name": "dct", "m": 16},
    "methods": [METHOD],
    "notes": ["a note"],
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
CONDITION = {"name": "A1", "needs": "> 0", "has": "0.3", "means": "it moves", "says": "A1: full rank"}
NETWORK = {
    "name": "net.py:f",
    "words": "It is covered.",
    "facts": {"n": 64, "notes": ["taken for granted"]},
    "measured": [{"name": "sigma_max", "values": [2.5]}],
    "conditions": [{**CONDITION, "verdict": {"status": "SUPPORTED", "why": "no counterexample in 3 cases"}}],
    "predictions": [{"name": "gain", "predicted": 1.5, "real": "inf", "unit": "dB", "note": ""}],
}


def png(pixels):
    content = BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(content, format="PNG")
    return content.getvalue()


@pytest.fixture
def parsed(tmp_path):
    def of(text):
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        return read_page(tmp_path / "page.html")

    return of


def faults(page):
    """What would ask for something outside the page, or run what is not the page's own script."""
    for element in page.elements:
        yield from (f"{element.tag} {n}" for n in element.attributes if n.startswith("on") or n in ("style", "srcdoc"))
    for element, reference in references(page):
        inside = reference.startswith("#") and reference[1:] in page.ids
        picture = element.tag == "img" and re.match(r"data:image/(png|svg\+xml);base64,[\w+/=]+$", reference)
        if not inside and not picture:
            yield f"{element.tag} {reference[:80]}"
    (script,), (style,) = page.all("script"), page.all("style")
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.strip().split(" ", 1) for rule in policy.attributes["content"].split(";"))
    for name, element in (("script-src", script), ("style-src", style)):
        digest = b64encode(sha256(element.text.encode()).digest()).decode()
        if rules[name] != f"'sha256-{digest}'":
            yield f"{name} is {rules[name]}"
    if rules["default-src"] != "'none'" or rules["img-src"] != "data:":
        yield f"policy {rules}"
    if re.search(r"url\(|@import|https?:|fetch\(|innerHTML", script.text + style.text):
        yield "a style or script that asks for something"
    if page.unbalanced or len(page.ids) != len(set(page.ids)) or page.all("iframe") or page.all("link"):
        yield f"not well formed: {page.unbalanced}"


def words(page):
    """The text of a page, with a space after each cell of a table."""
    source = page.path.read_text(encoding="utf-8")
    (page.path.parent / "spaced.html").write_text(re.sub(r"(</(?:td|th|dt)>|<br>)", r" \1", source), encoding="utf-8")
    return " ".join(read_page(page.path.parent / "spaced.html").text.split())


def test_a_page_of_verdicts_says_why_and_how_it_was_made(parsed, record):
    claims = {name: ledger()[name] for name in ("own.sparse_width", "vanveen18.eq14.printed")}
    page = parsed(verdicts_page(Content(claims, record), ["vanveen18.eq14.printed"], ["1 claims"], MAKING))
    assert list(faults(page)) == []
    text = words(page)
    for name, claim in claims.items():
        assert claim.sentence in text
        for sentence in reasons(claim, record[name]):
            assert " ".join(sentence.replace("`", "").split()) in text
    assert "vanveen18.eq14.printed with what it rests on, judged" in text
    assert MAKING.command in text
    assert "budget quick" in text
    assert "untrained 1" in text
    heads = [e.text.split()[0] for e in page.all("h2")]
    assert heads[:2] == ["vanveen18.eq14.printed", "own.sparse_width"]
    assert len(page.all("math", display="block")) == 2


def test_a_claim_that_is_not_on_the_page_is_no_link(parsed, record):
    name = next(i for i, claim in ledger().items() if claim.needs and record[i]["assumes"])
    page = parsed(verdicts_page(Content({name: ledger()[name]}, record), [name], [], MAKING))
    assert list(faults(page)) == []
    assert all(need in words(page) for need in ledger()[name].needs)
    assert {reference for _, reference in references(page)} == {"#main"}


def test_a_reconstruction_holds_its_images(parsed):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7))
    page = parsed(reconstruction_page(REPORT, {"truth": png(pixels), "tv": png(pixels // 2)}, SVG, MAKING))
    assert list(faults(page)) == []
    sources = {e.attributes["alt"]: e.attributes["src"] for e in page.all("img")}
    assert len(sources) == 3
    for alt, image in (("The true image", pixels), ("The image as tv recovers it", pixels // 2)):
        with Image.open(BytesIO(b64decode(sources[alt].partition(",")[2]))) as opened:
            assert np.array_equal(np.asarray(opened), image)
    text = words(page)
    for part in ("photo.png by tv", "converged", "weight 0.25", "operator dct", "seed 7", "a note", MAKING.command):
        assert part in text
    assert [e.text for e in page.all("figcaption")][:2] == ["truth", "tv"]


def test_a_large_image_is_shrunk(parsed):
    page = parsed(reconstruction_page(REPORT, {"tv": png(np.zeros((600, 3000)))}, b"", MAKING))
    (image,) = page.all("img")
    with Image.open(BytesIO(b64decode(image.attributes["src"].partition(",")[2]))) as opened:
        assert opened.size == (1024, 205)


def test_a_name_whose_bytes_are_no_text_leaves_a_mark(parsed):
    page = parsed(
        reconstruction_page({**REPORT, "source": b"a\xff.png".decode(errors="surrogateescape")}, {}, b"", MAKING)
    )
    assert "a?.png by tv" in words(page)


def test_an_examination_says_why_beside_its_picture(parsed):
    page = parsed(examination_page([NETWORK], [SVG], ["other.py:g failed"], "interrupted after 1", MAKING))
    assert list(faults(page)) == []
    (image,) = page.all("img")
    assert b64decode(image.attributes["src"].partition(",")[2]) == SVG
    text = words(page)
    for part in (
        "Does the theory cover net.py:f?", "It is covered.", "A1 SUPPORTED full rank no counterexample in 3 cases",
        "other.py:g failed", "interrupted after 1", "taken for granted", "gain 1.5 never dB", MAKING.command,
    ):  # fmt: skip
        assert part in text


def test_mutants_have_their_table(parsed):
    push = {
        "name": "share", "way": "down", "value": "1/4", "affirmed": "1/4", "strength": "proved", "refuted": "0.24",
        "fault": False, "pushes": [["0.24", "refuted"]],
    }  # fmt: skip
    page = parsed(mutants_page({"own.means": {"outcome": "affirmed", "pushes": [push]}}, ["1 of 1 lose"], MAKING))
    assert list(faults(page)) == []
    for part in ("own.means, pushed", "affirmed", "share down 1/4", "refuted at 0.24", "1 of 1 lose"):
        assert part in words(page)


def evil(value):
    """The same with every word markup that would run a script; numbers stay."""
    if isinstance(value, dict):
        return {key: evil(one) for key, one in value.items()}
    if isinstance(value, list):
        return [evil(one) for one in value]
    return EVIL if isinstance(value, str) else value


def hostile_verdicts():
    content = hostile()
    return verdicts_page(content, list(content.claims), [EVIL], HOSTILE)


def hostile_reconstruction():
    report = {**evil(REPORT), "ended": EVIL, "warnings": [EVIL], "measurement": {"noise": EVIL}}
    return reconstruction_page(report, {EVIL: png(np.zeros((4, 4)))}, SVG, HOSTILE)


def hostile_examination():
    return examination_page([evil(NETWORK)], [SVG], [EVIL], EVIL, HOSTILE)


def hostile_mutants():
    return mutants_page({EVIL: {"outcome": EVIL, "pushes": []}}, [EVIL], HOSTILE)


HOSTILE = Making(EVIL, {EVIL: EVIL}, {EVIL: EVIL})
HOSTILE_PAGES = (hostile_verdicts, hostile_reconstruction, hostile_examination, hostile_mutants)


@pytest.mark.parametrize("make", HOSTILE_PAGES)
def test_what_is_put_in_is_shown_as_typed_and_runs_nothing(parsed, make):
    page = parsed(make())
    assert list(faults(page)) == []
    assert page.text.count(EVIL) >= 5
    assert all(e.attributes["src"].startswith("data:") for e in page.all("img"))


def test_a_link_beyond_the_page_would_be_seen(parsed):
    text = reconstruction_page(REPORT, {}, b"", MAKING)
    for bad in ('<img src="https://x.org/a.png" alt="x">', '<a href="#nowhere">x</a>', '<p style="color:red">x</p>'):
        assert list(faults(parsed(text.replace("<h1>", f"{bad}<h1>")))) != []
    assert list(faults(parsed(text.replace("use strict", "use strict!")))) != []
    assert asdict(MAKING)["command"] in text.replace("&#39;", "'")
