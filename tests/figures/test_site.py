"""The report as a folder of pages: whole, closed in itself, and true to the record."""

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from pages import EVIL, hostile, read_page, references, target_of
from PIL import Image

from untrained.figures.site.build import check_place, write_site
from untrained.figures.site.content import Content, read_content
from untrained.figures.site.mathml import mathml
from untrained.figures.site.notes import NoteWriter, breakable, file_name, linked, read_notes
from untrained.figures.site.run_pages import read_examination, read_reconstruction
from untrained.figures.verdict_words import reasons
from untrained.sims.record.store import FOLDER
from untrained.theory.claim import Claim, Source
from untrained.theory.ledger import ledger

CLAIM = Claim("own.one", Source("own", "a test"), "x <= 2.", "x<=2", "an x above 2")


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): read_page(path) for path in sorted(site.rglob("*.html"))}


def small(**changes):
    return Content({CLAIM.id: CLAIM}, {}, **changes)


def written(folder, content, **more):
    write_site(folder, content, workers=0, figures=(), recipes=(), **more)
    return {path.relative_to(folder).as_posix(): read_page(path) for path in folder.rglob("*.html")}


def test_every_claim_note_recipe_and_study_has_its_page(pages):
    content = read_content()
    assert {f"claims/{claim_id}.html" for claim_id in ledger()} <= pages.keys()
    assert {f"papers/{name}.html" for name in (*content.papers, "errata", "notation")} <= pages.keys()
    assert {f"runs/{name}.html" for name in content.recipes} <= pages.keys()
    assert {f"runs/study-{name}.html" for name in content.studies} <= pages.keys()


def test_every_link_within_the_site_leads_somewhere(site, pages):
    by_path = {page.path.resolve(): page for page in pages.values()}
    for page in pages.values():
        for _, reference in references(page):
            if not reference.startswith("https://"):
                path, anchor = target_of(page, reference)
                assert path.is_relative_to(site.resolve()), f"{page.path.name}: {reference} leads out"
                assert path.is_file(), f"{page.path.name}: {reference}"
                assert not anchor or anchor in by_path[path].ids, f"{page.path.name}: no {reference}"


def faults(page):
    """What would ask the network, run a script that is not the site's, or be looks beside the style sheet."""
    for element in page.elements:
        for name, value in element.attributes.items():
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "xlink:href"):
                yield f"{element.tag} {name}={value}"
    for element, reference in references(page):
        outside = re.match(r"[a-z][a-z0-9+.-]*:|//", reference, re.IGNORECASE)
        if outside and not (element.tag == "a" and reference.startswith("https://")):
            yield f"{element.tag} {reference}"
    scripts = page.all("script")
    if [bool(re.fullmatch(r"(\.\./)?site\.js", s.attributes.get("src", ""))) for s in scripts] != [True]:
        yield f"scripts {[s.attributes for s in scripts]}"
    if any(s.text.strip() for s in scripts) or page.all("style") or page.all("iframe") or page.all("base"):
        yield "a script or style within the page"


def test_no_page_asks_the_network_or_holds_a_script_of_its_own(pages):
    assert {name: list(faults(page)) for name, page in pages.items() if list(faults(page))} == {}


def test_the_style_and_the_script_ask_for_nothing(site):
    for name in ("style.css", "site.js"):
        text = (site / name).read_text(encoding="utf-8")
        assert not re.search(r"url\(|@import|https?:|fetch\(|XMLHttpRequest|innerHTML|import\(", text)


def test_pages_are_well_formed(pages):
    for name, page in pages.items():
        assert page.unbalanced == [], name
        assert [i for i, count in Counter(page.ids).items() if count > 1] == [], name
        assert len(page.all("h1")) == len(page.all("main")) == 1, name
        assert all(image.attributes.get("alt") for image in page.all("img")), name
        assert page.all("html", lang="en"), name
        levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
        assert all(b <= a + 1 for a, b in pairwise(levels)), f"{name} leaves out a heading"


