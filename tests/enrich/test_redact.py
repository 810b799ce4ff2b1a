"""Secrets and addresses leave texts before anything is kept."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.addresses import parse_address
from pullstats.enrich.canonical_texts import list_forms
from pullstats.enrich.own_addresses import hide_addresses, key_of, list_keys
from pullstats.enrich.redact import REDACTED, redact_addresses, redact_text, redact_values
from support.effort import count_examples

URLS = [
    ("/a?token=abc&x=1", "/a?token=REDACTED&x=1"),
    ("https://u:p@h.example/x?sig=1", "https://REDACTED@h.example/x?sig=REDACTED"),
    ("/proxy?url=https%3A%2F%2Fuser%3Apw%40host%2Fx", "/proxy?url=https%3A%2F%2FREDACTED%40host%2Fx"),
    ("/b?X-Amz-Credential=AKIA123&X-Amz-Signature=ff00", "/b?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED"),
    ("/c?sv=2020&sig=a%2Bb&page=2", "/c?sv=2020&sig=REDACTED&page=2"),
    ("/d?page=1&sort=asc&design=blue", "/d?page=1&sort=asc&design=blue"),
    ("/v2/acme/app/manifests/1.2.3.4", "/v2/acme/app/manifests/1.2.3.4"),
    ("/x/ghp_abcdefghijklmnop0123/y", "/x/REDACTED/y"),
    (None, None),
]


@pytest.mark.parametrize(("raw", "clean"), URLS)
def test_urls(raw: str | None, clean: str | None) -> None:
    assert pl.DataFrame({"t": pl.Series([raw], dtype=pl.String)}).select(redact_text(pl.col("t"))).item() == clean


@pytest.mark.parametrize(
    "secret", ["Bearer abcdefghijkl", "Basic dXNlcjpwYXNz", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "glpat-abcdefghijklmnopqrst"]
)
def test_secrets_by_shape(secret: str) -> None:
    text = pl.DataFrame({"t": [f"agent/1 {secret} end"]}).select(redact_text(pl.col("t"))).item()
    assert text.startswith("agent/1 ")
    assert secret.rsplit(maxsplit=1)[-1] not in text


def test_a_query_begins_without_a_question_mark() -> None:
    assert pl.DataFrame({"t": ["access_token=xyz"]}).select(redact_text(pl.col("t"))).item() == "access_token=REDACTED"


def test_own_address_goes_and_other_versions_stay() -> None:
    texts, own = pl.Series(["GET 9.9.9.9 by 1.2.3.4", "Chrome/1.2.3.4", None]), [{"09090909"}, {"08080808"}, {"01010101"}]
    assert hide_addresses(texts, own).to_list() == ["GET ADDRESS by 1.2.3.4", "Chrome/1.2.3.4", None]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::1", "2001:db8:0:1:2:3:4:5", "::ffff:192.0.2.1", "fe80::1"])
def test_every_address_leaves_a_rejected_line(address: str) -> None:
    text = pl.DataFrame({"t": [f"at 12:30:45 {address} said"]}).select(redact_addresses(pl.col("t"))).item()
    assert address not in text
    assert "12:30:45" in text
    found = parse_address(address)
    assert found is not None
    assert key_of(found) in (list_keys(pl.Series([f"x {address} y"])).item() or "").split()


LONG = count_examples(100_000)
SLOW = {
    "backslashes": ("\\" * LONG, REDACTED),
    "backslashes in front of no escape": (("\\" * 1000 + "u00zz") * (LONG // 1000), None),
    "digits of no address": ("/::" + "a" * LONG, None),
    "a list of addresses": ("1." * (LONG // 2), None),
    "a header's name in itself": (" x-" + "token" * (LONG // 5), None),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_text_made_to_be_slow_is_looked_at_like_any_other(name: str) -> None:
    # Each took seconds to minutes, and gigabytes, while a stretch was gone through again from each of its characters.
    text, kept = SLOW[name]
    assert redact_values(pl.Series([text])).to_list() == [kept or text]
    assert hide_addresses(pl.Series([text]), [{"c6336401"}])[0] in (text, *list_forms(text))
    assert {*(list_keys(pl.Series([text])).item() or "").split()} <= {"01010101", "1" * 32}


@given(st.text(max_size=120))
def test_any_text_survives(text: str) -> None:
    frame = pl.DataFrame({"t": [text]})
    assert frame.select(redact_text(pl.col("t")), a=redact_addresses(pl.col("t"))).height == 1
