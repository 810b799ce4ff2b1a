"""Read what a log gives as the client: one address in one spelling, or a name as it is.

`::ffff:1.2.3.4` is IPv4; ports, brackets, zone ids and a backslash in front (some load balancers'
headers in IIS) are cut off; of `a via b` (Verdaccio) the peer is meant; of a list the first public
address counts, else the first one. A host name, `unix:`, a masked or a hashed address stays text. `-`,
nothing, `unknown` and whatever is none of these are no client.

Source: DEFINITIONS of pullstats; RFC 4291 (IPv4-mapped), RFC 4007 (zones).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

import polars as pl

from pullstats.clients import CLIENT

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOBODY: Final = frozenset({"", "-", "unknown", "_hidden"})
_LONGEST: Final = 256
_FOUR_IN_SIX: Final = b"\0\0"
"""Begins the addresses of IPv4 in IPv6, which are written in several ways."""
_PORT: Final = re.compile(r"^(?:\[(?P<six>[^\]]+)\]|(?P<four>[0-9.]+))(?::[0-9]+)?$")

ADDRESS_SCHEMA: Final = pl.Schema({"address": pl.String(), "endpoint_key": pl.Binary(), "network_key": pl.Binary()})


def normalise_addresses(values: pl.Series) -> pl.DataFrame:
    """Read client fields.

    Args:
        values: distinct texts as logged.

    Returns:
        A row per value: `address` (canonical, or the text), `endpoint_key` (what makes one
        endpoint: the IPv4 address, the IPv6 /64, or the text) and `network_key` (/24, /48 or
        the text); all null where there is no client. Keys of different kinds never collide.
    """
    texts, endpoints, networks = values.to_list(), [], []
    read, write, four, six = socket.inet_pton, socket.inet_ntop, socket.AF_INET, socket.AF_INET6
    for place, text in enumerate(texts):  # nearly all are plain, and the system reads those six times as fast
        try:
            packed = read(four, text or "")
            endpoint: bytes | None = b"4" + packed
            network: bytes | None = b"4" + packed[:3]
        except (OSError, ValueError):
            try:
                packed = read(six, text or "")
                is_plain = packed[:2] != _FOUR_IN_SIX
            except (OSError, ValueError):
                is_plain = False
            if is_plain:
                texts[place], endpoint, network = write(six, packed), b"6" + packed[:8], b"6" + packed[:6]
            else:
                texts[place], endpoint, network = _look_closer(text)
        endpoints.append(endpoint)
        networks.append(network)
    return pl.DataFrame({"address": texts, "endpoint_key": endpoints, "network_key": networks}, schema=ADDRESS_SCHEMA)


def _look_closer(text: str | None) -> tuple[str | None, bytes | None, bytes | None]:
    text = (text or "").strip()[:_LONGEST].lstrip("\\").rpartition(" via ")[2]
    if text.lower() in _NOBODY:
        return None, None, None
    found = parse_client(text)
    if found is None:
        if "," in text:  # a list of names
            text = next((part for part in re.split(r'[,\s"]+', text) if part.lower() not in _NOBODY), "")
        if not re.fullmatch(CLIENT, text):  # what a client wrote into a header may be anything
            return None, None, None
        return text, b"t" + text.encode(), b"t" + text.encode()
    packed = found.packed
    if found.version == 4:
        return str(found), b"4" + packed, b"4" + packed[:3]
    return str(found), b"6" + packed[:8], b"6" + packed[:6]


def parse_client(text: str) -> IPAddress | None:
    """Read one client field; None if it holds no address.

    Example:
        >>> parse_client("[2001:db8::1]:4711"), parse_client("::ffff:192.0.2.7"), parse_client("a.example.org")
        (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.7'), None)
    """
    single = parse_address(text)
    if single is not None:
        return single
    if "," not in text and " " not in text:
        return None
    found = [address for part in re.split(r'[,\s"]+', text) if (address := parse_address(part)) is not None]
    return next((address for address in found if address.is_global), found[0] if found else None)


def parse_address(text: str) -> IPAddress | None:
    """Read one address with whatever hangs on it: port, brackets, zone; None if it is none."""
    text = text.lstrip("\\")
    if (match := _PORT.match(text)) is not None:
        text = match["six"] or match["four"]
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
