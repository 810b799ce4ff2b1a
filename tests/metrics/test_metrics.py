"""Every number has a second opinion: hand counts and plain Python."""

from __future__ import annotations

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import UsageError
from pullstats.metrics import DIMENSIONS, METRICS
from pullstats.metrics.filtering.filters import parse_filter
from pullstats.metrics.time.calendars import Calendar
from pullstats.metrics.time.window_grammar import parse_window
from support import oracle
from support.crowd import how_made
from support.effort import examples, of_each
from support.pulls import START, Row, ask, file, manifest, one, row

# What real clients send (recorded), and how many pulls that is.
SEQUENCES = {
    "docker": ([manifest(0, "HEAD", "1.0"), manifest(0.1, "GET", "sha256:index"), manifest(0.2, "GET", "sha256:amd64")], 1),
    "containerd": ([manifest(0, "HEAD", "1.0"), manifest(0.3, "GET", "sha256:index"), manifest(0.6, "GET", "sha256:amd64")], 1),
    "podman and skopeo": ([manifest(0, "GET", "1.0"), manifest(0.1, "GET", "sha256:amd64")], 1),
    "image present": ([manifest(0, "HEAD", "1.0")], 0),
    "tag missing": ([manifest(0, "HEAD", "9.9", 404), manifest(0.1, "GET", "9.9", 404)], 0),
    "pull -a over three tags": (
        [manifest(n + part / 10, *what) for n in range(3) for part, what in enumerate((("HEAD", f"t{n}"), ("GET", f"sha256:{n}")))],
        3,
    ),
    "copy --all": ([manifest(n / 10, "GET", reference) for n, reference in enumerate(("1.0", "sha256:a", "sha256:b", "sha256:c", "sha256:att"))], 1),
    "cri-o twice": ([manifest(n / 10, "GET", reference) for n, reference in enumerate(("1.0", "sha256:a", "1.0", "sha256:a"))], 1),
    "by digest": ([manifest(0, "GET", "sha256:index"), manifest(0.1, "GET", "sha256:amd64")], 1),
    "redirected": ([manifest(0, "HEAD", "1.0", 301), manifest(0.1, "GET", "1.0", 301)], 1),
    "gap of exactly five seconds": ([manifest(0, "GET", "1.0"), manifest(5, "GET", "sha256:a")], 1),
    "gap over five seconds": ([manifest(0, "GET", "1.0"), manifest(5.1, "GET", "sha256:a")], 2),
    "two origins": ([manifest(0, "GET", "1.0", origin=1), manifest(0.1, "GET", "1.0", origin=2)], 2),
    "digest first, then a tag": ([manifest(0, "GET", "sha256:a"), manifest(1, "GET", "1.0")], 2),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_pulls_of_real_clients(name: str) -> None:
    rows, expected = SEQUENCES[name]
    assert oracle.pulls(rows) == expected
    assert one(rows, "pulls", shuffle=3) == expected


FILES = {
    "two whole files": ([file(0), file(1)], 2),
    "parts within ten minutes": ([file(0, 206), file(300, 206), file(900, 206)], 1),
    "a part after a pause": ([file(0, 206), file(601, 206)], 2),
    "whole, then a part": ([file(0), file(10, 206)], 1),
    "redirect and what follows": ([file(0, 301), file(1)], 1),
    "redirect and a late request": ([file(0, 301), file(6)], 2),
    "unchanged": ([file(0, 304)], 0),
    "head": ([file(0, method="HEAD")], 0),
    "missing": ([file(0, 404)], 0),
    "aria2 in four": ([file(0), file(0.1, 206), file(0.2, 206), file(0.3, 206)], 1),
}


@pytest.mark.parametrize("name", FILES)
def test_downloads_of_files(name: str) -> None:
    rows, expected = FILES[name]
    assert oracle.file_downloads(rows) == expected
    assert one(rows, "downloads", shuffle=4) == expected


ROWS = st.lists(
    st.one_of(
        st.builds(
            manifest,
            st.integers(0, 40).map(lambda n: n / 2),
            st.sampled_from(["GET", "HEAD"]),
            st.sampled_from(["1.0", "2.0", "sha256:a", "sha256:b"]),
            st.sampled_from([200, 301, 404]),
            st.integers(1, 3),
            st.sampled_from(["a/x", "b/y"]),
        ),
        st.builds(
            file,
            st.integers(0, 1800),
            st.sampled_from([200, 206, 302, 304, 404, 401]),
            st.integers(1, 3),
            st.sampled_from(["/a", "/b"]),
            st.sampled_from(["GET", "HEAD"]),
        ),
    ),
    min_size=1,
    max_size=25,
)


@examples(40)
@given(ROWS, st.integers(0, 5))
def test_generated_traffic_agrees_with_plain_python(rows: list[Row], seed: int) -> None:
    rows = [{**item, "offset": index} for index, item in enumerate(rows)]
    found = ask(rows, shuffle=seed, metrics=("requests", "bytes", "errors", "origins", "downloads", "pulls")).frame.row(0, named=True)
    assert found == {
        "requests": oracle.requests(rows),
        "bytes": oracle.body_bytes(rows),
        "errors": oracle.errors(rows),
        "origins": oracle.origins(rows),
        "downloads": len(oracle.walk_files_2(rows)[0]) + len(oracle.find_pulls_2(rows)),
        "pulls": len(oracle.find_pulls_2(rows)),
    }


def busy(count: int = 400) -> list[Row]:
    chance = random.Random(7)
    clients = ["docker", "pip", "npm", None]
    return [
        {**file(chance.randrange(200_000), chance.choice([200, 404]), chance.randrange(30), f"/{n % 40}"), "client": clients[n % 4], "offset": n}
        for n in range(count)
    ]


def test_rows_add_up_and_uniques_do_not() -> None:
    rows = busy()
    frame = ask(rows, dimensions=("client",), metrics=("requests", "origins")).frame
    assert frame["requests"].sum() == 400
    assert frame["origins"].sum() > oracle.origins(rows)
    assert None in frame["client"].to_list()
    cut = ask(rows, dimensions=("client",), metrics=("requests", "origins"), limit=1).frame
    others = [item for item in rows if (item["client"]) != cut["client"][0]]
    assert cut["client"].to_list()[1] == "other"
    assert cut.row(1) == ("other", len(others), oracle.origins(others))


def test_a_series_covers_every_bucket_and_adds_up() -> None:
    rows = busy()
    frame = ask(rows, every="d", metrics=("requests",), tz="Europe/Berlin").frame
    assert frame["requests"].sum() == 400
    days = {item["time"].astimezone(ZoneInfo("Europe/Berlin")).date().isoformat() for item in rows}
    assert days <= set(frame["bucket"])
    assert frame["final"].to_list()[-1] is False


def test_the_day_the_clock_changes_has_23_hours() -> None:
    rows = [row(minute * 60, "GET", "/", 200, 1) for minute in range(60 * 48)]
    frame = ask(rows, every="d", metrics=("requests",), tz="Europe/Berlin").frame
    assert dict(frame.select("bucket", "requests").rows())["2025-03-30"] == 23 * 60


def test_filters_say_what_they_left_out() -> None:
    report = ask(busy(), dimensions=("client",), where="status<400 and client in (docker, pip)")
    kept = [item for item in busy() if item["status"] < 400 and item["client"] in {"docker", "pip"}]
    assert report.frame["requests"].sum() == len(kept)
    assert report.meta["excluded"]["events"] == 400 - len(kept)
    assert "filters left out" in report.footer


@pytest.mark.parametrize("name", list(DIMENSIONS))
def test_every_dimension_answers_and_filters(name: str) -> None:
    rows = busy(40)
    assert ask(rows, dimensions=(name,)).frame["requests"].sum() == 40
    assert ask(rows, where=f"{name} is null or {name} is not null").frame["requests"].item() == 40


@pytest.mark.parametrize("name", of_each(METRICS, how_made))
def test_every_metric_answers_with_and_without_groups(name: str) -> None:
    rows = busy(40)
    assert ask(rows, metrics=(name,)).frame.height == 1
    assert ask(rows, metrics=(name, "requests"), dimensions=("client", "status"), sort="requests").frame.height >= 4
    few = ask(rows, metrics=(name,), dimensions=("client", "status")).frame
    assert (
        few.height
        == few.filter(
            pl.col(few.columns[-1]).is_not_null() & (pl.col(few.columns[-1]).cast(pl.Float64, strict=False).ne_missing(0) | (name == "error-rate"))
        ).height
    )


@pytest.mark.parametrize(
    ("window", "days"),
    [("2025", 365), ("2024", 366), ("2025-02", 28), ("2025-Q1", 90), ("2025-03-30", 1), ("2025-01-01..2025-01-31", 31), ("7d", 7), ("last-week", 7)],
)
def test_windows_have_the_days_they_say(window: str, days: int) -> None:
    found = parse_window(window, Calendar(ZoneInfo("UTC"), START))
    assert found.start is not None
    assert found.end is not None
    assert found.end - found.start == timedelta(days=days)


@pytest.mark.parametrize("window", ["soon", "2025-13", "0d", "2025-02-30", "2025-04-02..2025-04-01", "", "999999d"])
def test_a_malformed_window_is_one_sentence(window: str) -> None:
    with pytest.raises(UsageError):
        parse_window(window, Calendar(ZoneInfo("UTC"), START))


@pytest.mark.parametrize(
    ("text", "caret"), [("contry=DE", 0), ("status<abc", 7), ("(status=1", 9), ("status=200 foo", 11), ('path ~ "("', 7), ("client=", 7)]
)
def test_a_malformed_filter_has_a_caret_under_the_place(text: str, caret: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(text, "UTC")
    lines = str(caught.value).split("\n")
    assert lines[1] == f"  {text}"
    assert lines[2] == f"  {' ' * caret}^"


def test_deep_filters_are_refused_and_not_followed() -> None:
    with pytest.raises(UsageError, match="levels"):
        parse_filter("(" * 5000 + "status=1" + ")" * 5000, "UTC")


def test_a_series_by_value_has_a_row_for_every_bucket_and_value_for_machines() -> None:
    """One row a day and client, days without a request too; sums are those of the table people see."""
    rows = [file(0), file(2 * 86_400, origin=2) | {"client": "pip"}, manifest(2 * 86_400, "GET", "1.0", origin=3)]
    found = ask(rows, metrics=("downloads", "origins"), dimensions=("client",), every="d")
    assert found.flat is not None
    frame, columns = found.flat
    assert (
        [column.name for column in columns]
        == ["bucket", "client", "downloads", "origins", "final", "gap", "partial", "missing_hours", "cut"]
        == frame.columns
    )
    days = sorted(set(frame["bucket"]))
    wanted = {(day, client): (0, 0) for day in days for client in ("docker", "pip")}
    wanted |= {(days[0], "docker"): (1, 1), (days[2], "docker"): (1, 1), (days[2], "pip"): (1, 1)}
    assert {row[:2]: row[2:4] for row in frame.rows()} == wanted
    assert len(days) == 3
