"""The report in a real browser: the filter, the order, the keyboard, and what axe finds wanting."""

import json
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from pages import hostile
from PIL import Image

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
ALIKE = ".note math", "details tr:nth-child(n + 40)"
"""What axe need not look at: formulas in the colour of their sentence, and the rows of a long table after the first."""
PAGES = (
    "index.html",
    "claims/vanveen18.eq14.printed.html",
    "papers/errata.html",
    "runs/fig1a.html",
    "runs/study-sigma.html",
)


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open a page of a folder; afterwards nothing may have been complained of, and nothing asked for from elsewhere."""
    with contextmanager(_opened)(chromium) as opened:
        yield opened


def _opened(chromium):
    contexts, complaints, requests, folders = [], [], [], []

    def opened(folder, name, *, width=1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        folders.append(folder.as_uri())
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{folder.as_uri()}/{name}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith((*folders, "data:"))] == []


def shown(page):
    return page.locator("#table-of-claims tbody tr:visible th").all_inner_texts()


def test_the_filter_shows_what_is_asked_for(site, open_page, record):
    page = open_page(site, "index.html")
    assert len(shown(page)) == len(record)
    page.get_by_label("Words or id").fill("EQ14.PRINTED 1 -")
    assert shown(page) == ["vanveen18.eq14.printed"]
    assert page.get_by_role("status").inner_text() == f"1 of {len(record)} claims"
    page.get_by_role("button", name="Show all").click()
    page.locator("#table-of-claims tbody tr[hidden]").first.wait_for(state="detached")  # no script: the policy bars it
    page.get_by_label("Verdict", exact=True).select_option("REFUTED")
    refuted = [i for i, entry in record.items() if entry["verdict"] == "REFUTED"]
    assert sorted(shown(page)) == sorted(refuted)
    page.get_by_label("Paper", exact=True).select_option("own")
    assert sorted(shown(page)) == sorted(i for i in refuted if i.startswith("own."))


def test_a_count_leads_to_its_claims(site, open_page, record):
    page = open_page(site, "index.html")
    page.locator(".counts").get_by_role("link", name="CONSISTENT").click()
    page.wait_for_load_state()
    consistent = [i for i, entry in record.items() if entry["verdict"] == "CONSISTENT"]
    assert sorted(shown(page)) == sorted(consistent)


def test_a_column_orders_the_table_by_the_keyboard_too(site, open_page, record):
    page = open_page(site, "index.html")
    numbers = {i: record[i]["margin"] for i in shown(page) if isinstance(record[i]["margin"], float)}
    head = page.get_by_role("columnheader", name="margin")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown(page)[: len(numbers)] == sorted(numbers, key=numbers.__getitem__)
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert numbers[shown(page)[0]] == max(numbers.values())
    page.get_by_role("columnheader", name="claim").get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert shown(page) == sorted(record, key=str.lower)


def test_without_a_script_everything_is_there(site, open_page, record):
    page = open_page(site, "index.html", java_script_enabled=False)
    assert len(page.locator("#table-of-claims tbody tr").all()) == len(record)
    assert not page.locator("form").is_visible()


def test_the_first_key_leads_to_the_content(site, open_page):
    page = open_page(site, "claims/vanveen18.eq14.printed.html")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    assert link.evaluate("link => link === document.activeElement && link.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(site, open_page, name):
    page = open_page(site, name, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_is_printed_without_what_only_a_screen_has(site, open_page):
    page = open_page(site, "index.html")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("form").is_visible()
    assert page.locator("#table-of-claims").is_visible()


def test_formulas_are_drawn_as_formulas(site, open_page):
    page = open_page(site, "claims/vanveen18.thm41.printed.html")
    size = page.locator(".formula math").bounding_box()
    assert size["height"] > 25
    assert size["width"] > 200


@pytest.mark.parametrize(
    ("name", "scheme"), [*((name, "light") for name in PAGES), *((name, "dark") for name in PAGES[:2])]
)
def test_axe_finds_nothing_serious(site, open_page, name, scheme):
    assert serious_on(examined(open_page(site, name, color_scheme=scheme))) == []


def examined(page):
    """A page that axe has begun to look at, with all that is folded away; it goes on while other pages are opened."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    unfold(page)
    page.evaluate(axe.Axe().axe_script)
    # without preload axe reads the style sheets as the browser has them, not by requests, which the pages forbid
    page.evaluate(
        """(alike) => {
          const begun = new Promise((begin) => setTimeout(begin));
          const options = { preload: false, resultTypes: ["violations"] };
          window.examination = begun.then(() => axe.run({ exclude: alike }, options));
        }""",
        [[one] for one in ALIKE],
    )
    return page


