"""Every metric and every dimension answers its case as counted by hand; rows add up; all formats agree.

To add a case: a file in `cases/metrics/` or `cases/dimensions/`. Its lines are of the week of
5 January 2026; each case is moved four weeks further into the past, so that none sees another's.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.enrich import NetworkSources
from pullstats.events import EVENT_SCHEMA, conform
from pullstats.metrics import DIMENSIONS, METRICS, Breakdown, Daily, Extent, Query
from pullstats.pipeline.answer import answer
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
from pullstats.render import RENDERERS, RenderOptions, render
from pullstats.reports import Report
from support.case_files import load_cases
from support.crowd import ask_of
from support.effort import SOAK, some

Case = dict[str, Any]
METRIC_CASES = load_cases("metrics", {"why", "lines", "metric", "by", "rows", "total", "unit", "additive", "merge"})
DIMENSION_CASES = load_cases("dimensions", {"why", "lines", "dimension", "rows", "tz", "geo", "is_hashed", "nulls"})
CASES = [*METRIC_CASES, *DIMENSION_CASES]
SLOT = timedelta(weeks=4)
CLOUD = {
    "prefixes": [{"ip_prefix": f"198.18.{n}.0/24", "region": region, "service": "EC2"} for n, region in enumerate(("eu-central-1", "us-east-1"))]
}


def move(text: str, number: int) -> str:
    """Move every date of a text to the time of a case."""

    def local(match: re.Match[str]) -> str:
        return f"{datetime.strptime(match[0], '%d/%b/%Y').replace(tzinfo=UTC) - SLOT * number:%d/%b/%Y}"

    moved = re.sub(r"[0-9]{2}/Jan/2026", local, text)
    return re.sub(r"2026-01-[0-9]{2}", lambda match: (date.fromisoformat(match[0]) - SLOT * number).isoformat(), moved)


def window_of(number: int) -> str:
    return move("2026-01-03..2026-01-20", number)


def write_geo_database(path: Path, low: dict[str, str], high: dict[str, str]) -> None:
    """Write a MaxMind database of one node: addresses below 128.0.0.0, and the others (maxmind.github.io/MaxMind-DB)."""

    def encode(value: Any, key: str = "") -> bytes:
        if isinstance(value, str):
            return bytes([2 << 5 | len(value)]) + value.encode()
        if isinstance(value, int):
            kind, size = {"node_count": (6, 4), "build_epoch": (9, 8)}.get(key, (5, 2))
            return (bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])) + value.to_bytes(size, "big")
        if isinstance(value, list):
            return bytes([len(value), 11 - 7]) + b"".join(map(encode, value))
        return bytes([7 << 5 | len(value)]) + b"".join(encode(name) + encode(item, name) for name, item in value.items())

    first, second = encode(low), encode(high)
    node = b"".join((1 + 16 + place).to_bytes(3, "big") for place in (0, len(first)))
    meta: dict[str, Any] = {"node_count": 1, "record_size": 24, "ip_version": 4, "binary_format_major_version": 2, "binary_format_minor_version": 0}
    meta |= {"database_type": "Test-City", "languages": ["en"], "description": {"en": "test"}, "build_epoch": 1_700_000_000}
    path.write_bytes(node + bytes(16) + first + second + b"\xab\xcd\xefMaxMind.com" + encode(meta))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Path]:
    """Ingest all cases once: those with a geo database of their own into a store of their own."""
    folder = tmp_path_factory.mktemp("questions")
    (folder / "clouds.json").write_text(json.dumps(CLOUD))
    (folder / "orgs.csv").write_text('203.0.113.0/24,"Acme, Inc."\n')
    names: dict[str, list[str]] = {}
    for number, (name, case) in enumerate(CASES):
        log = folder / f"{name}.log"
        log.write_text("".join(f"{move(line, number)}\n" for line in case["lines"]))
        names.setdefault(name if "geo" in case else "all", []).append(str(log))
        if "geo" in case:
            write_geo_database(folder / f"{name}.mmdb", **case["geo"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name, paths in names.items():
            geo = None if name == "all" else folder / f"{name}.mmdb"
            plan = IngestPlan(
                tuple(paths), folder / name, geo_db=geo, networks=NetworkSources(folder / "orgs.csv", cloud_ranges=(folder / "clouds.json",))
            )
            summary = ingest(plan)
            assert summary.total("rejected") == 0
    return lambda case: folder / (next(name for name, one in CASES if one is case) if "geo" in case else "all")


def ask(store: Path, metrics: str, **options: Any) -> list[dict[str, Any]]:
    """Give the rows that `--format json` prints."""
    report = answer(store, Breakdown(Query(tuple(metrics.split(",")), **{"limit": 0, **options})))
    found: list[dict[str, Any]] = json.loads(render(report, "json", RenderOptions()))
    return found


def as_set(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def test_every_metric_and_dimension_has_a_case() -> None:
    assert Counter(case["metric"] for _, case in METRIC_CASES) == Counter(list(METRICS))
    assert Counter(case["dimension"] for _, case in DIMENSION_CASES) == Counter(list(DIMENSIONS))
    assert all(len(case["why"]) > 20 for _, case in CASES)
    assert len({name for name, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("number", range(len(METRIC_CASES)), ids=[name for name, _ in METRIC_CASES])
def test_a_metric_is_what_was_counted_by_hand(number: int, stores: Callable[[Case], Path]) -> None:
    case = METRIC_CASES[number][1]
    metric = METRICS[case["metric"]]
    assert (metric.unit or metric.title, metric.additive, metric.merge) == (case["unit"], case["additive"], case["merge"])
    store, window, key = stores(case), window_of(number), case["metric"].replace("-", "_")
    rows = [{case["by"].replace("-", "_"): None} | row for row in json.loads(move(json.dumps(case["rows"]), number))]
    total = json.loads(move(json.dumps(case["total"]), number))
    rows = [row for row in rows if row[key] or case["unit"] == "share"]  # rows of nothing are not shown
    assert [row[key] for row in ask(store, case["metric"], window=window)] == [total]
    if not isinstance(total, str):  # times cannot be added at all
        assert (sum(row[key] for row in rows) == total) is case["additive"]
    for sort, is_reversed in some([(case["metric"], False), (f"-{case['metric']}", True)], 2, first=number % 2):
        found = ask(store, case["metric"], dimensions=(case["by"],), window=window, sort=sort)
        assert as_set(found) == as_set(rows)
        assert [row[key] for row in found] == sorted((row[key] for row in rows), reverse=not is_reversed)


@pytest.mark.parametrize("number", range(len(DIMENSION_CASES)), ids=[name for name, _ in DIMENSION_CASES])
def test_a_dimension_is_what_was_read_by_hand(number: int, stores: Callable[[Case], Path]) -> None:
    case = DIMENSION_CASES[number][1]
    name = case["dimension"]
    key, store = name.replace("-", "_"), stores(case)
    options = {"window": window_of(number + len(METRIC_CASES)), "tz": case.get("tz", "UTC")}
    rows = ask(store, "requests", dimensions=(name,), sort=name, **options)
    if case.get("is_hashed"):
        assert Counter(row["requests"] for row in rows) == Counter(row["requests"] for row in case["rows"])
        assert [row[key] for row in rows].count(None) == case.get("nulls", 0)
        assert all(row[key] is None or re.fullmatch("[0-9a-f]{16}", row[key]) or (name == "source" and Path(row[key]).exists()) for row in rows)
    else:
        assert as_set(rows) == as_set([{key: None} | row for row in case["rows"]])
    for row in some(rows, 3)[: None if SOAK else 1]:
        value = row[key]
        text = f'"{value}"' if isinstance(value, str) else str(value).lower()
        where = f"{name} is null" if value is None else f"{name} = {text}"
        if SOAK or number % 2:
            assert ask(store, "requests", where=where, **options) == [{"requests": row["requests"]}]
        if SOAK or not number % 2:
            assert sum(row["requests"] for row in ask(store, "requests", where=f"not ({where})", **options)) == len(case["lines"]) - row["requests"]
    known = [row[key] for row in rows]
    order = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index if name == "weekday" else lambda value: value
    assert known == sorted((value for value in known if value is not None), key=order) + [None] * known.count(None)


@pytest.mark.parametrize("name", some(DIMENSIONS, 12))
def test_all_formats_agree(name: str, stores: Callable[[Case], Path]) -> None:
    """Times end in a second, shares in six digits; nulls are null, empty and unknown."""
    report = answer(
        stores({}),
        Breakdown(
            Query(("requests", "origins", "error-rate", "last-seen"), dimensions=tuple(dict.fromkeys((name, "client"))), window="all", limit=3)
        ),
    )
    written = {form: render(report, form, RenderOptions(width=400)) for form in RENDERERS}
    rows = json.loads(written["json"])
    key = name.replace("-", "_")
    assert list(rows[0]) == list(dict.fromkeys((key, "client", "requests", "origins", "error_rate", "last_seen")))
    assert all(isinstance(row["requests"], int) and isinstance(row["origins"], int) for row in rows)
    kinds = {"number": int, "boolean": bool}.get(DIMENSIONS[name].type, str)
    assert all(row[key] is None or isinstance(row[key], kinds) or row[key] == "other" for row in rows)
    assert all(datetime.fromisoformat(row["last_seen"]).utcoffset() == timedelta(0) for row in rows)
    assert rows == [json.loads(line) for line in str(written["ndjson"]).splitlines()]

    def flat(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    table = [list(row) for row in csv.reader(io.StringIO(str(render(report, "csv", RenderOptions(formula_guard=False)))))]
    assert table == [list(rows[0]), *([flat(value) for value in row.values()] for row in rows)]
    lines = [line for line in str(written["md"]).splitlines() if line.startswith("| ")]
    assert len(lines) == len(rows) + 2
    place = list(rows[0]).index("requests")
    assert [line.split(" | ")[place].strip("| ") for line in lines[2:]] == [str(row["requests"]) for row in rows]
    parquet = pl.read_parquet(io.BytesIO(bytes(written["parquet"])))  # type: ignore[arg-type]
    assert parquet["requests"].to_list() == [row["requests"] for row in rows]
    assert [flat(value) for value in parquet[key].to_list()] == [flat(row[key]) for row in rows]
    if any(row[key] is None for row in rows):
        assert "unknown" in str(written["table"])


def test_meta_says_what_a_number_needs(stores: Callable[[Case], Path]) -> None:
    report = answer(
        stores({}), Breakdown(Query(("requests",), dimensions=("client",), window="2025", where="status<400", tz="Europe/Berlin", limit=2))
    )
    meta = json.loads(render(report, "json", RenderOptions(meta=True)))["meta"]
    assert {"window", "tz", "counting_rule", "unique_level", "excluded", "completeness", "warnings"} <= set(meta)
    assert meta["window"] == {"label": "2025", "start": "2024-12-31T23:00:00+00:00", "end": "2025-12-31T23:00:00+00:00"}
    assert (meta["tz"], meta["counting_rule"], meta["unique_level"]) == ("Europe/Berlin", "pullstats@2", "origin")
    assert meta["excluded"]["filters"] == ["--where status<400"]
    assert meta["excluded"]["share"] == pytest.approx(
        meta["excluded"]["events"] / (meta["excluded"]["events"] + sum(report.frame["requests"])), abs=1e-6
    )
    assert meta["other_row"] == 2


START = datetime(2025, 3, 1, tzinfo=UTC)


def ask_rows(rows: list[dict[str, Any]], **options: Any) -> Report:
    """Ask about rows that name event columns; `endpoint` numbers an endpoint, which is an origin as well."""
    columns = {name: [row.get(name) for row in rows] for name in {name for row in rows for name in row} - {"endpoint"}}
    ids = [row["endpoint"] for row in rows]
    columns |= {
        "timestamp": [START + timedelta(days=row.get("day", 0), seconds=n) for n, row in enumerate(rows)],
        "endpoint_id": ids,
        "origin_id": ids,
        "source_id": ["log"] * len(rows),
    }
    columns.pop("day", None)
    frame = conform(pl.DataFrame(columns, schema={name: EVENT_SCHEMA[name] for name in columns}))

    def scan(names: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        return frame.lazy().select(names)

    extent = Extent(START, START + timedelta(days=9))
    query = Query(**{"metrics": ("requests", "endpoints"), "window": "all", **options})
    if options.get("metrics") == ("requests", "bytes", "downloads", "downloaders", "checks", "origins"):
        return ask_of(Daily(query), scan, extent, START)
    return ask_of(Breakdown(query), scan, extent, START)


def people(**counts: int) -> list[dict[str, Any]]:
    """Give each client as many endpoints, each with one request; no endpoint is of two clients."""
    return [
        {"user_agent_name": None if name == "none" else name, "endpoint": 100 * n + one}
        for n, (name, many) in enumerate(counts.items())
        for one in range(many)
    ]


def test_the_row_of_the_others_is_told_from_a_value_of_that_name() -> None:
    rows = people(other=5, a=4, b=3, unknown=2, none=1)
    cut = ask_rows(rows, dimensions=("client",), limit=2)
    assert cut.frame.rows() == [("other", 5, 5), ("a", 4, 4), ("all others", 6, 6)]
    assert cut.meta["other_row"] == 2
    whole = ask_rows(rows, dimensions=("client",), limit=0)
    assert whole.frame["client"].to_list() == ["other", "a", "b", "unknown", None]
    assert whole.meta["other_row"] is None
    assert ask_rows(rows, dimensions=("client",), limit=2, has_other=False).frame.rows() == [("other", 5, 5), ("a", 4, 4)]


def test_columns_add_up_to_the_total_with_unknown_and_other() -> None:
    rows = people(a=9, none=7, b=2, c=1)
    for limit in (0, 1, 2, 3):
        report = ask_rows(rows, dimensions=("client",), limit=limit, has_percent=True)
        assert report.frame["requests"].sum() == 19
        assert report.frame["requests_share"].sum() == pytest.approx(1)
        assert [column.title for column in report.columns][-1] == "of all requests"
    assert "none is asked for" in ask_rows(rows, metrics=("origins",), dimensions=("client",), has_percent=True).meta["warnings"][0]


def test_numbers_stay_numbers_beside_the_row_of_the_others() -> None:
    rows = [
        {"http_response_status_code": status, "is_ci": ci, "endpoint": 1}
        for status, ci in ((200, True), (200, True), (404, None), (500, False), (301, None))
    ]
    report = ask_rows(rows, dimensions=("status", "ci"), limit=2, sort="status")
    written = json.loads(render(report, "json", RenderOptions()))
    assert [(row["status"], row["ci"]) for row in written] == [(200, True), (301, None), ("other", "other")]


# Endpoints of each client, the least, and which clients are shown; what else there is, is one row.
SMALL = {
    "none is small": ({"a": 5, "b": 5}, 5, ["a", "b"], None),
    "one small takes a second with it": ({"a": 9, "b": 7, "c": 2}, 5, ["a"], 9),
    "two small ones that are few together take a third": ({"a": 9, "b": 7, "c": 2, "d": 2}, 5, ["a"], 11),
    "two small ones that are enough together": ({"a": 9, "b": 7, "c": 3, "d": 2}, 5, ["a", "b"], 5),
    "all are small, and enough together": ({"a": 3, "b": 2}, 5, [], 5),
    "unknown is small": ({"a": 9, "b": 8, "none": 1, "c": 4}, 5, ["a", "b"], 5),
}


@pytest.mark.parametrize("name", SMALL)
def test_rows_of_few_endpoints_give_nobody_away(name: str) -> None:
    counts, least, shown, others = SMALL[name]
    report = ask_rows(people(**counts), dimensions=("client",), min_origins=least, limit=0)
    assert report.frame.rows() == [(client, counts[client], counts[client]) for client in shown] + ([("other", others, others)] if others else [])
    assert report.meta["hidden_rows"] == len(counts) - len(shown)


def test_an_answer_of_few_endpoints_is_not_told_at_all() -> None:
    for options in ({"dimensions": ("client",)}, {}):
        report = ask_rows(people(a=3, b=1), min_origins=5, **options)
        assert report.frame.height == 0
        assert report.headline == "no total is told: fewer than 5 endpoints are behind it (--min-origins)"
        assert not report.is_empty
        assert "small rows hidden" in report.footer
    assert ask_rows(people(a=5), min_origins=5).frame.rows() == [(5, 5)]


@pytest.mark.parametrize("seed", some(range(25), 4))
def test_whatever_is_shown_stands_for_enough(seed: int) -> None:
    """Endpoints that come with several clients, a limit, up to two dimensions: each row, the others too, has enough."""
    chance = random.Random(seed)
    least, limit = chance.randrange(2, 7), chance.choice([0, 1, 3])
    rows = [
        {
            "user_agent_name": chance.choice("abcdefg"),
            "os_name": chance.choice(["linux", None, "windows"]),
            "endpoint": chance.choice([None, *range(12)]),
        }
        for _ in range(40)
    ]
    names = ("client", "os") if seed % 2 else ("client",)
    report = ask_rows(rows, dimensions=names, min_origins=least, limit=limit)
    columns = ["user_agent_name", "os_name"][: len(names)]
    groups: dict[tuple[Any, ...], set[int]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), set()).update({row["endpoint"]} - {None})
    found = {row[: len(names)]: row[len(names) :] for row in report.frame.rows()}
    other = report.meta["other_row"]
    folded = [group for group in groups if group not in found]
    for group, (requests, endpoints) in found.items():
        if group in groups:
            assert endpoints == len(groups[group]) >= least
            assert requests == sum(tuple(row[column] for column in columns) == group for row in rows)
    if any(len(groups[group]) < least for group in folded):
        assert other is not None
        assert len(folded) > 1
        assert report.frame.rows()[other][-1] == len(set().union(*(groups[group] for group in folded))) >= least
    assert report.frame["requests"].sum() == len(rows) or other is None


def takes(seed: int) -> list[dict[str, Any]]:
    """Make requests of few clients by more endpoints: most only look, some take."""
    chance = random.Random(seed)
    shared = {"http_request_method": "GET", "http_response_status_code": 200, "package_type": "pypi", "package_name": "a", "is_downloadable": True}
    rows = []
    for number in range(80):
        client = chance.choice("abcdefg")
        is_taken = chance.random() < {"a": 0.9, "b": 0.5, "c": 0.1}.get(client, 0.05)
        path = f"/packages/ab/cd/a-{number}.tar.gz" if is_taken else "/simple/a/"
        action = "download" if is_taken else "metadata"
        rows.append(shared | {"user_agent_name": client, "endpoint": chance.choice([None, *range(16)]), "action": action, "url_path": path})
    return rows


@pytest.mark.parametrize("seed", some(range(20), 7))
def test_few_downloaders_are_not_told_and_not_to_be_reckoned(seed: int) -> None:
    """Each row, the others too, was taken by nobody or by enough; and what is not shown is the others' row, so that no difference tells more."""
    rows, least = takes(seed), 2 + seed % 5
    report = ask_rows(rows, metrics=("requests", "downloads", "downloaders"), dimensions=("client",), min_origins=least, limit=(0, 2)[seed % 2])
    asked: dict[str, set[int]] = {}
    taken: dict[str, set[int]] = {}
    for row in rows:
        asked.setdefault(row["user_agent_name"], set()).update({row["endpoint"]} - {None})
        taken.setdefault(row["user_agent_name"], set()).update({row["endpoint"]} - {None} if row["action"] == "download" else set())
    everybody = set().union(*taken.values())
    if 0 < len(everybody) < least:
        assert report.frame.height == 0
        return
    found = {row[0]: row[1:] for row in report.frame.rows()}
    few = {client for client in asked if len(asked[client]) < least or 0 < len(taken[client]) < least}
    assert not few & found.keys()
    for client, (requests, downloads, downloaders) in found.items():
        if client in asked:
            mine = [row for row in rows if row["user_agent_name"] == client]
            assert (requests, downloads) == (len(mine), sum(row["action"] == "download" for row in mine))
            assert downloaders == len(taken[client])
    folded = asked.keys() - found.keys()
    if few:
        assert len(folded) > 1 or not found
        others = set().union(*(taken[client] for client in folded))
        assert found["other"][2] == len(others)
        assert not 0 < len(others) < least
        assert report.frame["requests"].sum() == len(rows)


