"""Filters keep exactly what plain Python keeps, and say where they are not understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.enrich import agent_rules, path_rules
from pullstats.errors import UsageError
from pullstats.events import EVENT_SCHEMA, conform
from pullstats.ids import make_id
from pullstats.metrics import DIMENSIONS, Breakdown, Extent, Query
from pullstats.metrics.filtering.filters import parse_filter
from pullstats.metrics.vocabulary import ACTIONS, CLASSES, ECOSYSTEMS, KINDS
from pullstats.render.sanitise import for_terminal
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import ask_of
from support.effort import examples

ZONE = "Europe/Berlin"
START = datetime(2025, 3, 29, 20, 0, tzinfo=UTC)
Row = dict[str, Any]
Tree = tuple[Any, ...]

TEXTS = [
    "docker",
    "Docker",
    "a b",
    "50%",
    "x_y",
    'say "hi"',
    "it's",
    "c:\\d",
    "(x)",
    "a,b",
    "größe",
    "日本",
    "🐳",
    "",
    "null",
    "and",
    "tab\there",
    "two\nlines",
]
NUMBERS = [-1, 0, 8, 199, 200, 404, 599, 99_999_999_999_999]
PATTERNS = ["^d", "r$", "[0-9]+", "D|ö", "^$", r"\(x\)", "%", "(?i)DOCKER", "a.b"]
GLOBS = ["doc%", "%er", "_ocker", "%", "", "a%b", "%🐳%", "__", r"50\%", r"x\_y", "(_)", "%\n%"]

rows_of_events = st.lists(
    st.fixed_dictionaries(
        {
            "user_agent_name": st.sampled_from([None, *TEXTS]),
            "package_name": st.sampled_from([None, *TEXTS]),
            "http_response_status_code": st.sampled_from([None, 199, 200, 404, 599]),
            "is_ci": st.sampled_from([None, True, False]),
            "class": st.sampled_from(CLASSES),
            "timestamp": st.integers(0, 12).map(lambda hours: START + timedelta(hours=hours)),
        }
    ),
    min_size=1,
    max_size=12,
)


def read_value(row: Row, name: str) -> Any:
    """What a dimension is of a row, said once more."""
    local = row["timestamp"].astimezone(ZoneInfo(ZONE))
    status = row["http_response_status_code"]
    return {
        "client": row["user_agent_name"],
        "package": row["package_name"],
        "status": status,
        "status-class": None if status is None else f"{str(status)[0]}xx",
        "ci": row["is_ci"],
        "class": row["class"],
        "hour": local.hour,
        "weekday": local.strftime("%a").lower(),
    }[name]


def is_like(text: str, pattern: str) -> bool:
    r"""Match % and _ and \-escapes, one character after the other."""
    if not pattern:
        return not text
    if pattern[0] == "\\":
        return text[:1] == pattern[1] and is_like(text[1:], pattern[2:])
    if pattern[0] == "%":
        return any(is_like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in {"_", text[0]} and is_like(text[1:], pattern[1:])


def holds(tree: Tree, row: Row) -> bool:
    """Evaluate a filter: a missing value equals nothing, and every negation is the exact opposite."""
    kind, *rest = tree
    if kind == "and":
        return all(holds(part, row) for part in rest)
    if kind == "or":
        return any(holds(part, row) for part in rest)
    if kind == "not":
        return not holds(rest[0], row)
    name, wanted = rest
    value = read_value(row, name)
    opposites = {"!=": "=", "not in": "in", "not like": "like", "!~": "~", "is not null": "is null"}
    if kind in opposites:
        return not holds((opposites[kind], name, wanted), row)
    if kind == "is null":
        return value is None
    if value is None:
        return False
    text = str(value).lower() if isinstance(value, bool) else str(value)
    checks: dict[str, Callable[[], bool]] = {
        "=": lambda: value == wanted,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
        "in": lambda: value in wanted,
        "like": lambda: is_like(text, wanted),
        "~": lambda: re.search(wanted, text) is not None,
    }
    return checks[kind]()


def write_value(value: Any, quote: str) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    if re.fullmatch(r"[\w:/%*.-]+", value) and quote == "" and value != "null":
        return str(value)
    mark = quote or '"'
    return mark + re.sub(f"([\\\\{mark}])", r"\\\1", value) + mark


def write(tree: Tree, draw: Any) -> str:
    """Write a filter down as somebody might."""
    case = draw(st.sampled_from([str.lower, str.upper, str.title]))
    gap = draw(st.sampled_from([" ", "  ", "\t", "\n"]))
    quote = draw(st.sampled_from(["", '"', "'"]))
    kind, *rest = tree
    if kind in {"and", "or"}:
        return f"({f'{gap}{case(kind)}{gap}'.join(write(part, draw) for part in rest)})"
    if kind == "not":
        return f"{case('not')}{gap}({write(rest[0], draw)})"
    name, wanted = rest
    if kind.startswith("is"):
        return f"{name}{gap}{gap.join(case(word) for word in kind.split())}"
    if kind in {"in", "not in"}:
        return f"{name}{gap}{gap.join(case(word) for word in kind.split())}{gap}({', '.join(write_value(item, quote) for item in wanted)})"
    if kind in {"like", "not like"}:  # here a backslash is part of the pattern
        return f'{name}{gap}{gap.join(case(word) for word in kind.split())}{gap}"{wanted}"'
    space = draw(st.sampled_from(["", " "]))
    return f"{name}{space}{kind}{space}{write_value(wanted, quote)}"


@st.composite
def comparisons(draw: Any) -> Tree:
    name = draw(st.sampled_from(["client", "package", "status", "status-class", "ci", "class", "hour", "weekday"]))
    lists: dict[str, Sequence[Any]] = {
        "status": NUMBERS,
        "hour": NUMBERS,
        "ci": [True, False],
        "class": list(CLASSES),
        "weekday": ["mon", "sat", "sun"],
        "status-class": ["1xx", "2xx", "5xx"],
    }
    values = lists.get(name, TEXTS)
    kinds = ["=", "!=", "in", "not in", "like", "not like", "~", "!~", "is null", "is not null"]
    kind = draw(st.sampled_from(kinds if name == "ci" else [*kinds, "<", "<=", ">", ">="]))
    if kind.startswith("is"):
        return (kind, name, None)
    if kind.endswith("in"):
        return (kind, name, draw(st.lists(st.sampled_from(values), min_size=1, max_size=4)))
    return (kind, name, draw(st.sampled_from(GLOBS if kind.endswith("like") else PATTERNS if "~" in kind else values)))


TREES = st.recursive(
    comparisons(),
    lambda parts: st.one_of(
        st.tuples(st.just("not"), parts),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: ("and", *found)),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: ("or", *found)),
    ),
    max_leaves=8,
)


def make_events(rows: list[Row]) -> pl.DataFrame:
    names = [name for name in rows[0] if name in EVENT_SCHEMA]
    frame = conform(pl.DataFrame({name: [row[name] for row in rows] for name in names}, schema={name: EVENT_SCHEMA[name] for name in names}))
    return frame.with_columns(pl.Series("class", [row.get("class") for row in rows], pl.String))


@examples(250)
@given(TREES, rows_of_events, st.data())
def test_a_filter_keeps_what_plain_python_keeps(tree: Tree, rows: list[Row], data: st.DataObject) -> None:
    text = write(tree, data.draw)
    frame = make_events(rows).with_row_index()
    found = parse_filter(text, ZONE)
    assert frame.select(found.expr.is_null().any()).item() is False
    assert frame.filter(found.expr)["index"].to_list() == [index for index, row in enumerate(rows) if holds(tree, row)], text


def keep(text: str, values: list[Any], column: str = "user_agent_name") -> list[Any]:
    rows = [{column: value} for value in values]
    frame = make_events(rows)
    return frame.filter(parse_filter(text, "UTC").expr)[column].to_list()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("client = docker", ["docker"]),
        ("client != docker", ["pip", "a b", "100%", None]),
        ("not client = docker", ["pip", "a b", "100%", None]),
        ("client < e", ["docker", "a b", "100%"]),
        ("not client < e", ["pip", None]),
        ("client in (docker, 'a b')", ["docker", "a b"]),
        ("client not in (docker, 'a b')", ["pip", "100%", None]),
        ('client like "%\\%"', ["100%"]),
        ("client not like %i%", ["docker", "a b", "100%", None]),
        ("client ~ '^.{3}$'", ["pip", "a b"]),
        ("client !~ '^.{3}$'", ["docker", "100%", None]),
        ("client is null or client=pip", ["pip", None]),
        ("client IS NOT NULL AND NOT client=pip", ["docker", "a b", "100%"]),
        ('client="a\\ b"', ["a b"]),
    ],
)
def test_each_operator_and_a_missing_value(text: str, kept: list[Any]) -> None:
    assert keep(text, ["docker", "pip", "a b", "100%", None]) == kept


def test_and_binds_closer_than_or_and_not_closest() -> None:
    values = ["a", "b", "c"]
    assert keep("client=a or client=b and client=c", values) == ["a"]
    assert keep("(client=a or client=b) and client=c", values) == []
    assert keep("not client=a and client!=b", values) == ["c"]


def test_a_number_beyond_its_column_is_compared_as_a_number() -> None:
    statuses = [None, 200, 404]
    assert keep("status < 999999999999", statuses, "http_response_status_code") == [200, 404]
    assert keep("status in (200, 999999999999)", statuses, "http_response_status_code") == [200]
    assert keep("status = 65736", statuses, "http_response_status_code") == []  # 200 + 2**16


def test_thousands_of_parts_are_no_deep_tree() -> None:
    many = " or ".join(f"client=c{number}" for number in range(3000))
    assert keep(many, ["c2999", "d"]) == ["c2999"]
    assert keep(" and ".join(["client=d"] * 3000), ["c2999", "d"]) == ["d"]
    with pytest.raises(UsageError, match="more than 20,000 words"):
        parse_filter(f"client in ({', '.join(['x'] * 20_000)})", "UTC")


# A mistake, the text before the caret as it is shown, and what is said.
MISTAKES = [
    ("contry=DE", "", "did you mean 'country'?"),
    ("status<400 and contry=DE", "status<400 and ", "did you mean 'country'?"),
    ("status<abc", "status<", "a whole number"),
    ("status=4xx", "status=", "a whole number"),
    ("status=200.5", "status=", "a whole number"),
    ("status=", "status=", "a value is missing"),
    ("status in ()", "status in (", "stands in quotes"),
    ("status in (200", "status in (200", "expected ',' or ')'"),
    ("status in 200", "status in ", "expected '('"),
    ("status not 200", "status not ", "expected 'in' or 'like'"),
    ("status is 200", "status is ", "expected 'null' or 'not null'"),
    ("status == 200", "status =", "stands in quotes"),
    ("status => 200", "status =", "stands in quotes"),
    ("status 200", "status ", "expected =, !="),
    ("(status=1", "(status=1", "expected 'and', 'or' or ')'"),
    ("status=1)", "status=1", "expected 'and', 'or' or the end"),
    ("status=200 foo", "status=200 ", "expected 'and', 'or' or the end"),
    ("status=200 and", "status=200 and", "expected a dimension"),
    ("and status=200", "", "expected a dimension"),
    ("", "", "expected a dimension"),
    ("ci=maybe", "ci=", "true or false"),
    ("ci<true", "ci", "has no order"),
    ("client='docker", "client=", "not closed"),
    ("client ! docker", "client ", "!="),
    ("client=docker desktop", "client=docker ", "expected 'and', 'or' or the end"),
    ("class=prodution", "class=", "did you mean 'production'?"),
    ("weekday in (mon, tusday)", "weekday in (mon, ", "did you mean 'tuesday'?"),
    ("ecosystem=dokcer", "ecosystem=", "did you mean 'docker'?"),
    ("kind=package", "kind=", "did you mean 'package-manager'?"),
    ('path ~ "("', "path ~ ", "unclosed group"),
    ("path ~ '(?=x)'", "path ~ ", "look-around"),
    (r"path ~ '(a)\\1'", "path ~ ", "backreferences are not supported"),
    ("path ~ '((a{1000}){1000}){1000}'", "path ~ ", "size limit"),
    ('client="日本" and contry=DE', 'client="日本" and ', "did you mean 'country'?"),
    ('client="🐳" and contry=DE', 'client="🐳" and ', "did you mean 'country'?"),
    ('client="e\u0301" and contry=DE', 'client="e\u0301" and ', "did you mean 'country'?"),
    ('client="a\nb" and contry=DE', r'client="a\x0ab" and ', "did you mean 'country'?"),
    ('client="\x1b[31m" and contry=DE', r'client="\x1b[31m" and ', "did you mean 'country'?"),
    ('client="\u202e" and contry=DE', r'client="\u202e" and ', "did you mean 'country'?"),
]


def columns_of(text: str) -> int:
    """Columns of a terminal, by Unicode's own tables."""
    return sum(0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@pytest.mark.parametrize(("text", "before", "says"), MISTAKES, ids=[repr(text) for text, _, _ in MISTAKES])
def test_a_mistake_has_a_caret_under_the_place(text: str, before: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(text, "UTC")
    reason, shown, caret = str(caught.value).split("\n")
    assert says in reason
    assert shown.startswith(f"  {before}")
    assert caret == " " * (2 + columns_of(before)) + "^"


def test_a_long_filter_is_shown_around_the_mistake() -> None:
    text = " or ".join(["client=docker"] * 300 + ["contry=DE"] + ["client=pip"] * 300)
    with pytest.raises(UsageError) as caught:
        parse_filter(text, "UTC")
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 120
    assert shown[len(caret) - 1 :].startswith("contry=DE or client=pip")


@examples(300)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["status", "client", "=", "~", "in", "(", ")", "not", "like", '"a"', "'", "\\", "🐳", "\x1b", " "])).map("".join)
)
@example("client=\ud800")
def test_any_text_is_read_or_refused_in_three_safe_lines(text: str) -> None:
    try:
        parse_filter(text, "UTC")
    except UsageError as error:
        lines = str(error).split("\n")
        assert len(lines) == 3
        assert [for_terminal(line) for line in lines[1:]] == lines[1:]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("weekday=Tuesday", "weekday=tue"),
        ("weekday in (MON, sundays)", "weekday in (mon, sun)"),
        ("status-class=4XX", "status-class=4xx"),
        ("continent!=eu", "continent!=EU"),
        ("ecosystem in (docker, Go)", "ecosystem in (oci, golang)"),
    ],
)
def test_other_spellings_of_known_values_are_taken(written: str, meant: str) -> None:
    assert parse_filter(written, ZONE).expr.meta.eq(parse_filter(meant, ZONE).expr)