def serious_on(page):
    """What axe found seriously wrong with a page."""
    violations = page.evaluate("window.examination.then((found) => found.violations)")
    serious = [one for one in violations if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"]) for one in serious]


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_what_is_wrong(site, open_page, scheme):
    page = open_page(site, "runs/study-sigma.html", color_scheme=scheme)
    page.evaluate("""() => {
      document.documentElement.removeAttribute("lang");
      document.querySelector("details td").style.color = "var(--line)";
    }""")
    assert {name for name, _ in serious_on(examined(page))} == {"color-contrast", "html-has-lang"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_formula_has_the_colour_of_its_sentence(site, open_page, scheme):
    page = open_page(site, "papers/own.html", color_scheme=scheme)
    colours = """(one) => one.map((e) => getComputedStyle(e)).map((s) => [s.color, s.backgroundColor].join())"""
    (around,) = set(page.locator(".note p").evaluate_all(colours))
    assert set(page.locator(".note p math, .note p math *").evaluate_all(colours)) == {around}


@pytest.mark.slow
def test_axe_finds_nothing_serious_on_any_page(whole_report, open_page):
    folder, names = names_of(whole_report)
    screens = {scheme: open_page(folder, "index.html", color_scheme=scheme) for scheme in ("light", "dark")}
    violations = {}
    for name in names:
        for screen in screens.values():
            screen.goto(f"{folder.as_uri()}/{name}")
            examined(screen)
        violations |= {(name, scheme): serious_on(screen) for scheme, screen in screens.items()}
    assert len(violations) == 2 * len(names)
    assert {place: serious for place, serious in violations.items() if serious} == {}


@pytest.mark.slow
def test_every_page_fits_a_phone(whole_report, open_page):
    folder, names = names_of(whole_report)
    page, widths = open_page(folder, "index.html", width=375), {}
    for name in names:
        page.goto(f"{folder.as_uri()}/{name}")
        unfold(page)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
    assert {name: width for name, width in widths.items() if width > 375} == {}


def names_of(report):
    """The folder of a report, and each of its pages."""
    folder = report.index.parent
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    assert len(names) == report.pages
    return folder, names


def test_what_comes_from_files_runs_no_script_in_a_browser(tmp_path, open_page):
    from untrained.figures.site.build import write_site

    write_site(tmp_path / "site", hostile(), workers=0, figures=(), recipes=())
    names = [path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")]
    assert len(names) >= 9
    for name in names:
        page = open_page(tmp_path / "site", name)
        assert page.evaluate("document.scripts.length") == 1


def test_two_reconstructions_lie_under_a_slider(tmp_path, open_page):
    from untrained.figures.site.build import write_site
    from untrained.figures.site.content import Content
    from untrained.figures.site.run_pages import read_reconstruction

    method = {"misfit": 0.5, "steps": 40, "seconds": 0.25, "outcome": "converged"}
    names = ("tv", "csdip", "ridge")
    (tmp_path / "run.json").write_text(json.dumps({"methods": [{**method, "method": name} for name in names]}))
    for shade, name in enumerate(names):
        Image.new("L", (8, 8), 80 * shade).save(tmp_path / f"{name}.png")
    reconstructions = [read_reconstruction(tmp_path / "run.json")]
    write_site(tmp_path / "site", Content({}, {}), workers=0, figures=(), recipes=(), reconstructions=reconstructions)
    page = open_page(tmp_path / "site", "given/reconstruction-1.html")
    left, right = (page.locator(f".stack img:nth-child({place})") for place in (2, 1))
    assert left.get_attribute("alt") == "The image as tv recovers it"
    page.get_by_label("Image on the right").select_option("ridge")
    assert right.get_attribute("alt") == "The image as ridge recovers it"
    page.get_by_role("slider").press("Home")
    assert left.evaluate("image => image.style.clipPath") == "inset(0px 100% 0px 0px)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory, record):
    """A folder of pages of one run each."""
    from test_run_page import MAKING, METHOD, NETWORK, REPORT, SVG, hostile_reconstruction, hostile_verdicts, png

    from untrained.figures.site import page
    from untrained.figures.site.content import Content
    from untrained.theory.ledger import ledger

    folder = tmp_path_factory.mktemp("runs")
    claims = {name: ledger()[name] for name in ("vanveen18.eq14.printed", "own.sparse_width")}
    images = {name: png(shade * np.ones((8, 8))) for name, shade in (("truth", 0), ("tv", 128), ("csdip", 255))}
    report = {**REPORT, "methods": [METHOD, {**METHOD, "method": "csdip"}]}
    pages = {
        "verify": page.verdicts_page(Content(claims, record), list(claims), ["2 claims"], MAKING),
        "reconstruct": page.reconstruction_page(report, images, b"", MAKING),
        "check": page.examination_page([NETWORK], [SVG], ["refused"], "", MAKING),
        "hostile-verify": hostile_verdicts(),
        "hostile-reconstruct": hostile_reconstruction(),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["verify", "reconstruct", "check", "hostile-verify", "hostile-reconstruct"])
def test_a_page_of_one_run_fits_a_phone_and_has_its_style(runs, open_page, name):
    page = open_page(runs, f"{name}.html", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("footer").evaluate("e => getComputedStyle(e).borderTopWidth") == "1px"


@pytest.mark.parametrize("name", ["verify", "reconstruct", "check"])
def test_axe_finds_nothing_serious_on_a_page_of_one_run(runs, open_page, name):
    assert serious_on(examined(open_page(runs, f"{name}.html"))) == []


def test_the_script_of_a_page_of_one_run_is_allowed(runs, open_page):
    page = open_page(runs, "reconstruct.html")
    assert page.locator(".stack img").nth(1).get_attribute("alt") == "The true image"
    page.get_by_role("slider").press("Home")
    assert page.locator(".stack img").nth(1).evaluate("e => e.style.clipPath") == "inset(0px 100% 0px 0px)"
    page = open_page(runs, "verify.html")
    page.get_by_label("Words or id").fill("sparse_width")
    assert shown(page) == ["own.sparse_width"]


def test_what_is_folded_away_is_printed(runs, open_page):
    page = open_page(runs, "check.html")
    reasons = page.locator("details dl")
    assert not reasons.is_visible()
    page.emulate_media(media="print")
    assert reasons.is_visible()
