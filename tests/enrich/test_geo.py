"""Country and network of addresses, from the bundled database and from others, whole and broken."""

from __future__ import annotations

import lzma
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from pullstats.enrich.geo import open_geo, read_record
from pullstats.errors import InputError

# Checked by hand against the registries' own records.
KNOWN = [
    ("8.8.8.8", "US", 15169),
    ("1.1.1.1", "AU", 13335),
    ("9.9.9.9", "US", 19281),
    ("52.95.110.1", "US", 16509),
    ("20.42.0.1", "US", 8075),
    ("193.99.144.80", "DE", 12306),
    ("133.11.0.1", "JP", 2501),
    ("200.160.2.3", "BR", 22548),
    ("2001:4860:4860::8888", "US", 15169),
]


def test_known_addresses() -> None:
    found = open_geo().lookup(pl.Series([address for address, _, _ in KNOWN]))
    assert found["geo_country_iso_code"].to_list() == [country for _, country, _ in KNOWN]
    assert found["as_number"].to_list() == [number for _, _, number in KNOWN]
    assert found["as_organization"].null_count() == 0


def test_what_is_no_public_address_has_no_place() -> None:
    texts = ["10.0.0.1", "::1", "localhost", "unix:", "10.x.x.x", "", None, "1.2.3.4.5", "fe80::1"]
    found = open_geo().lookup(pl.Series(texts, dtype=pl.String))
    assert found["geo_country_iso_code"].to_list() == [None] * len(texts)


def test_the_database_says_when_it_was_built() -> None:
    assert open_geo().build_date >= date(2026, 9, 1)
    assert "2026" in open_geo().describe()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"country": {"iso_code": "DE"}, "autonomous_system_number": 3320, "autonomous_system_organization": "DTAG"},
            ("DE", 3320, "DTAG", None, None),
        ),
        ({"country": "FR", "asn": "AS3215", "as_name": "Orange"}, ("FR", 3215, "Orange", None, None)),
        ({"country_code": "JP"}, ("JP", None, None, None, None)),
        ({"registered_country": {"iso_code": "BR"}, "city": {"names": {"en": "Rio"}}}, ("BR", None, None, None, "Rio")),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}]}, ("DE", None, None, "DE-BE", None)),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "Hesse"}}]}, ("DE", None, None, "Hesse", None)),
        ({"country": "FR", "region": "Brittany", "city": "Rennes"}, ("FR", None, None, "Brittany", "Rennes")),
        ({"country": "FR", "city": {"names": {"de": "Roazhon"}}}, ("FR", None, None, None, None)),
        ({"country": "FR", "city": {"geoname_id": 7}, "subdivisions": []}, ("FR", None, None, None, None)),
        ({}, (None, None, None, None, None)),
    ],
    ids=[
        "maxmind",
        "ipinfo",
        "ip-location-db",
        "registered-only",
        "maxmind-city",
        "db-ip-city",
        "ipinfo-city",
        "city-in-another-language",
        "city-without-a-name",
        "empty",
    ],
)
def test_record_layouts(record: dict[str, object], expected: tuple[str | None, int | None, str | None, str | None, str | None]) -> None:
    assert read_record(record) == expected


@cache
def _whole() -> bytes:
    return lzma.decompress(files("pullstats.enrich.data").joinpath("geo.mmdb.xz").read_bytes())


def _broken(kind: str, path: Path) -> Path:
    path.write_bytes({"cut": _whole()[: len(_whole()) // 2], "empty": b"", "text": b"not a database\n", "noise": bytes(range(256)) * 400}[kind])
    return path


@pytest.mark.parametrize("kind", ["cut", "empty", "text", "noise"])
def test_a_broken_database_is_one_sentence(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"damaged or no MaxMind-format .* --geo-db") as caught:
        open_geo(_broken(kind, tmp_path / "x.mmdb"))
    assert "\n" not in str(caught.value)


def test_a_database_damaged_inside_is_one_sentence(tmp_path: Path) -> None:
    whole = bytearray(_whole())
    whole[64 : len(whole) // 3] = b"\xff" * (len(whole) // 3 - 64)
    path = tmp_path / "x.mmdb"
    path.write_bytes(bytes(whole))
    with pytest.raises(InputError, match="damaged"):
        open_geo(path).lookup(pl.Series(["8.8.8.8", "1.1.1.1", "133.11.0.1"]))


def _with_metadata(before: bytes, after: bytes, path: Path) -> Path:
    whole = lzma.decompress(files("pullstats.enrich.data").joinpath("geo.mmdb.xz").read_bytes())
    head, mark, metadata = whole.rpartition(b"\xab\xcd\xefMaxMind.com")
    assert before in metadata
    place = metadata.index(before) + len(before)
    path.write_bytes(head + mark + metadata[:place] + after + metadata[place + 2 + metadata[place] % 32 :])
    return path


def test_a_build_date_beyond_time_is_one_sentence(tmp_path: Path) -> None:
    """MaxMind's own `libmaxminddb-uint64-max-epoch.mmdb` does this."""
    path = _with_metadata(b"build_epoch", b"\x08\x02" + b"\xff" * 8, tmp_path / "x.mmdb")
    with pytest.raises(InputError, match="damaged"):
        open_geo(path)


def test_an_old_database_is_warned_of() -> None:
    found = open_geo()
    assert found.warn_if_stale(found.build_date + timedelta(days=180)) is None
    said = found.warn_if_stale(found.build_date + timedelta(days=181))
    assert said is not None
    assert "181 days old" in said


def test_a_missing_database_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no geo database"):
        open_geo(tmp_path / "no.mmdb")
