"""Addresses in one spelling, hashes in their place, keys that are kept."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import stat
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.addresses import normalise_addresses
from pullstats.enrich.keys import HashKey, load_key
from pullstats.enrich.origins import agent_terms, combine_origins, hash_endpoints, hash_origin, user_terms
from pullstats.errors import InputError
from pullstats.ids import write_id

KEY = HashKey(b"k" * 32)

SPELLINGS = [
    ("1.2.3.4", "1.2.3.4"),
    ("::ffff:1.2.3.4", "1.2.3.4"),
    ("1.2.3.4:8080", "1.2.3.4"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    ("2001:0DB8:0:0::1", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
    ("fe80::1%" + "x" * 200, "fe80::1"),
    ("10.0.0.2, 10.0.0.1, 81.2.69.143", "81.2.69.143"),
    ('"10.5.102.222, 175.16.199.1, 204.246.1.1" 10.2.1.185', "175.16.199.1"),
    ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
    ("localhost", "localhost"),
    ("localhost, localhost", "localhost"),
    ("unix:", "unix:"),
    ("10.x.x.x", "10.x.x.x"),
    ("010.001.002.003", "010.001.002.003"),
    ("-", None),
    ("", None),
    ("unknown", None),
    ("UNKNOWN", None),
    (None, None),
]


@pytest.mark.parametrize(("raw", "canonical"), SPELLINGS)
def test_one_address_has_one_spelling(raw: str | None, canonical: str | None) -> None:
    assert normalise_addresses(pl.Series([raw], dtype=pl.String))["address"].item() == canonical


def test_an_endpoint_is_an_ipv4_address_or_an_ipv6_64_and_a_network_a_24_or_48() -> None:
    texts = ["192.0.2.1", "192.0.2.9", "192.0.3.1", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "2001:db8:2::1"]
    frame = hash_endpoints(normalise_addresses(pl.Series(texts)), KEY)
    assert frame["endpoint_id"].n_unique() == 6  # the fourth and fifth share a /64
    assert frame["network_id"].n_unique() == 4  # 192.0.2, 192.0.3, 2001:db8:1, 2001:db8:2
    whole = hashlib.blake2b(b"4\xc0\x00\x02\x01", key=KEY.secret, digest_size=16, person=b"endpoint").digest()
    assert write_id(frame["endpoint_id"][0]) == whole.hex()[:16]


NUMBERS = (
    st.integers(0, 2**128 - 1) | st.integers(0, 2**48) | st.builds(lambda high, low: high << 64 | low, st.integers(0, 2**64 - 1), st.integers(0, 9))
)


@given(NUMBERS, st.sampled_from([str, str.upper]), st.sampled_from(["compressed", "exploded"]))
def test_any_ipv6_has_the_spelling_and_the_keys_of_the_standard_library(number: int, case: Callable[[str], str], spelling: str) -> None:
    address = ipaddress.IPv6Address(number)
    row = normalise_addresses(pl.Series([case(getattr(address, spelling))])).row(0)
    four = address.ipv4_mapped
    expected = (
        (str(four), b"4" + four.packed, b"4" + four.packed[:3]) if four else (str(address), b"6" + address.packed[:8], b"6" + address.packed[:6])
    )
    assert row == expected


@given(st.text(max_size=300))
def test_any_text_is_a_client_or_none(text: str) -> None:
    row = normalise_addresses(pl.Series([text]))
    assert row.height == 1
    assert (row["address"].item() is None) == (row["endpoint_key"].item() is None)


@given(
    st.lists(
        st.tuples(st.sampled_from(["1.2.3.4", "::1", "host", "-"]), st.sampled_from(["docker", "pip", ""]), st.sampled_from([None, "bob", "eve"])),
        min_size=1,
        max_size=20,
    )
)
def test_origins_agree_with_plain_python(rows: list[tuple[str, str, str | None]]) -> None:
    addresses = normalise_addresses(pl.Series([row[0] for row in rows]))
    agents = pl.DataFrame({"name": [row[1] for row in rows], "os": pl.Series([None] * len(rows), dtype=pl.String), "arch": ["arm64"] * len(rows)})
    users = pl.Series([row[2] for row in rows], dtype=pl.String)
    joined = pl.DataFrame([hash_endpoints(addresses, KEY)["endpoint_id"], agent_terms(agents, KEY), user_terms(users, KEY)])
    found = combine_origins(joined).to_list()
    keys = addresses["endpoint_key"].to_list()
    expected = [None if key is None else hash_origin(key, f"{row[1]}\x1f\x1farm64", row[2], KEY) for key, row in zip(keys, rows, strict=True)]
    assert found == expected


def test_another_key_gives_other_hashes() -> None:
    addresses = normalise_addresses(pl.Series(["1.2.3.4"]))
    assert hash_endpoints(addresses, KEY)["endpoint_id"].item() != hash_endpoints(addresses, HashKey(b"j" * 32))["endpoint_id"].item()


def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    first = load_key(path)
    assert load_key(path).secret == first.secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"k" not in repr(first).encode() or first.secret not in repr(first).encode()


def test_a_key_of_hexadecimal_digits(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("ab" * 32 + "\n")
    path.chmod(0o600)
    assert load_key(path).secret == b"\xab" * 32


@pytest.mark.parametrize("content", [b"", b"short", b"z" * 64])
def test_a_file_that_is_no_key_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="holds no key"):
        load_key(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(os.urandom(32))
    path.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        load_key(path)
