"""The letter: every number is one of the command named under it, no text of a log is more than text, and what is not so is not said."""

from __future__ import annotations

import html
import json
import random
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from markdown_it import MarkdownIt

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.pipeline.answer import answer_all
from pullstats.publish.letter.formats import FORMATS
from pullstats.publish.letter.letter import Letter, Section, Table
from pullstats.publish.letter.markdown import write_words
from pullstats.publish.letter.plain import WIDTH
from pullstats.publish.letter.questions import REFUSABLE, ask_letter, write_commands
from pullstats.publish.letter.sections import write_letter
from pullstats.render.sanitise import visible
from pullstats.reports import Column, Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, request
from support.places import DATA

DAY = timedelta(days=1)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LOST, NEW = "198.51.100.", "203.0.113."
AGENTS = ("pip/23.3", "uv/0.4.9", "Frobnicator-X")
HOSTILE = [json.loads(line)["bytes"] for line in (DATA / "hostile_inputs.jsonl").read_text().splitlines()]
MENTIONS = [
    "@octocat", "cc @acme/team", "@acme/ui-kit", "#12", "acme/app#3", "GH-7", "!5", "https://evil.example/x", "www.evil.example", "a@b.example", "mailto:a@b.example",
    "0123456789abcdef0123456789abcdef01234567", "<script>alert(1)</script>", "![x](http://e.example/p.png)", "[x](javascript:alert(1))", "a | b", "`x` | `y", "```",
    "line\nbreak\r\n\r\n# head", "--", "---", "From me", "> quote", "1. one", "* star", "&lt;b&gt;", "\u202egnp.exe", "名前", "", " ", "x" * 300,
]  # fmt: skip


def make_lines() -> list[str]:
    """Make four months of one log: a package whose new version comes in April, who comes and who goes, a gap, and a client that nobody knows."""
    chance = random.Random(3)
    found = []
    for number in range(118):
        day = FIRST + DAY * number
        if (day.month, day.day) == (4, 10):
            continue
        for _ in range(24 if day.weekday() < 5 else 12):
            host = f"{LOST if day.month < 4 and chance.random() < 0.3 else NEW if day.month == 4 and chance.random() < 0.3 else '192.0.2.'}{chance.randrange(60)}"
            name, version = chance.choice(("acme", "acme", "widget")), "1.1" if day.month == 4 and chance.random() < 0.6 else "1.0"
            path = f"/packages/ab/cd/{'e' * 60}/{name}-{version}-py3-none-any.whl"
            moment = day + timedelta(seconds=chance.randrange(86_400))
            agent = AGENTS[2] if chance.random() < 0.02 else chance.choice(AGENTS[:2])
            status = chance.choice((200,) * 19 + (404,))
            found.append((moment, f'{host} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "GET {path} HTTP/1.1" {status} 1049 "-" "{agent}"'))
    return [line for _, line in sorted(found)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letter")
    (folder / "orgs.csv").write_text(f'{LOST}0/24,"Lost & <b>@sons</b> | Ltd"\n{NEW}0/24,New *Co*\n')
    (folder / "access.log").write_text("\n".join(make_lines()) + "\n")
    assert run(["ingest", str(folder / "access.log"), "--store", str(folder / "store"), "--orgs", str(folder / "orgs.csv"), "--quiet"]) == 0
    return folder / "store"


@pytest.fixture(scope="module")
def letter(store: Path) -> Letter:
    query = Query((), window="2025-04", is_shifting=False)
    reports = answer_all(store, ask_letter(query), REFUSABLE)
    return write_letter(reports, write_commands(reports, [], query))


@pytest.fixture(scope="module")
def sections(letter: Letter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FORMATS["json"](letter))["sections"]
    return found


def find(sections: list[dict[str, Any]], heading: str) -> dict[str, Any]:
    """Give the first part under a heading."""
    return next(section for section in sections if section["heading"] == heading)


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def find_numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in NUMBER.findall(text)}


