"""What the user has to say of networks: names of ranges, and ranges as clouds publish them.

    address ─► --cloud-ranges, --orgs ─► cloud_region, CI, organization_name

That needs the address, and is read at ingest alone.

Sources: the range files that AWS, Google Cloud, Azure, Oracle and GitHub publish.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from pullstats.enrich.prefixes import PrefixTable
from pullstats.errors import InputError
from pullstats.small_files import read_small_text, tell_unreadable

OURS: Final = "@ours"
RANGE_SCHEMA: Final = pl.Schema(
    {"range_provider": pl.String(), "cloud_region": pl.String(), "is_ci_network": pl.Boolean(), "organization_name": pl.String()}
)
MAX_BAD_SHOWN: Final = 3
GITHUB: Final = "github"


class Range(NamedTuple):
    """What a published range says of an address."""

    provider: str
    region: str | None
    is_ci: bool


@dataclass(slots=True)
class OwnNetworks:
    """What the user knows of addresses beside the databases.

    Attributes:
        orgs: names of ranges.
        ranges: clouds' published ranges.
        notes: rows that could not be read, for the user.
    """

    orgs: PrefixTable[str]
    ranges: PrefixTable[Range]
    notes: list[str]

    def lookup(self, addresses: pl.Series) -> pl.DataFrame:
        """Look distinct addresses up: a row each, columns of `RANGE_SCHEMA`."""
        if not self.orgs and not self.ranges:
            return pl.DataFrame([pl.Series(name, [None], dtype=dtype).new_from_index(0, addresses.len()) for name, dtype in RANGE_SCHEMA.items()])
        rows = []
        for address in addresses:
            found = self.ranges.find(address) if address else None
            org = self.orgs.find(address) if address else None
            rows.append((found.provider, found.region, found.is_ci or None, org) if found else (None, None, None, org))
        return pl.DataFrame(rows, schema=RANGE_SCHEMA, orient="row")


@dataclass(frozen=True, slots=True)
class NetworkSources:
    """What the user has to say of networks.

    Attributes:
        orgs: CSV with a range and a name a row, header or not; the most specific range wins, `@ours` names one's own networks.
        ours: ranges of one's own networks.
        cloud_ranges: ranges as AWS, Google Cloud, Azure, Oracle or GitHub publish them.
    """

    orgs: Path | None = None
    ours: Sequence[str] = ()
    cloud_ranges: Sequence[Path] = ()


def load_own_networks(sources: NetworkSources | None = None) -> OwnNetworks:
    """Read what the user has to say of networks.

    Args:
        sources: files and ranges; None for none.

    Raises:
        InputError: a file is missing, of another kind, or holds no range at all; a range of `ours` is none.
    """
    own = OwnNetworks(PrefixTable(), PrefixTable(), [])
    sources = sources or NetworkSources()
    if sources.orgs is not None:
        _add_orgs(own, sources.orgs)
    for text in sources.ours:
        try:
            own.orgs.add(text, OURS)
        except ValueError as error:
            raise InputError(f"--ours '{text}' is no range of addresses; write 203.0.113.0/24 or 2001:db8::/32") from error
    for path in sources.cloud_ranges:
        _add_cloud(own, path)
    return own


def _add_orgs(own: OwnNetworks, path: Path) -> None:
    try:
        file = io.StringIO(read_small_text(path), newline="")
        rows = [
            (number, row)
            for number, row in enumerate(csv.reader(file), 1)
            if row and any(cell.strip() for cell in row) and not row[0].startswith("#")
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read --orgs '{path}': {tell_unreadable(error)}; it takes a CSV file with a range and a name a row") from error
    bad: list[str] = []
    good = 0
    for number, row in rows:
        name = row[1].strip() if len(row) > 1 else ""
        try:
            network = ipaddress.ip_network(row[0].strip(), strict=False)
        except ValueError:
            network = None
        if network is not None and name:
            own.orgs.add(str(network), name)
            good += 1
        elif number > 1 or any(character.isdigit() for character in row[0]):  # the first row may be a header
            bad.append(f"{number} ({','.join(row)[:60]})")
    if not good:
        raise InputError(f"--orgs '{path}' holds no range and name; each row is a range, a comma and a name: 203.0.113.0/24,Example Ltd")
    if bad:
        shown = "; ".join(bad[:MAX_BAD_SHOWN]) + ("; …" if len(bad) > MAX_BAD_SHOWN else "")
        own.notes.append(f"{path}: {len(bad):,} rows of --orgs are no range and name and were passed over: row {shown}")


def _add_cloud(own: OwnNetworks, path: Path) -> None:
    try:
        document = json.loads(read_small_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read --cloud-ranges '{path}': {tell_unreadable(error)}") from error
    count = 0
    for cidr, value in _read_cloud(document):
        try:
            own.ranges.add(cidr, value)
            count += 1
        except ValueError:
            continue
    if not count:
        raise InputError(f"--cloud-ranges '{path}' holds no ranges as AWS, Google Cloud, Azure, Oracle or GitHub publish them")


def _read_cloud(document: Any) -> Iterator[tuple[str, Range]]:
    """Read any of the published layouts."""
    if isinstance(document, Mapping):
        yield from _read_aws_and_google(document)
        yield from _read_azure(document)
        for region in _dicts(document.get("regions")):  # Oracle
            for item in _dicts(region.get("cidrs")):
                yield str(item.get("cidr")), Range("oracle_cloud", _text(region.get("region")), is_ci=False)
        for cidr in _list(document.get("actions")):  # GitHub: runners of Actions
            yield str(cidr), Range(GITHUB, None, is_ci=True)


def _read_aws_and_google(document: Mapping[str, Any]) -> Iterator[tuple[str, Range]]:
    for item in _dicts(document.get("prefixes")):
        if (cidr := item.get("ip_prefix")) is not None:
            yield str(cidr), Range("aws", _text(item.get("region")), is_ci=False)
        elif (cidr := item.get("ipv4Prefix") or item.get("ipv6Prefix")) is not None:
            yield str(cidr), Range("gcp", _text(item.get("scope")), is_ci=False)
    for item in _dicts(document.get("ipv6_prefixes")):
        yield str(item.get("ipv6_prefix")), Range("aws", _text(item.get("region")), is_ci=False)


def _read_azure(document: Mapping[str, Any]) -> Iterator[tuple[str, Range]]:
    for value in _dicts(document.get("values")):
        properties = value.get("properties")
        if isinstance(properties, Mapping):
            for cidr in _list(properties.get("addressPrefixes")):
                yield str(cidr), Range("azure", _text(properties.get("region")), is_ci=False)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value and value.upper() != "GLOBAL" else None
