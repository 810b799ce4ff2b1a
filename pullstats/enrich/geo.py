"""Country and network of an address, from a database file; nothing goes over the network.

The bundled database is unpacked once into the user's cache. Any MaxMind-format file serves
instead: GeoLite2 and GeoIP2 (country, city, ASN), DB-IP and IPinfo layouts.

Sources: MaxMind DB file format 2.0; record layouts of MaxMind, DB-IP and IPinfo.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from socket import AF_INET, inet_pton
from typing import Any, Final

import maxminddb
import polars as pl

from pullstats.errors import InputError

BUNDLED: Final = "geo.mmdb.xz"
_END: Final = 4096
GEO_SCHEMA: Final = pl.Schema(
    {
        "geo_country_iso_code": pl.String(),
        "as_number": pl.Int64(),
        "as_organization": pl.String(),
        "geo_region_iso_code": pl.String(),
        "geo_city_name": pl.String(),
    }
)
STALE_DAYS: Final = 180
"""A database older than this has lost sight of many addresses that changed hands."""

_BROKEN: Final = (
    maxminddb.InvalidDatabaseError,
    UnicodeDecodeError,
    ValueError,
    OSError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
    AttributeError,
)
Place = tuple[str | None, int | None, str | None, str | None, str | None]
_LOOKED_AT: Final = 2000
_NOTHING: Final[Place] = (None, None, None, None, None)
_CODE_LENGTH: Final = 2


class GeoDatabase:
    """An opened database."""

    def __init__(self, path: Path, name: str) -> None:
        """Open a database.

        Args:
            path: the MMDB file.
            name: what to call it in messages.

        Raises:
            InputError: it cannot be read, or is no such database.
        """
        self._name = name
        try:
            self._reader = maxminddb.open_database(str(path))
            metadata = self._reader.metadata()
            self.build_date = datetime.fromtimestamp(metadata.build_epoch, UTC).date()
        except _BROKEN as error:
            raise self._failure() from error
        self.database_type = str(metadata.database_type)

    def _failure(self) -> InputError:
        return InputError(f"cannot use the geo database '{self._name}': it is damaged or no MaxMind-format (.mmdb) file; name another with --geo-db")

    def check_kind(self) -> None:
        """Make sure that the database tells countries or networks.

        Raises:
            InputError: none of its first records does.
        """
        try:
            is_useful = any(isinstance(record, dict) and any(read_record(record)) for _, record in islice(self._reader, _LOOKED_AT))
        except _BROKEN as error:
            raise self._failure() from error
        if not is_useful:
            raise InputError(
                f"the geo database '{self._name}' ({self.database_type}) tells neither countries nor networks; name one of countries, cities or ASNs with --geo-db"
            )

    def warn_if_stale(self, today: date) -> str | None:
        """Say that the database is old, None if it is not."""
        age = (today - self.build_date).days
        if age <= STALE_DAYS:
            return None
        remedy = "upgrade pullstats, or name a newer one with --geo-db" if self._name == "bundled" else "download a newer one"
        return f"the geo database is {age} days old ({self.describe()}): countries and networks may be wrong; {remedy}"

    def describe(self) -> str:
        """Name the database and its date in a few words."""
        return f"{self.database_type} of {self.build_date}"

    def lookup(self, addresses: pl.Series) -> pl.DataFrame:
        """Look distinct addresses up.

        Args:
            addresses: canonical addresses, names or null.

        Returns:
            A row per address, columns of `GEO_SCHEMA`, null where nothing is known.

        Raises:
            InputError: the database turns out to be damaged.
        """
        try:
            places, codes = self._read_all(addresses.to_list())
        except _BROKEN as error:
            raise self._failure() from error
        distinct = pl.DataFrame(dict(zip(GEO_SCHEMA, zip(*places, strict=True), strict=True)), schema=GEO_SCHEMA)
        return distinct.select(pl.all().gather(pl.Series(codes, dtype=pl.UInt32)))

    def _read_all(self, texts: Sequence[str | None]) -> tuple[list[Place], list[int]]:
        """Look addresses up in numeric order: neighbours lie in one network, whose record is decoded once.

        Returns:
            Places, the first of which is nowhere; and for every address the index of its own.
        """
        places: list[Place] = [_NOTHING]
        codes = [0] * len(texts)
        numbers: list[int | None] = []
        for place, text in enumerate(texts):
            try:
                numbers.append(None if text is None else int.from_bytes(inet_pton(AF_INET, text)))
            except (OSError, ValueError):
                numbers.append(None)
                if text and (found := self._read(text)) is not _NOTHING:
                    codes[place] = len(places)
                    places.append(found)
        last, code = -1, 0
        order = pl.Series(numbers, dtype=pl.UInt32).arg_sort(nulls_last=True).head(len(numbers) - numbers.count(None))
        for place in order.to_list():
            number = numbers[place]
            if number > last:
                said, length = self._reader.get_with_prefix_len(texts[place])
                last = number | ((1 << max(0, 32 - length)) - 1)
                code = 0
                if isinstance(said, dict):
                    code = len(places)
                    places.append(read_record(said))
            codes[place] = code
        return places, codes

    def _read(self, text: str) -> Place:
        if ":" not in text:
            return _NOTHING
        try:
            record = self._reader.get(text)
        except ValueError:  # no address
            return _NOTHING
        return read_record(record) if isinstance(record, dict) else _NOTHING


def read_record(record: Mapping[str, Any]) -> Place:
    """Read country code, AS number, organisation, region (ISO 3166-2) and city of a record in any of the known layouts."""
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code", country)
    if not isinstance(code, str) or len(code) != _CODE_LENGTH:
        registered = record.get("registered_country")
        code = registered.get("iso_code") if isinstance(registered, dict) else None
    organisation = record.get("autonomous_system_organization") or record.get("as_name") or record.get("as_organization")
    return (
        code,
        _read_number(record),
        organisation if isinstance(organisation, str) and organisation else None,
        _read_region(record, code),
        _read_city(record),
    )


def _read_region(record: Mapping[str, Any], country: str | None) -> str | None:
    """Read the region that city databases add: an ISO 3166-2 code (MaxMind), else its name (DB-IP, IPinfo)."""
    found = record.get("subdivisions")
    if isinstance(found, list) and found and isinstance(found[0], dict):
        code = found[0].get("iso_code")
        if isinstance(code, str) and code and country:
            return f"{country}-{code}"
        names = found[0].get("names")
        found = names.get("en") if isinstance(names, dict) else None
    else:
        found = record.get("region", record.get("state1"))
    return found if isinstance(found, str) and found else None


def _read_city(record: Mapping[str, Any]) -> str | None:
    """Read the city's name that city databases add: English (MaxMind, DB-IP), or as it is (IPinfo)."""
    found = record.get("city")
    if isinstance(found, dict):
        names = found.get("names")
        found = names.get("en") if isinstance(names, dict) else None
    return found if isinstance(found, str) and found else None


