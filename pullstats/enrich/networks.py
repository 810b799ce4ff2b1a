"""Tell whose network an address lies in: kind of network, cloud and its region, one's own names for ranges.

    AS number and name ─► rules/networks/owners.toml ─► network_type, cloud_provider
    address            ─► --cloud-ranges, --orgs     ─► cloud_region, CI, organization_name

The first half needs no address and can be derived again from the store; the second is read at ingest.

Sources: `owners.toml`; the range files that AWS, Google Cloud, Azure, Oracle and GitHub publish.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import polars as pl

from pullstats.enrich.proxies import presets
from pullstats.enrich.tables import RuleRow, check_keys, load_bundled
from pullstats.errors import InputError
from pullstats.small_files import read_small_text

TYPES: Final = ("private", "government", "education", "cloud", "hosting", "isp", "business")
OURS: Final = "@ours"
NETWORK_SCHEMA: Final = pl.Schema({"network_type": pl.String(), "cloud_provider": pl.String()})
RANGE_SCHEMA: Final = pl.Schema(
    {"range_provider": pl.String(), "cloud_region": pl.String(), "is_ci_network": pl.Boolean(), "organization_name": pl.String()}
)
MAX_BAD_SHOWN: Final = 3
_KEYS: Final = ("name", "type", "cloud_provider", "as_numbers", "words", "samples")
GITHUB: Final = "github"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """What some autonomous systems are.

    Attributes:
        type: one of `TYPES`.
        cloud_provider: whose cloud, None if it is no cloud.
        as_numbers: numbers of the systems.
        words: beginnings of words in their owners' names, lower case.
        is_own: the user's own, which goes over the bundled ones.
    """

    type: str
    cloud_provider: str | None
    as_numbers: tuple[int, ...]
    words: tuple[str, ...]
    is_own: bool = False


class NetworkRules:
    """All rules on autonomous systems, ready to be asked."""

    def __init__(self, rules: Iterable[NetworkRule]) -> None:
        """Index rules, in any order; a user's own are asked first."""
        ordered = sorted(rules, key=lambda rule: (not rule.is_own, rule.cloud_provider is None, TYPES.index(rule.type), rule.words))
        self._numbers = {number: rule for rule in reversed(ordered) for number in rule.as_numbers}
        self._words = [(_words_pattern(rule.words), rule) for rule in ordered if rule.words]
        self._known: dict[tuple[int | None, str | None], tuple[str | None, str | None]] = {}

    def classify(self, numbers: pl.Series, names: pl.Series) -> pl.DataFrame:
        """Tell what networks are.

        Args:
            numbers: AS numbers.
            names: names of their owners.

        Returns:
            A row each, columns of `NETWORK_SCHEMA`, null where no rule knows the network.
        """
        pairs = pl.DataFrame({"number": numbers.cast(pl.Int64), "name": names.cast(pl.String)})
        distinct = pairs.unique(maintain_order=True)
        rows = [self._classify(number, name) for number, name in distinct.iter_rows()]
        answers = distinct.hstack(pl.DataFrame(rows, schema=NETWORK_SCHEMA, orient="row"))
        joined = pairs.join(answers, on=["number", "name"], how="left", nulls_equal=True, maintain_order="left")
        return joined.select(NETWORK_SCHEMA.names())

    def _classify(self, number: int | None, name: str | None) -> tuple[str | None, str | None]:
        if (number, name) not in self._known:
            self._known[number, name] = self._find(number, (name or "").lower())
        return self._known[number, name]

    def _find(self, number: int | None, name: str) -> tuple[str | None, str | None]:
        rule = self._numbers.get(number) if number is not None else None
        if rule is None and name:
            rule = next((rule for pattern, rule in self._words if pattern.search(name)), None)
        return (rule.type, rule.cloud_provider) if rule else (None, None)


def _words_pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, sorted(words)))})")


