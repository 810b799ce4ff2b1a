"""Who asked, where proxies stand between: what a trusted one says of the client, read from the right.

Every proxy appends the address it was asked by, so only what trusted proxies appended can be
believed; what stands left of it a stranger may have written. The first address from the right that
is no trusted proxy is the client; where all are trusted, the leftmost.

Sources: RFC 7239 (Forwarded), nginx ngx_http_realip_module (real_ip_recursive),
developers.cloudflare.com/fundamentals/reference/http-headers (CF-Connecting-IP).
"""

from __future__ import annotations

import bisect
import ipaddress
import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import polars as pl

from pullstats.clients import CLIENT
from pullstats.enrich.addresses import IPAddress, parse_address
from pullstats.enrich.tables import read_table
from pullstats.errors import UsageError, unknown_name

PEER: Final = "remote_addr"
CHAINS: Final = ("http_x_forwarded_for", "http_forwarded")
"""Headers that list the hops, each proxy's word at the end."""
SINGLES: Final = ("http_cf_connecting_ip", "http_x_real_ip")
"""Headers that name the client alone, as the last proxy saw it."""
HEADERS: Final = (*CHAINS, *SINGLES)

_CLIENT: Final = re.compile(CLIENT)
_UNIT: Final = "\x1f"
_LOCAL: Final = "unix:"
_FOR: Final = re.compile(r'(?:^|[;\s])for\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]*))', re.IGNORECASE)
_MAX_HOPS: Final = 64


@cache
def presets() -> dict[str, list[str]]:
    """Load the named lists of proxies."""
    return read_table("proxies.toml")


class TrustedProxies:
    """Proxies whose word about the client counts."""

    def __init__(self, ranges: Sequence[str]) -> None:
        """Read ranges.

        Args:
            ranges: CIDR ranges, addresses, or names of presets.

        Raises:
            UsageError: one is none of these.
        """
        networks = [network for text in ranges for network in _read_range(text)]
        self._spans = {version: _merge([network for network in networks if network.version == version]) for version in (4, 6)}

    def trusts(self, address: IPAddress) -> bool:
        """Tell whether an address is a trusted proxy's."""
        starts, ends = self._spans[address.version]
        place = bisect.bisect_right(starts, int(address)) - 1
        return place >= 0 and int(address) <= ends[place]

    def find_client(self, peer: str | None, headers: Sequence[str | None]) -> tuple[str | None, str]:
        """Tell who asked.

        Args:
            peer: who was connected to the server, as logged; a list of hops where the log has one.
            headers: values of `HEADERS`, in that order, as logged.

        Returns:
            The client as logged, None if nobody can be named; and the field that names it.
        """
        hops = _split_list(peer or "")
        if not hops:
            return None, PEER
        found = self._first_stranger(hops)
        if found is not None:
            return found, PEER
        for name, value in zip(HEADERS, headers, strict=True):
            said = _split_forwarded(value) if name == "http_forwarded" else _split_list(value or "")
            if said:
                return self._first_stranger(said) or said[0], name
        return hops[0], PEER

    def _first_stranger(self, hops: Sequence[str]) -> str | None:
        """Give the first hop from the right that is no trusted proxy; None if all are."""
        for hop in reversed(hops[-_MAX_HOPS:]):
            address = parse_address(hop)
            is_local = address is None and hop.startswith(_LOCAL)
            if not is_local and (address is None or not self.trusts(address)):
                return hop
        return None


def _read_range(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    named = presets().get(text.lower())
    if named is not None:
        return [ipaddress.ip_network(item) for item in named]
    try:
        return [ipaddress.ip_network(text, strict=False)]
    except ValueError:
        pass
    if re.fullmatch(r"[A-Za-z][A-Za-z-]*", text) and ":" not in text:
        noun = "trusted proxy preset"
        raise unknown_name(noun, text, presets())
    raise UsageError(f"--trusted-proxy '{text}' is no address range; write 10.0.0.0/8, an address, or one of {', '.join(sorted(presets()))}")


def _merge(networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> tuple[list[int], list[int]]:
    """Give the starts and ends of merged ranges, in order."""
    merged = sorted(ipaddress.collapse_addresses(networks))  # type: ignore[type-var]
    return [int(network.network_address) for network in merged], [int(network.broadcast_address) for network in merged]


def _split_list(text: str) -> list[str]:
    """Take a list apart that has commas or blanks between its items, or is quoted; brackets and backslashes that balancers write come off."""
    parts = (part.strip("\\()'") for part in re.split(r'[,\s"]+', text[-4096:]))
    return _credible([part for part in parts if part not in ("", "-")])


def _credible(hops: list[str]) -> list[str]:
    """Leave the hops behind the last one that is no client: no proxy appends such a thing, so a stranger wrote it and what stands before it."""
    odd = [place for place, hop in enumerate(hops) if not _CLIENT.fullmatch(hop)]
    return hops[odd[-1] + 1 :] if odd else hops


def _split_forwarded(text: str | None) -> list[str]:
    """Give the `for` of every hop of a Forwarded header."""
    found = [_FOR.search(element) for element in (text or "")[-4096:].split(",")]
    return _credible([(match[1] or match[2] or "").replace("\\", "") for match in found if match])


def pack(peer: pl.Expr, headers: Sequence[pl.Expr]) -> pl.Expr:
    """Join peer and headers to one text, whose distinct values are looked at."""
    parts = [part.fill_null("").str.replace_all(_UNIT, "", literal=True) for part in (peer, *headers)]
    return pl.concat_str(parts, separator=_UNIT)


def unpack(value: str) -> tuple[str | None, list[str | None]]:
    """Undo `pack`."""
    peer, *headers = value.split(_UNIT)
    return peer or None, [header or None for header in headers[: len(HEADERS)]] + [None] * (len(HEADERS) - len(headers))
