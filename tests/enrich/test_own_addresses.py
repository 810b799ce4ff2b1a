"""An event's own address goes from all its texts however it is spelled, whatever else is looked at meanwhile; others' stay."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich import HashKey, open_geo
from pullstats.enrich.addresses import IPAddress
from pullstats.enrich.enricher import Enricher
from pullstats.enrich.own_addresses import hide_addresses, key_of, list_keys
from pullstats.formats.parsed import READING_SCHEMA
from support.effort import SOAK, examples
from support.spellings import spell_four, spell_six

FOUR, SIX = ipaddress.IPv4Address("192.0.2.201"), ipaddress.IPv6Address("2001:db8:0:77::c9")


SPELLINGS: list[tuple[IPAddress, str, str]] = [(FOUR, name, text) for name, text in spell_four(FOUR).items()] + [
    (SIX, name, text) for name, text in spell_six(SIX).items()
]


@pytest.mark.parametrize(("address", "text"), [pytest.param(address, text, id=f"IPv{address.version} {name}") for address, name, text in SPELLINGS])
@pytest.mark.parametrize("around", ["{}", "/x/{}/y", "q={}&v=1.2.3.4"])
def test_every_spelling_is_found_and_hidden(address: IPAddress, text: str, around: str) -> None:
    written = around.format(text)
    assert key_of(address) in list_keys(pl.Series([written])).item().split()
    hidden = hide_addresses(pl.Series([written]), [{key_of(address)}]).item()
    assert "ADDRESS" in hidden
    assert key_of(address) not in (list_keys(pl.Series([hidden])).item() or "").split()
    assert ("1.2.3.4" in hidden) == ("1.2.3.4" in written)


@examples(60)
@given(st.ip_addresses(), st.sampled_from(["{}", "a{}b", "/{}/", "1.{}.2", "é{}"]))
def test_any_address_is_found_wherever_it_stands(address: IPAddress, around: str) -> None:
    texts = [around.format(address), around.format(str(address).replace(".", "%2e").replace(":", "%253A"))]
    for text, keys in zip(texts, list_keys(pl.Series(texts)), strict=True):
        assert key_of(address) in (keys or "").split() or (around == "a{}b" and address.version == 6)
        assert hide_addresses(pl.Series([text]), [set()]).item() == text


def block(numbers: range, client: str = "198.51.{}.{}") -> pl.DataFrame:
    """Lines of clients that each write their own address, in four spellings, and another one's."""
    rows = []
    for number in numbers:
        own = ipaddress.ip_address(client.format(number >> 8 & 255, number & 255))
        other = ipaddress.ip_address(int(own) ^ 0x00010000)
        said = [str(own), str(int(own)), str(own).replace(".", "%2E"), str(own).replace(".", "-")][number % 4]
        rows.append(
            {
                "address": str(own),
                "request": f"GET /v2/n{number}/{said}/manifests/{other}?from={said}&n={number} HTTP/1.1",
                "agent": f"bot{number}/1.0 {said}",
                "referrer": f"http://{said}/{number}",
                "http_x_forwarded_for": None,
            }
        )
    frame = pl.DataFrame(rows, schema_overrides={"http_x_forwarded_for": pl.String}).with_row_index("source_line")
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in READING_SCHEMA.items() if name not in frame.columns]
    return frame.with_columns(*missing, pl.lit("s").alias("source_id")).with_columns(pl.col("source_line").cast(pl.Int64))


def leaks(reading: pl.DataFrame, events: pl.DataFrame) -> Iterator[str]:
    """Give the texts in which an event's own address is left; the other address must stay."""
    texts = events.select("url_path", "url_query", "user_agent_original", "http_request_referrer", "package_name", "user_agent_version").cast(
        pl.String
    )
    keys = [list_keys(column).to_list() for column in texts]
    for place, address in enumerate(reading["address"]):
        own = ipaddress.ip_address(address)
        yield from (texts[place, column] for column, found in enumerate(keys) if key_of(own) in (found[place] or "").split())
        assert str(ipaddress.ip_address(int(own) ^ 0x00010000)) in texts[place, 0]


def make_enricher() -> Enricher:
    """Make one that remembers one value of each kind: every block forgets what the one before learned."""
    return Enricher(HashKey(b"k" * 32), open_geo(), max_kept=1)


def test_workers_that_forget_for_each_other_leak_nothing() -> None:
    enricher = make_enricher()
    blocks = [block(range(start, start + 500)) for start in range(0, 6000 if SOAK else 1500, 500)]
    with ThreadPoolExecutor(3) as pool:
        events = list(pool.map(lambda reading: enricher.enrich(reading, "json", "none")[0], blocks))
    texts = [found.select("url_path", "url_query", "user_agent_original", "http_request_referrer").cast(pl.String) for found in events]
    for reading, found, text in zip(blocks, events, texts, strict=True):
        assert text.select(pl.all_horizontal(pl.all().str.contains("ADDRESS", literal=True)).all()).item()
        assert not list(leaks(reading.head(40), found.head(40)))


def test_another_block_between_looking_up_and_hiding_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a race may do is done on purpose: all that was learned is forgotten just before a block's addresses are hidden."""
    enricher, first, second = make_enricher(), block(range(200)), block(range(200, 400))
    alone = make_enricher().enrich(first, "json", "none")[0]
    hide = vars(Enricher)["_hide_addresses"]
    nested: list[pl.DataFrame] = []

    def interrupted(self: Enricher, events: pl.DataFrame, *rest: object) -> pl.DataFrame:
        if not nested:
            nested.append(pl.DataFrame())
            nested[0] = enricher.enrich(second, "json", "none")[0]
        return hide(self, events, *rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(Enricher, "_hide_addresses", interrupted)
    events = enricher.enrich(first, "json", "none")[0]
    assert not list(leaks(first, events))
    assert not list(leaks(second, nested[0]))
    texts = pl.selectors.categorical()
    assert events.with_columns(texts.cast(pl.String)).equals(alone.with_columns(texts.cast(pl.String)))