def _read_number(record: Mapping[str, Any]) -> int | None:
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str) and number.upper().removeprefix("AS").isdecimal():
        return int(number.upper().removeprefix("AS"))
    return number if isinstance(number, int) and number else None


def open_geo(path: Path | None = None) -> GeoDatabase:
    """Open a database: the bundled one, or the user's.

    Raises:
        InputError: it is missing, damaged or of another kind.
    """
    if path is not None:
        if not os.path.isfile(path):  # noqa: PTH113 - says no where a path cannot be looked at, instead of raising
            raise InputError(f"there is no geo database '{path}'; --geo-db takes a MaxMind-format (.mmdb) file")
        database = GeoDatabase(path, str(path))
        database.check_kind()
        return database
    return GeoDatabase(_unpack_bundled(), "bundled")


def _unpack_bundled() -> Path:
    """Unpack the bundled database once; its name says what it holds, so a new release unpacks anew."""
    packed = files("pullstats.enrich.data").joinpath(BUNDLED)
    name = f"geo-{_fingerprint(packed)}.mmdb"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pullstats"
    target = cache / name
    if target.is_file():
        return target
    for is_kept in (True, False):
        with contextlib.suppress(OSError):
            folder = cache if is_kept else Path(tempfile.mkdtemp(prefix="pullstats-"))
            folder.mkdir(parents=True, exist_ok=True)
            _write_once(folder / name, lzma.decompress(packed.read_bytes()))
            return folder / name
    raise InputError(f"cannot unpack the geo database into '{cache}': no space or no permission; set XDG_CACHE_HOME to a folder that can be written")


def _fingerprint(packed: Traversable) -> str:
    """Tell one packed file from another by its end, where the checksum of all that it holds stands (xz file format, section 3.4)."""
    with packed.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END, 0))
        return hashlib.sha256(f"{size} ".encode() + file.read()).hexdigest()[:16]


def _write_once(target: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as draft:
        try:
            draft.write(content)
            draft.close()
            Path(draft.name).replace(target)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise
