"""Whose network: kinds, clouds, one's own names, and the files that say them."""

from __future__ import annotations

import ipaddress
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.enrich.geo import open_geo
from pullstats.enrich.networks import load_network_rules
from pullstats.enrich.own_networks import NetworkSources, load_own_networks
from pullstats.enrich.prefixes import PrefixTable
from pullstats.errors import InputError

# Read by hand from the operators' own pages.
KNOWN = [
    (16509, "Amazon.com, Inc.", "cloud", "aws"),
    (396982, "Google LLC", "cloud", "gcp"),
    (8075, "Microsoft Corporation", "cloud", "azure"),
    (24940, "Hetzner Online GmbH", "hosting", "hetzner"),
    (7922, "Comcast Cable Communications, LLC", "isp", None),
    (3320, "Deutsche Telekom AG", "isp", None),
    (7377, "University of California, San Diego", "education", None),
    (786, "Jisc Services Limited", "education", None),
    (749, "United States Department of Defense (DoD)", "government", None),
    (2019, "JPMorgan Chase & Co.", "business", None),
    (64500, "Example Hosting Ltd", "hosting", None),
    (64501, "Zzyzx", None, None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("number", "name", "kind", "cloud"), KNOWN, ids=lambda value: str(value)[:20])
def test_kinds_of_networks(number: int | None, name: str | None, kind: str | None, cloud: str | None) -> None:
    found = load_network_rules().classify(pl.Series([number], dtype=pl.Int64), pl.Series([name], dtype=pl.String))
    assert found.row(0) == (kind, cloud)


def test_most_of_the_internet_has_a_kind() -> None:
    """A figure for the docs, with room: addresses drawn evenly from the routed space."""
    chance = random.Random(5)
    texts = [f"{chance.randint(1, 223)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.9" for _ in range(5000)]
    places = open_geo().lookup(pl.Series(texts)).drop_nulls("as_number")
    kinds = load_network_rules().classify(places["as_number"], places["as_organization"])["network_type"]
    assert kinds.drop_nulls().len() / kinds.len() > 0.6


def test_the_narrowest_range_wins_against_a_slow_search() -> None:
    chance = random.Random(7)
    ranges = [(ipaddress.ip_network((chance.getrandbits(32), chance.randint(4, 30)), strict=False), number) for number in range(300)]
    ranges += [(ipaddress.ip_network((chance.getrandbits(128), chance.randint(4, 64)), strict=False), number) for number in range(300, 400)]
    table: PrefixTable[int] = PrefixTable()
    for network, number in ranges:
        table.add(str(network), number)
    for _ in range(2000):
        address = ipaddress.ip_address(chance.getrandbits(chance.choice([32, 128])))
        hits = [(network.prefixlen, number) for network, number in dict(ranges).items() if network.version == address.version and address in network]
        assert table.find(str(address)) == (max(hits)[1] if hits else None)
    assert [table.find(text) for text in ("", "host", "10.0.0", "::zz")] == [None] * 4


def test_orgs_name_ranges_and_list_what_they_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "orgs.csv"
    path.write_text("range,name\n203.0.113.0/24,Example Ltd\n203.0.113.8/30,@ours\nnonsense,X\n10.0.0.0/8,\n2001:db8::/32,Six\n\n# a remark\n")
    own = load_own_networks(NetworkSources(path, ours=["198.51.100.0/24"]))
    texts = ["203.0.113.1", "203.0.113.9", "198.51.100.7", "2001:db8::1", "8.8.8.8", None]
    found = own.lookup(pl.Series(texts, dtype=pl.String))
    assert found["organization_name"].to_list() == ["Example Ltd", "@ours", "@ours", "Six", None, None]
    assert len(own.notes) == 1
    assert "2 rows" in own.notes[0]
    assert "row 4 (nonsense,X)" in own.notes[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"range,name\n", b"\xff\xfe\x00binary\x00", b'{"not": "csv"}', b'"unclosed\n'],
    ids=["empty", "header", "binary", "json", "quote"],
)
def test_orgs_that_are_none_give_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "orgs.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="orgs"):
        load_own_networks(NetworkSources(path))


CLOUDS: list[tuple[Any, str, str | None, str | None, bool | None]] = [
    ({"prefixes": [{"ip_prefix": "203.0.113.0/24", "region": "eu-west-1", "service": "EC2"}]}, "203.0.113.1", "aws", "eu-west-1", None),
    ({"ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "GLOBAL"}], "prefixes": []}, "2001:db8::1", "aws", None, None),
    ({"prefixes": [{"ipv4Prefix": "203.0.113.0/24", "service": "Google Cloud", "scope": "us-east1"}]}, "203.0.113.1", "gcp", "us-east1", None),
    ({"values": [{"properties": {"region": "westeurope", "addressPrefixes": ["203.0.113.0/24"]}}]}, "203.0.113.1", "azure", "westeurope", None),
    ({"regions": [{"region": "eu-frankfurt-1", "cidrs": [{"cidr": "203.0.113.0/24"}]}]}, "203.0.113.1", "oracle_cloud", "eu-frankfurt-1", None),
    ({"actions": ["203.0.113.0/24"], "hooks": ["198.51.100.0/24"]}, "203.0.113.1", "github", None, True),
]


@pytest.mark.parametrize(("document", "address", "provider", "region", "is_ci"), CLOUDS, ids=["aws", "aws-6", "gcp", "azure", "oracle", "github"])
def test_ranges_as_clouds_publish_them(document: Any, address: str, provider: str, region: str | None, *, is_ci: bool | None, tmp_path: Path) -> None:
    path = tmp_path / "ranges.json"
    path.write_text(json.dumps(document))
    found = load_own_networks(NetworkSources(cloud_ranges=[path])).lookup(pl.Series([address, "8.8.8.8"]))
    assert found.row(0) == (provider, region, is_ci, None)
    assert found.row(1) == (None, None, None, None)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"prefixes": 3}', '{"prefixes": [{"ip_prefix": "x"}]}', "\x00"])
def test_ranges_of_another_kind_give_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "ranges.json"
    path.write_text(text)
    with pytest.raises(InputError, match="cloud-ranges"):
        load_own_networks(NetworkSources(cloud_ranges=[path]))