def walk(value: Any) -> Iterator[str]:
    """Give each number of what a command printed as JSON, as people may read it."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from walk(item)
    elif isinstance(value, float):
        yield from (f"{abs(value)}", f"{abs(value) * 100:.1f}", f"{abs(value):g}")
    else:
        yield from find_numbers(str(value))


def test_every_number_is_one_of_the_command_under_it(store: Path, letter: Letter, sections: list[dict[str, Any]]) -> None:
    everything: set[str] = set()
    for section in sections:
        words = [*shlex.split(section["command"])[1:], "--store", store]
        known = set(walk(pullstats(*words, "--format", "json", "--meta").rows))
        said = find_numbers(" ".join(section["sentences"]).replace("2025-04-30", "")) | set(walk(section["rows"]))
        known |= find_numbers(pullstats(*words).out) if said - known else set()  # what its headline adds up
        assert said <= known, (section["heading"], said - known)
        everything |= {"30"} | known | find_numbers(section["command"])
    for form in ("md", "html", "txt"):
        assert find_numbers(html.unescape(FORMATS[form](letter))) <= everything | find_numbers("h1 h2 utf-8 0 1 4")


def test_it_counts_what_the_log_holds(sections: list[dict[str, Any]]) -> None:
    april = [line for line in make_lines() if "/Apr/2025" in line]
    assert f" {len(april):,} requests" in find(sections, "")["sentences"][0]
    assert any("Days that hold a gap of the logs: 2025-04-10." in section["sentences"] for section in sections)
    rows = {row["package"]: row["downloads"] for row in find(sections, "Packages")["rows"]}
    assert rows == {name: sum(f"/{name}-" in line and '" 200 ' in line for line in april) for name in ("acme", "widget")}


def test_what_is_unfinished_is_said(sections: list[dict[str, Any]]) -> None:
    told = " ".join(text for section in sections for text in section["sentences"])
    assert "The logs end on 2025-04-28, before the window does." in told
    assert "Days of which logs may still come in: 2025-04-27 to 2025-04-28." in told


def test_it_names_who_came_and_who_went(sections: list[dict[str, Any]]) -> None:
    assert [row["org"] for row in find(sections, "New organisations")["rows"]] == ["New *Co*"]
    assert [row["org"] for row in find(sections, "Organisations that no longer came")["rows"]] == ["Lost & <b>@sons</b> | Ltd"]
    assert find(sections, "Versions")["sentences"][1].startswith("acme 1.0, the oldest here, was asked for by ")


def test_the_command_writes_the_same_bytes_each_time(store: Path, letter: Letter, tmp_path: Path) -> None:
    path = tmp_path / "letter.md"
    path.write_text("what was there")
    pullstats("digest", "--store", store, "--as-of", "2025-05-09", "-o", path)
    known = FORMATS["md"](letter).replace("2025-04 (", "last-month (").replace("--window 2025-04", "--window last-month")
    assert path.read_text().replace(" --as-of 2025-05-09", "") == known


def test_the_window_is_the_last_whole_month_and_never_moved(store: Path) -> None:
    late = pullstats("digest", "--store", store, "--as-of", "2031-05-05", code=4).out
    assert late.startswith("# Downloads, last-month (2031-04-01 to 2031-04-30, UTC)\n")
    assert "No request was found in last-month (2031-04-01 to 2031-04-30, UTC). The logs reach from 2025-01-01 to 2025-04-28." in late
    assert late.count("## ") == 0


def test_no_number_is_cut(letter: Letter) -> None:
    assert "takes most" in FORMATS["md"](letter)
    text = FORMATS["txt"](letter)
    assert "takes most" not in text
    assert not re.search("[0-9]…|…[0-9]", text)


def test_commands_hold_what_was_asked_and_no_folder(store: Path, tmp_path: Path) -> None:
    releases = tmp_path / "out.csv"
    releases.write_text("version,date,package\n1.1,2025-04-01,acme\n")
    asked = ("--where", "package=acme or package=widget", "--tz", "Europe/Berlin", "--releases", releases, "--format", "json")
    said = json.loads(pullstats("digest", "--store", store, "--window", "2025-04-03", *asked, code=0).out)
    commands = {section["command"] for section in said["sections"]} - {""}
    assert all("--tz Europe/Berlin" in command and "--where" in command for command in commands)
    assert not any(str(tmp_path) in command for command in commands)
    assert any("--releases out.csv" in command for command in commands)


def ask_one(question: Question, rows: list[Row], name: str) -> Report:
    """Ask a question; of one that may be refused the reason is the answer."""
    try:
        return ask(lambda _: question, rows, now=NOON + 60 * DAY)
    except UsageError as error:
        assert name in REFUSABLE
        return Report(pl.DataFrame(), (), headline=str(error), is_empty=True)


def letter_of(rows: list[Row]) -> Letter:
    query = Query((), window="2025-03", is_shifting=False)
    reports = {name: ask_one(question, rows, name) for name, question in ask_letter(query).items()}
    return write_letter(reports, write_commands(reports, [], query))


def test_what_is_not_so_is_not_said() -> None:
    quiet = [request(NOON + 40 * DAY), *(request(NOON + DAY * day + timedelta(hours=hour), hour) for day in range(20) for hour in range(3))]
    told = " ".join(text for section in letter_of(quiet).sections for text in section.sentences)
    for claim in ("would notice", "hold a gap", "logs end on", "may still come in", "no rule knows", "beyond"):
        assert claim not in told
    assert "1 request comes from a client that no rule knows." in " ".join(
        text for section in letter_of([*quiet, request(NOON, 5, client=None)]).sections for text in section.sentences
    )


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", "@octocat | `x`", "a\nb"])
def test_names_of_logs_go_through_it(text: str) -> None:
    rows = [request(NOON + timedelta(minutes=number), number, package=text, org=text, reference=text) for number in range(12)]
    letter = letter_of(rows)
    assert any(section.table for section in letter.sections)
    for form, render in FORMATS.items():
        check(form, render(letter))


class Page(HTMLParser):
    """Reads tags, attributes and text."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINKED = re.compile(r"(?<![A-Za-z0-9])@\w|://|www\.|\w@\w+\.\w|(?<!&)#\d|\bGH-\d")