def test_known_values_are_those_that_enrichment_gives() -> None:
    assert set(ECOSYSTEMS) == {family.package_type for family in path_rules.load_families()}
    assert set(KINDS) == set(agent_rules.KINDS)
    assert set(ACTIONS) == set(path_rules.ACTIONS)
    for dimension in DIMENSIONS.values():
        assert list(dimension.values) == sorted(dimension.values) or dimension.name == "weekday"


TRAFFIC: list[Row] = [
    {
        "user_agent_kind": kind,
        "is_ci": ci,
        "organization_name": own,
        "as_organization": owner,
        "http_response_status_code": status,
        "timestamp": START,
    }
    for kind, ci, own, owner, status in (
        ("package-manager", None, None, "Amazon.com, Inc.", 200),
        ("package-manager", True, "@ours", "Amazon.com, Inc.", 200),
        ("mirror", False, None, "OVH SAS", 404),
        ("bot", None, "@ours", "OVH SAS", 200),
        ("update-poller", None, "acme", None, 200),
        (None, None, None, None, None),
    )
]


def ask(rows: list[Row], **options: Any) -> Report:
    frame = make_events(rows)

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        return frame.lazy().select(columns)

    query = Query(**{"metrics": ("requests",), "window": "all", "limit": 0, **options})
    return ask_of(Breakdown(query), scan, Extent(START, START), START)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"classes": ("ci",)}, 1),
        ({"classes": ("ci", "Mirror")}, 2),
        ({"classes": ("unknown",)}, 2),
        ({"exclude_classes": ("ci", "bot", "mirror", "updater")}, 2),
        ({"exclude_kinds": ("mirror", "bot")}, 4),
        ({"exclude_nets": ("@ours",)}, 4),
        ({"exclude_nets": ("@ours", "OVH SAS")}, 3),
        ({"exclude_nets": ("Amazon.com, Inc.",)}, 5),
        ({"exclude_nets": ("@ours",), "where": "status<400"}, 2),
        (
            {
                "exclude_nets": ("@ours",),
                "where": "status<400 or status is null",
                "exclude_kinds": ("update-poller",),
                "classes": ("unknown", "mirror"),
            },
            2,
        ),
        ({"classes": ("ci",), "exclude_classes": ("ci",)}, 0),
    ],
)
def test_classes_kinds_and_networks_narrow_together(options: dict[str, Any], kept: int) -> None:
    report = ask(TRAFFIC, **options)
    assert report.frame["requests"].item() == kept
    assert report.meta["excluded"]["events"] == 6 - kept
    assert f"filters left out {(6 - kept) / 6 * 100:.1f} % of requests" in report.footer


