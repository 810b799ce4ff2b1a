"""How much a few make up: sums, shares, Gini and trend; computed a second time in the slow way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import UsageError
from pullstats.metrics.questions.concentration import Concentration, compute_gini, count_for_share
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, make_crowd, request
from support.effort import examples

DAY = timedelta(days=1)


def concentration(rows: list[Row], tops: tuple[int, ...] = (2, 10, 20), shares: tuple[Fraction, ...] = (Fraction(1, 2),), **options: Any) -> Report:
    return ask(Concentration, rows, tops, shares, **{"metrics": ("requests",)} | options)


def gini_by_double_loop(values: list[int]) -> float:
    """Half the mean difference of all pairs, of the mean."""
    return sum(abs(one - other) for one in values for other in values) / (2 * len(values) * sum(values))


def share_by_adding(values: list[int], share: Fraction) -> int:
    taken = 0
    for count, value in enumerate(sorted(values, reverse=True), 1):
        taken += value
        if taken >= share * sum(values):
            return count
    return 0


@examples(60)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.fractions(Fraction(1, 1000), 1, max_denominator=1000))
def test_gini_and_shares_agree_with_the_slow_way(values: list[int], share: Fraction) -> None:
    falling = pl.Series(sorted(values, reverse=True))
    assert compute_gini(falling) == (pytest.approx(gini_by_double_loop(values), abs=1e-9) if len(values) > 1 else None)
    assert count_for_share(falling, share) == share_by_adding(values, share)


def test_a_share_is_exact_where_floats_are_not() -> None:
    """0.07 × 100 is 7.000000000000001 in floats: seven of a hundred equals are seven percent all the same."""
    assert count_for_share(pl.Series([1] * 100), Fraction("0.07")) == 7


def people_by_hand(rows: list[Row], field: str) -> tuple[Counter[Any], int]:
    """Count the requests of all who were not only ever answered 401; and those of nobody."""
    known = {row[field] for row in rows if row["status"] != 401 and row[field] is not None}
    return Counter(row[field] for row in rows if row[field] in known), sum(row[field] not in known for row in rows)


@pytest.mark.parametrize("memory", [3_000_000_000, 25_000])
@pytest.mark.parametrize(("level", "field", "key"), [("origin", "who", "origins"), ("network", "network", "networks"), ("org", "org", "orgs")])
def test_every_row_by_hand(level: str, field: str, key: str, memory: int) -> None:
    rows = make_crowd()
    counts, nobody = people_by_hand(rows, field)
    largest, total = sorted(counts.values(), reverse=True), counts.total()
    report = concentration(rows, (1, 5, 3000), (Fraction(1, 3), Fraction(9, 10)), unique_by=level, memory=memory)
    found = {row["measure"]: row for row in report.frame.to_dicts()}
    expected = {"top 1": 1, "top 5": 5, "top 3000": len(largest), "90% of all": share_by_adding(largest, Fraction(9, 10)), "all": len(largest)}
    expected["33.33333333% of all"] = share_by_adding(largest, Fraction(1, 3))
    assert {name: row[key] for name, row in found.items()} == {name: min(count, len(largest)) for name, count in expected.items()}
    for row in found.values():
        taken = sum(largest[: row[key]])
        assert (row["requests"], row["without"], row["share"]) == (taken, total - taken, pytest.approx(taken / total))
    assert found["all"]["gini"] == pytest.approx(gini_by_double_loop(largest))
    assert report.meta["unattributed"] == nobody > 0
    assert any(warning.startswith(f"{nobody} requests belong to no ") for warning in report.meta["warnings"])


def test_the_same_in_words() -> None:
    rows = [request(NOON, who) for who, count in ((1, 6), (2, 3), (3, 2), (4, 1)) for _ in range(count)] + [request(NOON, None)]
    report = concentration(rows, (1, 3), (Fraction(1, 2), Fraction(1, 3)))
    assert report.headline == (
        "1 origin = 6 requests; the next 2 = 5; half of all requests comes from 1 origin; 33.33333333 % of all requests come from 1 origin; "
        "without the top 1, 6 requests; Gini 0.33"
    )
    assert report.meta["warnings"] == ["1 request belongs to no origin (none logged, or only ever answered 401); shares are of the others"]
    assert gini_by_double_loop([6, 3, 2, 1]) == pytest.approx(1 / 3, abs=0.01)


def test_one_of_each_is_singular() -> None:
    report = concentration([request(NOON, 1)], (1,), unique_by="org", metrics=("downloads",))
    assert report.headline == ("1 organisation = 1 download; half of all downloads comes from 1 organisation; without the top 1, 0 downloads")
    assert [column.title for column in report.columns][1:3] == ["organisations", "downloads"]


def test_a_trend_measures_the_spans_before() -> None:
    """Three days in which one of ten has 1, 10 and 30 more requests than each of the others."""
    rows = [request(NOON + day * DAY, who) for day in range(3) for who in range(10)]
    rows += [request(NOON + day * DAY, 0) for day, more in enumerate((1, 10, 30)) for _ in range(more)]
    rows.append(request(NOON - DAY, 5))
    report = concentration(rows, (1,), window="2025-03-05")
    assert [one["top_share"] for one in report.meta["trend"]] == [round(31 / 40, 6), round(11 / 20, 6), round(2 / 11, 6)]
    assert [one["gini"] for one in report.meta["trend"]] == [round(gini_by_double_loop([more + 1] + [1] * 9), 6) for more in (30, 10, 1)]
    assert "share of the top 1 18.2 % → 55.0 % → 77.5 %" in report.meta["warnings"][0]


def test_a_trend_ends_where_the_key_changed() -> None:
    rows = [request(NOON + day * DAY, 1, epoch=1 if day < 3 else 2) for day in range(6)]
    rows.append(request(NOON + 2 * DAY, 1, epoch=2))
    report = concentration(rows, window="2025-03-08")
    assert [one["start"][:10] for one in report.meta["trend"]] == ["2025-03-08", "2025-03-07", "2025-03-06"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": ("origins",)}, "concentration adds one metric up"),
        ({"metrics": ("requests", "bytes")}, "concentration adds one metric up"),
        ({"count_as": ("pullstats", "raw"), "metrics": ("downloads",)}, "by one counting rule"),
        ({"metrics": ("requets",)}, "did you mean 'requests'?"),
        ({"min_origins": 2}, "takes no --min-origins"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match="^[^\n]*$") as caught:
        concentration([request(NOON)], **options)
    assert says in str(caught.value)


@pytest.mark.parametrize("option", ["--top 0", "--top two", "--top ,", "--share 0%", "--share 101%", "--share half"])
def test_what_is_no_number_is_one_sentence(option: str, take_in: Callable[..., Any], tmp_path: Path) -> None:
    error = pullstats("concentration", *option.split(), "--store", tmp_path, code=2).err
    assert option.split(maxsplit=1)[0] in error
    assert len(error.splitlines()) == 1


def test_json_holds_every_top_and_share(take_in: Callable[..., Any], tmp_path: Path) -> None:
    line = '192.0.2.{} - - [01/Mar/2025:10:00:{:02} +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    (tmp_path / "a.log").write_text("".join(line.format(host, second) for host in range(1, 31) for second in range(host)))
    take_in(tmp_path / "a.log")
    ask_for = "concentration --metric requests --window 2025-03-01 --top 1,2,30 --share 25%,0.5,80% --format json --quiet"
    found = {row["measure"]: (row["origins"], row["requests"]) for row in pullstats(*ask_for.split(), "--store", tmp_path / "store").rows}
    largest = list(range(30, 0, -1))
    assert {name: found[name] for name in ("top 1", "top 2", "top 30")} == {"top 1": (1, 30), "top 2": (2, 59), "top 30": (30, 465)}
    for name, share in (("25% of all", Fraction(1, 4)), ("50% of all", Fraction(1, 2)), ("80% of all", Fraction(4, 5))):
        count = share_by_adding(largest, share)
        assert found[name] == (count, sum(largest[:count]))
    for output in ("json", "csv", "md", "table"):
        assert "top 2" in pullstats("concentration", "--window", "2001", "--format", output, "--store", tmp_path / "store", code=4).out