def test_the_site_is_small(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25e6
    first = sum((site / name).stat().st_size for name in ("index.html", "style.css", "site.js"))
    assert first <= 300e3
    assert read_page(site / "index.html").all("img") == []


def test_the_ledger_reads_without_a_script(pages, record):
    page = pages["index.html"]
    (form,) = page.all("form")
    assert "hidden" in form.attributes
    rows = [e for e in page.all("tr") if "data-p" in e.attributes]
    assert len(rows) == len(ledger())
    counts = Counter(e.text for e in page.all("span") if "v" in (e.attributes.get("class") or "").split())
    for status, count in Counter(entry["verdict"] for entry in record.values()).items():
        assert counts[status] == count + 2, "one a row, one in the counts, one in the explanation"


def test_theorem_41_stands_there_as_a_formula(pages):
    page = pages["claims/vanveen18.thm41.printed.html"]
    (formula,) = page.all("math", display="block")
    assert {"mfrac", "msup", "msub"} <= {e.tag for e in page.elements}
    assert "η" in formula.text
    assert "τ" in formula.text


def test_every_formula_is_converted(pages):
    assert {name for name, page in pages.items() if page.all("code", class_="tex")} == set()


def test_what_a_formula_has_for_a_letter_is_one(pages):
    letters = {e.text for page in pages.values() for e in page.all("mi")}
    assert {text for text in letters if text and not text.isalnum()} <= set("′″…∞∂⟨⟩⌈⌉⌊⌋#_")


def test_no_dollar_is_left_of_a_formula(pages):
    assert {name for name, page in pages.items() if "$" in page.text} == set()


@pytest.mark.parametrize("claim_id", ["vanveen18.eq14.printed", "own.image.bound.proof", "vanveen18.lemB1.printed"])
def test_a_claim_s_page_says_all_of_it(pages, record, claim_id):
    page, claim, entry = pages[f"claims/{claim_id}.html"], ledger()[claim_id], record[claim_id]
    text = " ".join(page.text.split())
    assert claim.sentence in text
    for sentence in reasons(claim, entry):
        assert " ".join(sentence.replace("`", "").split()) in text
    for control in entry["controls"]:
        assert control["says"] in text
    links = {reference for _, reference in references(page)}
    for name in (*claim.needs, *entry["assumes"]):
        assert f"../claims/{name}.html" in links
    assert {f"../records/claim/{claim_id}.json", f"../records/mutants/{claim_id}.json"} <= links
    assert f"untrained verify {claim_id} --budget standard --seed 0 --record" in text


def test_a_refuted_claim_shows_both_probabilities_its_erratum_and_how_to_see_it_again(pages, capsys):
    page = pages["claims/vanveen18.eq14.printed.html"]
    text = " ".join(page.text.split())
    assert "the probability of failure is 1, and the probability that the claim allows is 0.0183" in text
    assert "False near" in text
    assert page.all("a", href="../papers/errata.html#vanveen18.eq14.printed")
    (line,) = [e.text for e in page.all("pre") if "sides" in e.text]
    exec(line, {})
    left, right, margin = capsys.readouterr().out.split("] [")
    assert float(left.strip("[").split()[0]) == pytest.approx(1, abs=1e-9)
    assert float(right.split()[0]) == pytest.approx(0.0183156, rel=1e-5)
    assert float(margin.split()[0]) == pytest.approx(-53.598, rel=1e-4)


def test_a_figure_stands_on_the_pages_of_the_claims_that_it_names(pages):
    assert pages["claims/own.denoising.stop.html"].all("img", src="../figures/early_stopping.svg")
    assert not pages["claims/vanveen18.eq4.html"].all("img")
    assert pages["figures/index.html"].all("a", href="../claims/own.denoising.stop.html")


def test_a_picture_has_its_size_before_it_is_there(pages):
    pictures = [image.attributes for page in pages.values() for image in page.all("img")]
    assert len(pictures) > 3
    assert all(int(one["width"]) > 300 and int(one["height"]) > 100 for one in pictures)
    assert {image.attributes["width"] for image in pages["figures/index.html"].all("img")} == {"894", "434"}


def test_figure_2_comes_before_figure_10(pages):
    links = [reference for _, reference in references(pages["runs/index.html"])]
    assert links.index("fig2.html") < links.index("fig10.html") < links.index("table1.html")


@pytest.mark.parametrize("name", ["errata", "notation", "sharper_theorem"])
def test_a_note_s_title_stands_once(pages, name):
    page = pages[f"papers/{name}.html"]
    (title,) = page.all("h1")
    sections = [e.text for e in page.all("h2")]
    assert len(sections) > 1
    assert title.text not in sections


def test_the_record_comes_along_as_it_is(site):
    for name, path in (
        ("claim/own.meta_path", "own.meta_path"),
        ("study/sigma", "sweeps/sigma"),
        ("recipe/fig5", "recipes/fig5"),
    ):
        copy, original = (site / f"records/{name}.json").read_bytes(), (FOLDER / f"{path}.json").read_bytes()
        assert json.loads(copy) == json.loads(original)


def test_a_study_and_a_recipe_show_their_numbers(pages):
    study = json.loads((FOLDER / "sweeps/sigma.json").read_text(encoding="utf-8"))
    text = pages["runs/study-sigma.html"].text
    assert all(f"{row['value']:.6g}" in text for row in study["rows"] if isinstance(row["value"], float))
    recipe = json.loads((FOLDER / "recipes/fig1a.json").read_text(encoding="utf-8"))
    text = pages["runs/fig1a.html"].text
    assert all(statement["says"] in text for statement in recipe["statements"])
    assert pages["runs/fig5.html"].all("img", src="fig5.svg")


def test_what_comes_from_files_runs_no_script(tmp_path):
    report = {
        "methods": [{"method": EVIL, "warning": EVIL, "misfit": 1.0, "steps": 1, "seconds": 1.0, "outcome": EVIL}]
    }
    (tmp_path / "r<b>.json").write_text(json.dumps({**report, "source": EVIL, "ended": EVIL, "notes": [EVIL]}))
    network = {
        "name": EVIL,
        "words": EVIL,
        "facts": {EVIL: EVIL},
        "predictions": [],
        "measured": [{"name": EVIL, "values": [EVIL]}],
    }
    condition = {"name": EVIL, "needs": EVIL, "has": EVIL, "means": EVIL, "verdict": {"status": EVIL}}
    (tmp_path / "c.json").write_text(json.dumps({"networks": [{**network, "conditions": [condition]}]}))
    options = {
        "reconstructions": [read_reconstruction(tmp_path / "r<b>.json")],
        "checks": [read_examination(tmp_path / "c.json")],
    }
    pages = written(tmp_path / "site", hostile(), **options)
    assert len(pages) == 12
    for name, page in pages.items():
        assert list(faults(page)) == [], name
        assert page.unbalanced == [], name
        assert all(image.attributes["src"] != "x" for image in page.all("img")), name
        assert not re.search(r"[<>\"'&]", name), name
    assert sum(EVIL in page.text for page in pages.values()) >= 8, "what was given is shown as it is typed"


def test_names_of_files_stay_apart_and_in_their_folder():
    names = ["own.one", "../own.one", "own/one", "own one", "own.one.", "", "..", "x" * 300, "x" * 299, "é"]
    files = [file_name(name) for name in names]
    assert files[0] == "own.one"
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[A-Za-z0-9-][A-Za-z0-9._-]{0,99}", name) for name in files)


def test_a_claim_without_record_is_shown_as_untested(tmp_path):
    pages = written(tmp_path / "site", small())
    assert "No evidence was gathered." in pages["claims/own.one.html"].text
    assert "UNTESTED" in pages["index.html"].text


@pytest.mark.parametrize("kind", ["file", "folder", "missing"])
def test_what_is_no_report_is_not_replaced(tmp_path, kind):
    place = tmp_path / "site"
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        place = place / "deeper"
    with pytest.raises(ValueError, match="out must name a folder"):
        check_place(place)
    with pytest.raises(ValueError, match="out must name a folder"):
        written(place, small())
    assert kind != "folder" or [path.name for path in place.iterdir()] == ["mine.txt"]


def test_an_earlier_report_is_replaced_as_a_whole(tmp_path):
    place = tmp_path / "site"
    place.mkdir()
    written(place, small())
    (place / "claims" / "old.html").write_text("<html>")
    two = replace(CLAIM, id="own.two")
    assert "claims/own.two.html" in written(place, Content({two.id: two}, {}))
    assert {path.name for path in (place / "claims").iterdir()} == {"own.two.html"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_where_writing_fails_the_earlier_report_stays(tmp_path, monkeypatch):
    place = tmp_path / "site"
    before = written(place, small()).keys()
    monkeypatch.setattr("untrained.figures.site.build.claim_context", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        written(place, small())
    assert {path.relative_to(place).as_posix() for path in place.rglob("*.html")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_figure_whose_record_is_missing_is_named(tmp_path):
    (tmp_path / "record").mkdir()
    content = small(studies={"sigma": read_content().studies["sigma"]})
    done = write_site(
        tmp_path / "site", content, record=tmp_path / "record", workers=0, figures=("study_sigma",), recipes=()
    )
    assert "study must be one of the record's" in done.faults["study_sigma"]
    assert "Not drawn: study must be" in read_page(tmp_path / "site/figures/index.html").text
    assert read_page(tmp_path / "site/runs/study-sigma.html").all("img") == []


# Formulas.


@pytest.mark.parametrize(
    ("tex", "tags"),
    [
        (r"\tfrac12\le x", ["math", "mfrac", "mo"]),
        (r"\|x\|^2", ["msup"]),
        (r"P\Big\{x\Big\}^\tau", ["msup", "mo"]),
        (r"\sqrt n", ["msqrt"]),
    ],
)
def test_a_formula_is_mathml(tex, tags):
    text = mathml(tex)
    assert text.startswith("<math display=")
    assert all(f"<{tag}" in text for tag in tags)
    assert "\\" not in text
    assert mathml(tex, block=True).startswith('<math display="block">')


@pytest.mark.parametrize("tex", [r"\frac", "x_1_2", "{", r"\left(", r"\nonsense x", ""])
def test_what_is_no_formula_is_shown_as_typed(tex):
    assert mathml(tex) == f'<code class="tex">{tex}</code>'


@pytest.mark.parametrize(
    "tex",
    [rf"\text{{{EVIL}}}", r"\href{javascript:alert(1)}{x}", r"\style{color:red}{x}", r"\class{a}{x}", "<img src=x>"],
)
def test_a_formula_carries_no_markup_of_its_own(tex):
    text = mathml(tex)
    tags = re.findall(r"<(\w+)([^>]*)>", text)
    assert {tag for tag, _ in tags} <= {"math", "mrow", "mtext", "mi", "mo", "mn", "mspace", "mstyle", "code"}
    assert not re.search(r"href|style=|class=\"a|onerror|src=", " ".join(attributes for _, attributes in tags))


def test_a_function_s_name_stands_apart_and_a_slash_does_not():
    assert '<mo lspace="0.1667em" rspace="0.1667em">log</mo>' in mathml(r"2s\log d/s")
    assert '<mo lspace="0em" rspace="0em">/</mo>' in mathml(r"2s\log d/s")


@pytest.mark.parametrize(
    ("tex", "markup"),
    [
        (r"A\setminus B", "<mo>∖</mo>"),
        (r"y\sim N", "<mo>∼</mo>"),
        (r"x\pm y", "<mo>±</mo>"),
        (r"\lambda=\infty", "<mi>∞</mi>"),
        ("(x)-y", "<mo>−</mo>"),
        (r"\{-1,0\}", '<mo form="prefix">−</mo>'),
        ("a=-b", '<mo form="prefix">−</mo>'),
        ("x_{m-}", '<mo lspace="0em" rspace="0em">−</mo>'),
        ("(n,|S|)", '<mo stretchy="false" lspace="0em" rspace="0em">|</mo>'),
        (r"\left|\frac ab\right|", '<mo stretchy="true" fence="true" form="postfix" lspace="0em" rspace="0em">|</mo>'),
        (r"x=\log(y)", '<mo lspace="0em" rspace="0em">log</mo>'),
        (r"2\log y", '<mo lspace="0.1667em" rspace="0.1667em">log</mo>'),
        ("B:=a", '<mo rspace="0em">:</mo><mo lspace="0em">=</mo>'),
    ],
)
def test_signs_stand_as_in_tex(tex, markup):
    assert markup in mathml(tex)


# Notes.


def test_a_note_is_read_section_by_section(tmp_path):
    (tmp_path / "own.md").write_text(
        '# Notes\n\nOf arXiv 1806.06438.\n\n<a id="own.one"></a>\n### own.one\n\n$x$\n\n## Rest\n\nz\n'
    )
    (note,) = read_notes(tmp_path).values()
    assert (note.title, note.arxiv) == ("Notes", ("1806.06438",))
    assert note.section("own.one").text == "$x$"
    assert note.section("own.two") is None
    assert [one.title for one in note.sections] == ["Notes", "own.one", "Rest"]
    assert read_notes(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("own.md#own.one", "../papers/own.html#own.one"),
        ("#own.one", "../papers/own.html#own.one"),
        ("you20.md#you20.bias", "../claims/you20.bias.html"),
        ("own.md", "../papers/own.html"),
        ("ledger.md", "../index.html"),
        ("https://example.org/x", "https://example.org/x"),
        ("javascript:alert(1)", None),
        ("../../secret.md", None),
        ("#nowhere", None),
    ],
)
def test_a_link_of_a_note_leads_within_the_site(href, target):
    assert NoteWriter({"own.one", "you20.bias"}, {"own"}).target(href) == target


def test_a_note_s_markdown_is_html_without_html_of_its_own():
    writer = NoteWriter({"own.one"}, {"own"})
    assert writer.html(f"{EVIL} *x* `own.one`").startswith("<p>&lt;script&gt;")
    assert '<a href="../claims/own.one.html"><code>own.one</code></a>' in writer.html("by `own.one`")
    assert writer.html("[by `own.one`](#own.one)").count("<a ") == 1
    table = writer.html("| a | b |\n|---|---:|\n| $x$ | 2 |\n")
    assert '<td class="n">2</td>' in table
    assert "<math" in table
    assert "style=" not in table


def test_ids_in_a_sentence_are_links_and_names_may_break():
    assert linked("By own.one and `x<y`.", {"own.one"}) == (
        'By <a href="../claims/own.one.html"><code>own.one</code></a> and <code>x&lt;y</code>.'
    )
    assert breakable("own.a_b<") == "own.<wbr>a_<wbr>b&lt;"


# Runs that a user gives.


@pytest.fixture
def run(tmp_path):
    method = {"method": "tv", "misfit": 0.5, "steps": 40, "seconds": 0.25, "outcome": "converged", "scores": None}
    names = [method, {**method, "method": "csdip", "warning": "few measurements"}]
    (tmp_path / "run.json").write_text(json.dumps({"source": "y.npz", "seed": 0, "methods": names}))
    (tmp_path / "run").mkdir()
    Image.new("L", (8, 8), 128).save(tmp_path / "tv.png")
    Image.new("RGB", (2000, 1000)).save(tmp_path / "run" / "csdip.png")
    return tmp_path / "run.json"


def test_a_reconstruction_stands_side_by_side(run):
    reconstruction = read_reconstruction(run)
    assert list(reconstruction.pictures) == ["tv", "csdip"]
    page = written(run.parent / "site", small(), reconstructions=[reconstruction])["given/reconstruction-1.html"]
    assert [e.text for e in page.all("figcaption")] == ["tv", "csdip"]
    with Image.open(run.parent / "site/given/reconstruction-1-csdip.png") as image:
        assert image.size == (1024, 512)
    assert "csdip: few measurements" in page.text
    assert "converged" in page.text


def test_a_single_method_s_image_lies_under_the_report_s_name(run):
    data = json.loads(run.read_text())
    run.write_text(json.dumps({**data, "methods": data["methods"][1:]}))
    (run.parent / "run" / "csdip.png").unlink()
    assert read_reconstruction(run).pictures == {}
    Image.new("L", (4, 4)).save(run.with_suffix(".png"))
    assert list(read_reconstruction(run).pictures) == ["csdip"]


def test_a_method_s_name_is_no_way_to_another_file(run):
    data = json.loads(run.read_text())
    (run.parent / "secret.png").write_bytes((run.parent / "tv.png").read_bytes())
    run.write_text(json.dumps({**data, "methods": [{**data["methods"][0], "method": "../secret"}, data["methods"][0]]}))
    assert list(read_reconstruction(run).pictures) == ["tv"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "path must name a file that exists"),
        ("{", "path must name a file that can be read whole"),
        ("[]", "reconstruction must name a report with methods"),
        ('{"methods": []}', "reconstruction must name a report with methods"),
        ('{"methods": ["tv"]}', "reconstruction must hold a method"),
    ],
)
def test_what_is_no_report_of_a_reconstruction_is_refused(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_reconstruction(tmp_path / "r.json")


def test_a_damaged_image_is_refused(run):
    (run.parent / "tv.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="path must name a file that can be read whole"):
        read_reconstruction(run)


@pytest.mark.slow
def test_the_whole_report_with_every_figure_is_small_and_whole(whole_report):
    content, folder = read_content(), whole_report.index.parent
    assert whole_report.faults == {}
    assert whole_report.pages >= len(content.claims) + len(content.recipes) + len(content.studies)
    assert whole_report.size <= 25e6
    pages = {path.relative_to(folder).as_posix(): read_page(path) for path in folder.rglob("*.html")}
    test_every_link_within_the_site_leads_somewhere(folder, pages)
    assert {path.stem for path in (folder / "runs").glob("*.svg")} == content.recipes.keys()


def test_each_network_of_a_check_is_shown_with_its_page(tmp_path):
    network = {"words": "", "facts": {}, "notes": [], "predictions": [], "measured": [], "conditions": []}
    names = ["decoder@16x16", "dcgan@16x16", "a net without a page"]
    (tmp_path / "c.json").write_text(json.dumps({"networks": [{**network, "name": name} for name in names]}))
    for place, shade in (("c-decoder-16x16.png", 0), ("c-dcgan-16x16.png", 255), ("c.png", 9)):
        Image.new("L", (2, 2), shade).save(tmp_path / place)
    run = read_examination(tmp_path / "c.json")
    assert run.pictures == {
        name: (tmp_path / place).read_bytes()
        for name, place in (("decoder@16x16", "c-decoder-16x16.png"), ("dcgan@16x16", "c-dcgan-16x16.png"))
    }
    page = written(tmp_path / "site", small(), checks=[run])["given/check-1.html"]
    assert [image.attributes["alt"].rpartition(" of ")[2] for image in page.all("img")] == names[:2]
