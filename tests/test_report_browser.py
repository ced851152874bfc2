"""The report in a real browser: it loads without an error, filters filter, the keyboard works, and it fits its window."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import PATIENCE, Browser, role
from conftest import ROOT, run

sys.path.append(str(ROOT / "python/tests"))
from report_samples import Sample

pytestmark = pytest.mark.slow

HOSTILE = '</script><script>document.title = "caught"</script>"\'><img src=x onerror="document.title = 1"> {{ 7 * 7 }}'
TAB, ENTER = "\ue004", "\ue007"
COUNT = "return document.getElementById('tests-count').textContent"
FIRST = "return document.querySelector('#tests-table tbody th').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(role(), tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


def written(cloche: Path, folder: Path, word: str) -> Path:
    sample = Sample(folder / "sample", word)
    sample.outcomes = ["passed"] * 120 + ["failed", "skipped"]
    ended = run(cloche, "report", "--project", "branin", "--output", folder / "report", *sample.everything())
    assert ended.code == 0, ended.err
    return folder / "report/index.html"


@pytest.fixture(scope="module")
def page(cloche: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report on a project that has everything."""
    return written(cloche, tmp_path_factory.mktemp("page"), "plain")


def drawn(browser: Browser) -> bool:
    """Return whether each plot is drawn."""
    return bool(
        browser.run(
            "return [...document.querySelectorAll('.canvas')].every((each) => each.querySelector('.bk-Figure'))"
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_loads_without_an_error_and_fits_the_window(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.open(page, width, scheme)
    assert browser.run("return document.querySelectorAll('.canvas').length") >= 6
    browser.see_all(lambda: drawn(browser))
    assert browser.errors() == []
    assert browser.run("return document.documentElement.scrollWidth") == width
    wide = browser.run(
        "return [...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.wide, .canvas, .hidden')).map((each) => each.outerHTML.slice(0, 80))"
    )
    assert wide == []
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(253, 253, 251)", "dark": "rgb(21, 24, 28)"}[scheme]


def test_a_page_that_lacks_its_library_is_noticed_and_still_read(browser: Browser, page: Path, tmp_path: Path) -> None:
    """The control of the test above: an error of the page is seen; and the tables have what the plots would show."""
    broken = tmp_path / "index.html"
    broken.write_text(page.read_text())
    browser.open(broken)
    said: list[str] = []
    end = time.monotonic() + PATIENCE
    while not any("no plot is drawn" in words for words in said):
        assert time.monotonic() < end, said
        time.sleep(0.1)
        said += browser.errors()
    assert browser.run("return document.querySelectorAll('.plot details table tbody tr').length") > 12


def test_every_link_leads_to_something(browser: Browser, page: Path) -> None:
    browser.open(page)
    links = browser.run(
        "return [...document.querySelectorAll('a[href], img[src]')].map((each) => each.getAttribute('href') ?? each.getAttribute('src'))"
    )
    assert len(links) > 50
    for link in links:
        found = (
            browser.run("return !!document.getElementById(arguments[0])", link[1:])
            if link.startswith("#")
            else (page.parent / link).is_file()
        )
        assert found, link


def test_filters_filter_and_headers_sort(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.until(COUNT) == "122 of 122 tests"
    assert "test_120" in browser.run(FIRST), "the test that failed is not the first"
    assert browser.run("return document.querySelectorAll('#tests-table tbody tr').length") == 50
    put = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; field.dispatchEvent(new Event('input', { bubbles: true }))"
    for field, value, count in (
        ("tests-text", "test_11", "11 of 122 tests"),
        ("tests-outcome", "failed", "0 of 122 tests"),
        ("tests-text", "", "1 of 122 tests"),
        ("tests-outcome", "", "122 of 122 tests"),
        ("tests-selection", "selected", "1 of 122 tests"),
        ("tests-selection", "", "122 of 122 tests"),
        ("tests-chaos", "failed", "1 of 122 tests"),
        ("tests-chaos", "", "122 of 122 tests"),
    ):
        browser.run(put, f"#{field}", value)
        assert browser.run(COUNT) == count, (field, value)
    seconds = "[...document.querySelectorAll('#tests-table thead th')].find((each) => each.textContent === 'Seconds')"
    for order, test in (("ascending", "test_0["), ("descending", "test_121[")):
        browser.run(f"{seconds}.querySelector('button').click()")
        assert browser.run(f"return {seconds}.getAttribute('aria-sort')") == order
        assert test in browser.run(FIRST)
    browser.run("document.getElementById('tests-next').click(); document.getElementById('tests-next').click()")
    assert browser.run("return document.getElementById('tests-place').textContent") == "101 to 122"
    assert browser.run("return document.getElementById('tests-next').disabled") is True
    browser.run(put, "[data-filters]", "mit")
    assert browser.run("return document.querySelector('[data-counts]').textContent") == "1 of 2 shown"
    assert browser.errors() == []


def test_the_keyboard_reaches_everything(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.until(COUNT)
    browser.press(TAB)
    assert browser.run("return document.activeElement.textContent") == "Skip to the report"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0, (
        "the link is not seen where it has the focus"
    )
    browser.press(ENTER)
    assert browser.until("return document.activeElement.id") == "main"
    seen: set[str] = set()
    wanted = {
        "tests-text",
        "tests-outcome",
        "tests-selection",
        "tests-chaos",
        "Test",
        "Outcome",
        "Seconds",
        "tests-next",
    }
    for _ in range(200):
        if wanted <= seen:
            break
        browser.press(TAB)
        name, width = browser.run(
            "const e = document.activeElement; return [e.id || e.textContent.trim(), getComputedStyle(e.closest('.canvas') ?? e).outlineWidth]"
        )
        seen.add(name)
        assert width == "2px", f"{name} does not show that it has the focus"
    assert wanted <= seen
    browser.run(
        "[...document.querySelectorAll('#tests-table thead button')].find((each) => each.textContent === 'Seconds').focus()"
    )
    browser.press(ENTER, ENTER)
    assert "test_121[" in browser.run(FIRST)
    # What a screen reader is told of.
    named = browser.run(
        "return [...document.querySelectorAll('main > section, nav, [role=region], [role=search], [role=img], figure')].filter((each) => { const name = each.getAttribute('aria-label') ?? document.getElementById(each.getAttribute('aria-labelledby') ?? '')?.textContent; return !name?.trim() && !each.querySelector('figcaption'); }).map((each) => each.outerHTML.slice(0, 90))"
    )
    assert named == []
    assert (
        browser.run(
            "return [...document.querySelectorAll('table')].filter((each) => !each.caption?.textContent.trim()).length"
        )
        == 0
    )
    assert browser.run(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map((each) => +each.tagName[1]).every((level, place, all) => !place || level <= all[place - 1] + 1)"
    )


def test_the_switch_changes_the_colours_and_is_kept(browser: Browser, page: Path) -> None:
    browser.open(page, 1280, "light")
    browser.see_all(lambda: drawn(browser))
    paper = "return getComputedStyle(document.body).backgroundColor"
    for words, color in (("light", "rgb(253, 253, 251)"), ("dark", "rgb(21, 24, 28)")):
        browser.run("document.getElementById('theme').click()")
        assert browser.run("return document.getElementById('theme').textContent") == f"Colours: {words}"
        assert browser.run(paper) == color
    browser.until("return [...document.querySelectorAll('.canvas')].every((each) => each.querySelector('.bk-Figure'))")
    browser.open(page, 1280, "light")
    assert browser.run(paper) == "rgb(21, 24, 28)"
    browser.run("document.getElementById('theme').click()")
    assert browser.run(paper) == "rgb(253, 253, 251)"
    assert browser.errors() == []


def test_hostile_names_run_nothing(browser: Browser, cloche: Path, tmp_path: Path) -> None:
    browser.open(written(cloche, tmp_path, HOSTILE))
    browser.see_all(lambda: drawn(browser))
    browser.run("document.querySelector('#tests-table thead button').click()")
    assert "document.title" in browser.run(FIRST)
    assert browser.driver.title.startswith("branin: fails")
    assert browser.run("return document.querySelectorAll('img:not(.flame img)').length") == 0
    assert browser.errors() == []
