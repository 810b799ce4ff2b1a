"""The page in Chromium: nothing is complained of, nothing leaves, and it can be used by mouse, by keyboard, on paper and without scripts.

Needs /usr/bin/chromium and the extra `browser`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import pullstats

pytest.importorskip("playwright", reason="the page is looked at with playwright: pip install '.[browser]'")

from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
AXE = importlib.util.find_spec("axe_playwright_python")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser without network services of its own."""
    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def path(sample_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the page of the bundled logs of 2018, with something to mark."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "talks.csv").write_text("date,label\n2018-03-14,a talk\n")
    pullstats("html", "--store", sample_store, "-w", "2018-01..2018-08", "--annotate", folder / "talks.csv", "-o", folder / "page.html")
    return folder / "page.html"


class Visit:
    """A page that is open, with what the browser complained of and what it asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        """Open a page."""
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    """Open the page anew."""
    opened = Visit(browser, path)
    yield opened
    opened.context.close()


def test_a_page_is_drawn_and_nothing_is_asked_for(visit: Visit, path: Path) -> None:
    assert visit.page.locator("#chart canvas").count() == 1
    assert visit.said == []
    assert visit.asked == [path.as_uri()]


def test_a_package_is_chosen_and_its_values_read_by_keyboard(visit: Visit) -> None:
    data = json.loads(visit.page.locator("#series-data").text_content())
    name, counts = data["packages"][0]
    visit.page.select_option("#package", label=name)
    visit.page.focus("#chart")
    visit.page.keyboard.press("ArrowLeft")
    value = counts["downloads"][-1]
    shown = f"{value:,}" if value is not None else "not known"
    assert visit.page.locator("#readout").text_content().startswith(f"{data['labels'][-1]}: downloads {shown}")
    assert name in visit.page.get_attribute("#chart", "aria-label")
    assert visit.said == []


def test_a_value_is_told_under_the_pointer(visit: Visit) -> None:
    data = json.loads(visit.page.locator("#series-data").text_content())
    visit.page.hover("#chart .u-over")
    told = visit.page.locator("#readout").text_content()
    index = data["labels"].index(told.split(": ")[0])
    assert f"downloads {data['all']['downloads'][index]}" in told


def test_a_table_is_copied_as_csv(browser: Any, path: Path, sample_store: Path) -> None:
    visit = Visit(browser, path, permissions=["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="Copy as CSV: Clients").click()
    visit.page.get_by_text("Copied").wait_for()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    told = pullstats("report", "--by", "client", "--store", sample_store, "-w", "2018-01..2018-08", "--format", "csv").out
    assert copied == told
    visit.context.close()


def test_it_is_readable_without_scripts_and_prints(browser: Any, path: Path) -> None:
    visit = Visit(browser, path, java_script_enabled=False)
    assert visit.page.locator("svg.still path").count() == 1
    assert not visit.page.locator(".copy").first.is_visible()
    assert visit.page.locator("table").count() > 15
    assert visit.page.pdf(format="A4").startswith(b"%PDF")
    visit.context.close()


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_it_fits_every_width(browser: Any, path: Path, width: int) -> None:
    visit = Visit(browser, path, viewport={"width": width, "height": 900})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.context.close()


@pytest.mark.skipif(AXE is None, reason="axe-core is not there: pip install '.[browser]'")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, path: Path, scheme: str) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    visit = Visit(browser, path, color_scheme=scheme)
    visit.page.evaluate(f"{Path(AXE.origin).with_name('axe.min.js').read_text('utf-8')}; null")
    found = visit.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in {"serious", "critical"}] == []
    visit.context.close()
