"""Ranges of addresses with a value each; the most specific range decides."""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from typing import Generic, TypeVar

from pullstats.enrich.proxies import presets

T = TypeVar("T")


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