def test_a_day_on_which_few_took_something_tells_what_was_asked_alone() -> None:
    metrics = ("requests", "bytes", "downloads", "downloaders", "checks", "origins")
    look = {"http_request_method": "GET", "http_response_status_code": 200, "package_type": "pypi", "package_name": "a", "action": "metadata"}
    take = look | {"action": "download", "is_downloadable": True, "url_path": "/packages/ab/cd/a-1.tar.gz"}
    first = [row | look for row in people(a=6, b=7)] + [row | take for row in people(a=2)]
    second = [row | take | {"day": 1} for row in people(a=6, b=7)]
    rows = ask_rows([*first, *second], metrics=metrics, min_origins=5).frame
    found = rows.select(pl.col("date").cast(pl.String), "package", "client", "requests", "downloads", "downloaders").rows()
    assert found == [("2025-03-01", "other", None, 15, None, None), ("2025-03-02", "a", "a", 6, 6, 6), ("2025-03-02", "a", "b", 7, 7, 7)]


def test_the_daily_export_folds_small_rows_day_by_day() -> None:
    metrics = ("requests", "bytes", "downloads", "downloaders", "checks", "origins")
    first = [row | {"day": 0} for row in people(a=6, b=3, c=2)]
    second = [row | {"day": 1} for row in people(a=6, b=5, c=1)]
    third = [row | {"day": 2} for row in people(a=2)]
    rows = ask_rows([*first, *second, *third], metrics=metrics, min_origins=5).frame
    found = rows.select(pl.col("date").cast(pl.String), "package", "client", "requests", "origins").rows()
    assert found == [
        ("2025-03-01", "other", None, 5, 5),
        ("2025-03-01", None, "a", 6, 6),
        ("2025-03-02", "other", None, 6, 6),
        ("2025-03-02", None, "a", 6, 6),
    ]
    assert ask_rows([*first, *second, *third], metrics=metrics).frame.height == 7