def test_the_footer_tells_a_filter_that_leaves_nothing_out_from_none() -> None:
    assert "filters left out 0.0 % of requests" in ask(TRAFFIC, where="status is null or status>0").footer
    assert "no filters" in ask(TRAFFIC).footer
    nearly = [{**TRAFFIC[0]} for _ in range(3000)] + [{**TRAFFIC[2]}]
    assert "filters left out < 0.1 % of requests" in ask(nearly, where="status<400").footer
    assert "filters left out > 99.9 % of requests" in ask(nearly, where="status=404").footer


def test_class_says_what_it_goes_by() -> None:
    for options in ({"classes": ("ci",)}, {"where": "not class=ci"}, {"dimensions": ("class",)}, {"exclude_classes": ("ci",)}):
        report = ask(TRAFFIC, **options)
        assert report.meta["class_by"].startswith("classes@1, as of ")
        assert f"class by {report.meta['class_by']}" in report.footer
    assert "class_by" not in ask(TRAFFIC, where="kind=ci").meta


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({"exclude_nets": ("@ours", "OVH SA")}, ["no request in the window has org 'OVH SA'; did you mean 'OVH SAS'?"]),
        ({"exclude_nets": ("@ours", "OVH SAS")}, []),
        ({"exclude_kinds": ("probe",)}, []),
        ({"where": "org='ovh sas'"}, ["no request in the window has org 'ovh sas'; did you mean 'OVH SAS'?"]),
        ({"where": "org in ('OVH SAS', zzz) and status=200 and kind=mirror"}, ["no request in the window has org 'zzz'"]),
        ({"where": "org in ('OVH SAS', zzz)"}, []),
        ({"where": "status=999"}, []),
    ],
)
def test_values_that_nothing_has_are_told(options: dict[str, Any], warnings: list[str]) -> None:
    assert ask(TRAFFIC, **options).meta["warnings"] == warnings


IDS = ("a1b2c3d4e5f60718", "a1b2c3d4ffffffff", "00ff00ff00ff00ff")
PEOPLE: list[Row] = [dict.fromkeys(("endpoint_id", "origin_id", "user_id"), make_id(bytes.fromhex(one))) for one in IDS]


@pytest.mark.parametrize("name", ["endpoint", "origin", "user", "ip"])
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("=a1b2c3d4e", 1),
        ("=A1B2C3D4E5F60718", 1),
        ("!=00ff00", 2),
        (f"={IDS[0]}{IDS[1]}", 1),  # as stores of 0.1 gave it out
        (" in (00ff00, a1b2c3d4f)", 2),
        (" not in (a1b2c3d4e, unknown)", 2),
        (" in (unknown)", 0),
        ("=abcdef", 0),
    ],
)
def test_an_id_is_named_by_its_first_digits(name: str, written: str, kept: int) -> None:
    report = ask(PEOPLE, where=name + written)
    assert report.frame["requests"].item() == kept
    assert bool(report.meta["warnings"]) == (written == "=abcdef")


@pytest.mark.parametrize("name", ["endpoint", "origin", "user"])
def test_digits_that_begin_several_ids_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="'a1b2c3' fits 2 ids: a1b2c3d4e5f60718.*, a1b2c3d4ffffffff.*; give more digits"):
        ask(PEOPLE, where=f"{name}=a1b2c3")