def check(form: str, written: str) -> str:
    """Check that a letter holds text alone, and give what of it is seen."""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\ud800-\udfff]", written)
    if form == "json":
        return json.dumps(json.loads(written))
    if form == "txt":
        assert all(len(line) <= WIDTH or " " not in line.strip(" $\\") for line in written.splitlines())
        return written
    page = Page()
    page.feed(written if form == "html" else PARSER.render(written))
    assert page.tags <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "h1",
        "h2",
        "p",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
        "code",
    }
    assert page.names <= {"lang", "charset", "border", "cellpadding", "cellspacing", "align", "scope", "style"}
    if form == "html":
        assert "style" not in page.names
    else:
        assert not LINKED.search(html.unescape(re.sub(r"<code>.*?</code>", "", PARSER.render(written), flags=re.DOTALL)))
    return page.text


def test_no_text_is_more_than_text() -> None:
    texts = [*HOSTILE, *MENTIONS]
    columns = (Column("name", "name", "dimension"), Column("count", "<count>", "count"))
    for text in texts:
        report = Report(pl.DataFrame({"name": [text], "count": [7]}, schema={"name": pl.String, "count": pl.Int64}, strict=False), columns)
        letter = Letter(text, [Section(text, [text, f"Of {text} there is one."], shlex.join(("pullstats", text)), Table(report, columns))])
        for form, render in FORMATS.items():
            seen = check(form, render(letter))
            if form == "html":
                assert seen.count(visible(text)) >= 5


@pytest.mark.parametrize("text", [*MENTIONS, "a @b c", "(@x)", "see https://x.example/?a=1&b=2), then", "x_y_ _z", "2. two", "**b**", "a \\| b"])
def test_markdown_shows_every_text_letter_by_letter(text: str) -> None:
    shown = visible(text).strip()
    page = Page()
    page.feed(PARSER.render(f"x {write_words(text)}"))
    assert " ".join(page.text.split()) == " ".join(f"x {shown}".split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "letter.pdf"), "names no format of a letter; use .md, .html, .txt, .json, or --format"),
        (("-o", "none/letter.md"), "cannot write"),
        (("-o", "."), "names no format"),
        (("-o", ".", "--format", "md"), "is a folder"),
        (("--window", "soonish"), "soonish"),
        (("--where", "a ="), "a ="),
    ],
)
def test_what_is_mistyped_is_said(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str) -> None:
    monkeypatch.chdir(tmp_path)
    said = pullstats("digest", "--store", store, "--window", "1999", *words, code=2)
    assert told in said.err
    assert not list(tmp_path.iterdir())


def test_little_is_told_honestly(store: Path, tmp_path: Path) -> None:
    for window, code in (("1999", 4), ("2025-04-02 09:00-10:00", 0)):
        path = tmp_path / "letter.html"
        pullstats("digest", "--store", store, "--window", window, "--title", "<b>& 1", "-o", path, code=code)
        assert "<h1>&lt;b&gt;&amp; 1</h1>" in path.read_text()
        check("html", path.read_text())
    few = pullstats("digest", "--store", store, "--window", "2025-04", "--min-origins", "5").out
    assert "New *Co*" not in few
    assert "--min-origins" in few
    one = letter_of([request(NOON)])
    assert "1 download by 1 downloader" in one.sections[0].sentences[0]
    assert letter_of([]).is_empty
