"""The page: one file, whose numbers are those of reports, which carries nothing in and lets no text of a log become markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pullstats.metrics import Query
from pullstats.publish.page.document import ask_page, draw_page
from pullstats.publish.page.sections import SECTIONS
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, make_crowd, request
from support.effort import some
from support.places import DATA

TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "h1",
    "h2",
    "h3",
    "p",
    "nav",
    "ul",
    "li",
    "main",
    "section",
    "div",
    "svg",
    "path",
    "rect",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "data",
    "button",
    "label",
    "select",
    "details",
    "summary",
    "code",
    "footer",
    "script",
    "dl",
    "dt",
    "dd",
}
ALL = Query((), window="all")
VOID = {"meta", "path", "rect"}


class Outline(HTMLParser):
    """What a browser finds in a page: elements, attributes, the rows of tables by caption, and the blocks of data."""

    def __init__(self, page: str) -> None:
        """Walk through a page."""
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "h1": []}
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "caption":
            self.rows = self.tables.setdefault("", [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close an element, which must be the one that was opened last."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Put a text where it belongs."""
        inner = self.open[-1] if self.open else ""
        if inner == "caption":
            self.tables[data] = self.rows = []
        elif {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        elif inner in self.texts:
            self.texts[inner][-1] += data


def ask_all(rows: list[Row], **options: Any) -> dict[str, Report]:
    """Answer all questions of a page in memory."""
    return {name: ask(lambda _, one=question: one, rows, now=NOON + timedelta(days=90)) for name, question in ask_page(Query((), **options)).items()}


@pytest.fixture(scope="module")
def page(sample_store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the page of the bundled logs."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    pullstats("html", "--store", sample_store, "-w", "all", "-o", path)
    return path.read_text("utf-8")


def find_policy(outline: Outline) -> str:
    return next(value or "" for tag, name, value in outline.attributes if tag == "meta" and name == "content" and "default-src" in (value or ""))


def test_the_policy_lets_in_what_the_page_carries_and_nothing_else(page: str) -> None:
    outline = Outline(page)
    policy = find_policy(outline)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in outline.texts[tag]}
        assert set(re.findall(rf"{tag}-src ('sha256-[^']+')", policy)) <= hashes


def test_nothing_is_asked_of_the_network_and_no_attribute_needs_a_right(page: str) -> None:
    attributes = Outline(page).attributes
    assert not [name for _, name, _ in attributes if name.startswith("on") or name in {"style", "src", "srcset", "action"}]
    assert {value[0] for _, name, value in attributes if name == "href" and value} == {"#"}
    assert "eval(" not in page
    assert "new Function" not in page


def test_it_can_be_walked_by_landmarks_and_headings(page: str) -> None:
    outline = Outline(page)
    assert set(outline.tags) <= TAGS
    assert outline.open == []
    assert [outline.tags[tag] for tag in ("main", "header", "nav", "footer", "h1")] == [1, 1, 1, 1, 1]
    assert outline.tags["section"] == outline.tags["h2"] == len(SECTIONS)
    identities = [value for _, name, value in outline.attributes if name == "id"]
    assert len(identities) == len(set(identities))
    assert {value[1:] for _, name, value in outline.attributes if name == "href" and value} <= set(identities)


@pytest.mark.parametrize(
    ("caption", "command"),
    [("Packages", ["report"]), ("Clients", ["report", "--by", "client"]), ("Downloads, checks and requests over time", ["series", "--every", "mo"])],
)
def test_a_number_on_the_page_is_one_of_the_terminal(page: str, sample_store: Path, caption: str, command: list[str]) -> None:
    metrics = "downloads,downloaders,checks,attempts,requests" if "series" in command else "downloads,downloaders"
    rows = pullstats(*command, "--metric", metrics, "--store", sample_store, "-w", "all", "--format", "json").rows
    heads, *shown = Outline(page).tables[caption]
    assert len(shown) == len(rows) > 5
    for name in metrics.split(","):
        cells = [row[heads.index(name)].replace(",", "") for row in shown]
        assert cells == ["–" if row[name] is None else str(row[name]) for row in rows]


def test_the_command_below_a_table_prints_it(sample_store: Path, tmp_path: Path) -> None:
    options = ["-w", "2018-01..2018-03", "--where", "status in (200, 304)", "--tz", "Europe/Berlin", "--unique-by", "network"]
    pullstats("html", "--store", sample_store, *options, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    commands = [shlex.split(html.unescape(found)) for found in re.findall("<code>(.*?)</code>", page)]
    tables = [rows for rows in Outline(page).tables.values() if rows]
    assert len(commands) > 15
    for words in some(commands):
        lines = [line for line in pullstats(*words[1:], "--store", sample_store, "--format", "md", code=(0, 4)).out.splitlines() if line[:1] == "|"]
        heads = {head.strip() for head in lines[0].strip("|").split("|")}
        assert any(heads <= {*rows[0]} and len(rows) - 1 == len(lines) - 2 for rows in tables) or len(lines) == 2, words


def test_a_package_that_is_chosen_has_the_numbers_of_its_series(page: str, sample_store: Path) -> None:
    data = next(json.loads(text) for text in Outline(page).texts["script"] if text.startswith('{"labels"'))
    rows = pullstats("series", "--every", "mo", "--store", sample_store, "-w", "all", "--where", "package=logstash", "--format", "json").rows
    counts = {row["bucket"]: row["downloads"] for row in rows}
    found = dict(zip(data["labels"], dict(data["packages"])["logstash"]["downloads"], strict=True))
    assert {label: count for label, count in found.items() if count} == {label: count for label, count in counts.items() if count}


def hostile_texts() -> Iterator[str]:
    for line in (DATA / "hostile_inputs.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line).get("bytes")
        if isinstance(text, str) and text:
            yield text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def test_no_text_of_a_log_becomes_markup() -> None:
    texts = [*hostile_texts(), "</script><script>alert(1)</script>", "<!--<script>", "\u2028", "]]>", "a\u202eb"]
    rows = [
        request(NOON + timedelta(hours=number), number * 1000, package=text, client=text, reference=text, path=f"/{number}.whl")
        for number, text in enumerate(texts)
    ]
    page = draw_page(ALL, ask_all(rows, window="all"), "<b onload=x>\u2028</title>")
    outline, plain = Outline(page), Outline(draw_page(ALL, ask_all(rows[:1], window="all"), "x"))
    assert len(texts) > 60
    assert set(outline.tags) <= TAGS
    assert outline.tags["script"] == plain.tags["script"]
    assert {(tag, name) for tag, name, _ in outline.attributes} <= {(tag, name) for tag, name, _ in plain.attributes} | {("li", "x"), ("svg", "x")}
    assert outline.texts["h1"] == ["<b onload=x>\\u2028</title>"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", page)
    data = next(json.loads(text) for text in outline.texts["script"] if text.startswith('{"labels"'))
    assert any("<script>" in name for name, _ in data["packages"])


def test_the_same_store_gives_the_same_bytes(few_store: Path, tmp_path: Path) -> None:
    for name in "ab":
        pullstats("html", "--store", few_store, "-w", "2018-01..2018-03", "--as-of", "2018-04-01", "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_year_of_twenty_packages_is_small() -> None:
    rows = [request(NOON + timedelta(days=day, minutes=pack), day * 40 + pack, package=f"package-{pack}") for day in range(365) for pack in range(20)]
    reports = ask_all(rows, window="all")
    assert len(draw_page(ALL, reports, "A year").encode()) <= 500_000
    assert reports["series"].frame.height == 365


def test_what_the_store_lacks_and_the_filters_leave_out_is_told(sample_store: Path, page: str, tmp_path: Path) -> None:
    heads, *rows = Outline(page).tables["Logs in the store"]
    told = pullstats("status", "--store", sample_store, "--format", "json").rows
    assert [row[heads.index("lines")].replace(",", "") for row in rows] == [str(row["lines"]) for row in told]
    assert "No filter: every request of the window counts." in page
    pullstats("html", "--store", sample_store, "-w", "all", "--where", "status=404", "-o", tmp_path / "page.html")
    filtered = (tmp_path / "page.html").read_text("utf-8")
    assert "No filter" not in filtered
    share = pullstats("report", "--store", sample_store, "-w", "all", "--where", "status=404", "--format", "json", "--meta").rows["meta"]["excluded"]
    assert f"Filters left out {share['events']:,} requests" in filtered


def test_a_window_that_holds_nothing_is_an_honest_page(sample_store: Path, tmp_path: Path) -> None:
    pullstats("html", "--store", sample_store, "-w", "1999", "-o", tmp_path / "page.html", code=4)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "No request was found in 1999" in page
    assert Outline(page).tags["section"] == 0


@pytest.mark.parametrize("rows", [[request(NOON)], make_crowd(40, days=1), [request(NOON, None, package=None, client=None)]])
def test_one_event_one_day_and_nobody_known_make_a_page(rows: list[Row]) -> None:
    outline = Outline(draw_page(ALL, ask_all(rows, window="all"), "x"))
    assert outline.tags["section"] == len(SECTIONS)


def test_small_numbers_of_endpoints_are_hidden_and_what_would_tell_them_is_left_out() -> None:
    questions = ask_page(Query((), window="all", min_origins=3))
    assert questions["by-org"].query.min_origins == 3
    assert ask_page(Query(()))["by-org"].query.min_origins == 5


def test_a_window_counted_back_is_said_first(few_store: Path, tmp_path: Path) -> None:
    said = pullstats("html", "--store", few_store, "-w", "30d", "--where", "status=200", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    first = re.findall('<p class="sentence">(.*?)</p>', page)[0]
    assert first.endswith("(--as-of newest).") == ("counted back" in said.err)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "html writes a file: name it with -o page.html"),
        (["-o", "missing/page.html"], "missing/page.html"),
        (["-o", "."], "is a folder"),
        (["-o", "page.html", "-w", "soonish"], "soonish"),
        (["-o", "page.html", "--where", "nonsense=1"], "nonsense"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    few_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in pullstats("html", "--store", few_store, *words, code=2).err
    assert [*tmp_path.iterdir()] == []


def test_a_page_that_exists_is_replaced_in_one_piece_or_not_at_all(few_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")
    pullstats("html", "--store", few_store, "-w", "soonish", "-o", path, code=2)
    assert path.read_text() == "before"
    pullstats("html", "--store", few_store, "-w", "2018-02", "-o", path)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