@pytest.mark.parametrize(
    ("where", "told"),
    [
        *(
            (f"{name}='{value}'", "addresses are kept only")
            for name in ("ip", "endpoint")
            for value in ("81.0.0.1", "2a00::1", "web.example", "12345")
        ),
        ("ip in (unknown, 81.0.0.1)", "addresses are kept only"),
        ("user!=alice", "user names are kept only"),
        ("origin='curl 8'", "origins are kept only"),
    ],
)
def test_who_is_kept_as_a_hash_is_not_asked_for_by_name(where: str, told: str) -> None:
    with pytest.raises(
        UsageError, match=f"{told} as keyed hashes, so none can be asked for by itself; write 6 or more digits of an id, as --by"
    ) as raised:
        ask(PEOPLE, where=where)
    assert "lists them" in str(raised.value)


def test_logs_are_named_as_they_are_called() -> None:
    rows: list[Row] = [{"source_id": one * 32} for one in "aabc"]
    logs = {"logs/web 1.log": ["a" * 32, "b" * 32], "c.log": ["c" * 32]}
    for where, kept in (
        ("source='logs/web 1.log'", 3),
        ("source!=c.log", 3),
        ("log in (c.log, unknown)", 1),
        (f"source={'b' * 32}", 1),
        ("source=d.log", 0),
        ("source like 'logs/%'", 3),
        ("source ~ '^c'", 1),
        ("source !~ '^c'", 3),
        ("source < 'd'", 1),
    ):
        found = parse_filter(where, ZONE, logs)
        frame = pl.DataFrame(rows, schema={"source_id": pl.String})
        assert frame.filter(found.expr).height == kept, where
        assert [text for _, text in found.named if not text.startswith("b")] == (["d.log"] if not kept else []), where