def network_rule(row: RuleRow) -> NetworkRule:
    """Read one `[[network]]`.

    Raises:
        InputError: a key or type that cannot be.
    """
    values = check_keys(row, _KEYS, needed=("type",), lists=("words", "samples"), others=("as_numbers",))
    if values["type"] not in TYPES:
        raise row.unknown("type", values["type"], TYPES)
    numbers = values.get("as_numbers", [])
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise row.fail("needs a list of numbers as as_numbers")
    if not numbers and not values.get("words"):
        raise row.fail("says no network: give as_numbers or words")
    if values.get("words") and not values.get("samples") and not row.is_own:
        raise row.fail("has words and no samples: give at least one name of an operator that it reads")
    words = tuple(word.lower() for word in values.get("words", ()))
    return NetworkRule(values["type"], values.get("cloud_provider"), tuple(numbers), words, row.is_own)


@cache
def _bundled() -> tuple[NetworkRule, ...]:
    return tuple(network_rule(row) for row in load_bundled("networks", "network"))


def load_network_rules(own: Sequence[RuleRow] = ()) -> NetworkRules:
    """Load the bundled rules with a user's own over them.

    Raises:
        InputError: a rule that cannot be used.
    """
    mine = [network_rule(row) for row in own]
    rules = NetworkRules([*_bundled(), *mine])
    for row, rule in zip(own, mine, strict=True):
        for sample in row.values.get("samples", ()):
            if rules.classify(pl.Series([None], dtype=pl.Int64), pl.Series([sample])).row(0)[0] != rule.type:
                raise row.fail(f"does not read its sample '{sample[:200]}'; correct words")
    return rules


class PrefixTable(Generic[T]):
    """Ranges of addresses with a value each; the most specific range decides."""

    def __init__(self) -> None:
        """Make an empty table."""
        self._values: dict[int, dict[int, dict[int, T]]] = {4: {}, 6: {}}

    def add(self, cidr: str, value: T) -> None:
        """Add a range.

        Raises:
            ValueError: it is no range.
        """
        network = ipaddress.ip_network(cidr.strip(), strict=False)
        shift = network.max_prefixlen - network.prefixlen
        self._values[network.version].setdefault(shift, {})[int(network.network_address) >> shift] = value

    def __bool__(self) -> bool:
        """Tell whether it holds any range."""
        return any(self._values.values())

    def find(self, address: str) -> T | None:
        """Find the value of the narrowest range that holds an address; None for any other text."""
        is_long = ":" in address
        try:
            number = int.from_bytes(socket.inet_pton(socket.AF_INET6 if is_long else socket.AF_INET, address))
        except (OSError, ValueError):
            return None
        tables = self._values[6 if is_long else 4]
        for shift in sorted(tables):
            if (value := tables[shift].get(number >> shift)) is not None:
                return value
        return None


@cache
def private_ranges() -> PrefixTable[bool]:
    """Give the ranges that nobody announces: RFC 1918 and their like."""
    table: PrefixTable[bool] = PrefixTable()
    for cidr in presets()["private"]:
        table.add(cidr, True)
    return table


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
            message = f"--ours '{text}' is no range of addresses; write 203.0.113.0/24 or 2001:db8::/32"
            raise InputError(message) from error
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
        message = f"cannot read --orgs '{path}': {error}; it takes a CSV file with a range and a name a row"
        raise InputError(message) from error
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
        message = f"--orgs '{path}' holds no range and name; each row is a range, a comma and a name: 203.0.113.0/24,Example Ltd"
        raise InputError(message)
    if bad:
        shown = "; ".join(bad[:MAX_BAD_SHOWN]) + ("; …" if len(bad) > MAX_BAD_SHOWN else "")
        own.notes.append(f"{path}: {len(bad):,} rows of --orgs are no range and name and were passed over: row {shown}")


def _add_cloud(own: OwnNetworks, path: Path) -> None:
    try:
        document = json.loads(read_small_text(path))
    except (OSError, ValueError, RecursionError) as error:
        message = f"cannot read --cloud-ranges '{path}': {error}"
        raise InputError(message) from error
    count = 0
    for cidr, value in _read_cloud(document):
        try:
            own.ranges.add(cidr, value)
            count += 1
        except ValueError:
            continue
    if not count:
        message = f"--cloud-ranges '{path}' holds no ranges as AWS, Google Cloud, Azure, Oracle or GitHub publish them"
        raise InputError(message)


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