def test_a_log_is_a_row_by_the_name_that_filters_take(take_in: Callable[..., Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two files of one name are one row, whose uniques are one union; typed back, each name gives its row; a near miss is named."""
    line = '192.0.2.{} - - [0{}/Mar/2025:10:00:00 +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    for name, text in (
        ("one", line.format(1, 1) * 3 + line.format(2, 1)),
        ("two's", line.format(1, 2) + line.format(3, 2)),
        ("three", line.format(4, 3)),
    ):
        (tmp_path / name).write_text(text)
    take_in(tmp_path / "one", source_name="web 'a'")
    take_in(tmp_path / "two's", source_name="web 'a'")
    take_in(tmp_path / "three")

    def report(*words: str) -> list[dict[str, Any]]:
        asked = ("report", "--store", tmp_path / "store", "-w", "all", "--metric", "requests,origins", *words, "--format", "json")
        return pullstats(*asked, code=(0, 4)).rows  # type: ignore[no-any-return]

    rows = report("--by", "source")
    assert {row["source"]: (row["requests"], row["origins"]) for row in rows} == {"web 'a'": (6, 3), str(tmp_path / "three"): (1, 1)}
    for row in rows:
        assert report("--by", "source", "--where", f'source="{row["source"]}"') == [row]
    said = pullstats("report", "--store", tmp_path / "store", "-w", "all", "--where", "source=\"web 'b'\"", code=4)
    assert "did you mean 'web 'a''?" in " ".join((said.out + said.err).split())
