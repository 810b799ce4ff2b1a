"""Look at clients once per distinct address: ids, place and network; behind trusted proxies, at whom these name."""

from __future__ import annotations

from socket import AF_INET6, inet_pton
from typing import Final

import polars as pl

from pullstats.enrich.addresses import normalise_addresses
from pullstats.enrich.escapes import unescape_values
from pullstats.enrich.geo import GeoDatabase
from pullstats.enrich.keys import HashKey
from pullstats.enrich.origins import hash_endpoints
from pullstats.enrich.own_addresses import key_of_six
from pullstats.enrich.own_networks import GITHUB, OwnNetworks
from pullstats.enrich.prefixes import private_ranges
from pullstats.enrich.proxies import HEADERS, PEER, TrustedProxies, pack, unpack
from pullstats.enrich.rulebook import RuleBook
from pullstats.enrich.text_lookups import NOTHING
from pullstats.escaping import Escaping
from pullstats.lookup import Lookup

_FIELD: Final = pl.Categorical(pl.Categories("address-field", "pullstats"))
_LOOPBACK: Final = ("127.", "::1")


class ClientLookup:
    """Looks at addresses, or at what proxies say of them."""

    def __init__(
        self, key: HashKey, geo: GeoDatabase, rules: RuleBook, networks: OwnNetworks, proxies: TrustedProxies | None, max_kept: int | None
    ) -> None:
        """Prepare the lookup; the arguments are those of `Enricher`."""
        self._key = key
        self._geo = geo
        self._rules = rules
        self._networks = networks
        self._private = private_ranges()
        self._proxies = proxies
        look = self.look_at_addresses if proxies is None else self._look_behind_proxies
        self._addresses = Lookup("address", look, max_kept=max_kept)

    def apply(self, reading: pl.DataFrame, escaping: Escaping) -> pl.DataFrame:
        """Look at the client of each row that was read; the columns of `look_at_addresses`, and `named_by` where there are proxies."""
        return self._addresses.apply(reading["address"] if self._proxies is None else _pack_hops(reading, escaping))

    def look_at_addresses(self, values: pl.Series) -> pl.DataFrame:
        """Look at distinct addresses: ids, place and network, a row each."""
        addresses = normalise_addresses(values)
        places = self._geo.lookup(addresses["address"])
        endpoints = hash_endpoints(addresses, self._key)
        return pl.concat(
            [
                addresses.select(pl.col("address").alias("client_address")),
                _key_addresses(addresses),
                endpoints,
                places,
                self._look_at_networks(addresses["address"], places),
            ],
            how="horizontal",
        )

    def _look_at_networks(self, addresses: pl.Series, places: pl.DataFrame) -> pl.DataFrame:
        known = self._rules.networks.classify(places["as_number"], places["as_organization"])
        said = self._networks.lookup(addresses)
        unrouted = addresses.filter(places["as_number"].is_null()).unique()
        private = [address for address in unrouted if address and self._private.find(address)]
        return known.hstack(said).select(
            pl.when(addresses.is_in(private)).then(pl.lit("private")).otherwise("network_type").alias("network_type"),
            pl.coalesce(pl.col("range_provider").replace(GITHUB, None), "cloud_provider").alias("cloud_provider"),
            "cloud_region",
            "organization_name",
            "is_ci_network",
        )

    def _look_behind_proxies(self, values: pl.Series) -> pl.DataFrame:
        """Look at the clients that trusted proxies name, for distinct peers and headers as `pack` joins them."""
        assert self._proxies is not None
        found = [self._proxies.find_client(*unpack(value)) for value in values]
        clients = pl.DataFrame(found, schema={"address": pl.String, "field": pl.String}, orient="row")
        return self.look_at_addresses(clients["address"]).with_columns(clients["field"].alias("named_by"))


def _pack_hops(reading: pl.DataFrame, escaping: Escaping) -> pl.Series:
    headers = [unescape_values(reading[name], escaping) for name in HEADERS]
    return reading.select(pack(pl.col("address"), [pl.lit(header) for header in headers])).to_series()


def _key_addresses(addresses: pl.DataFrame) -> pl.DataFrame:
    """Give the key of each client's address, null where it is none or the machine's own."""
    texts, packed = addresses["address"], addresses["endpoint_key"]
    is_loopback = texts.str.starts_with(_LOOPBACK[0]) | texts.str.starts_with(_LOOPBACK[1])
    keys = packed.bin.slice(1).bin.encode("hex")
    is_six = packed.bin.starts_with(b"6").fill_null(value=False)
    if is_six.any():
        six = [key_of_six(inet_pton(AF_INET6, text.split("%", 1)[0])) for text in texts.filter(is_six)]
        keys = keys.scatter(is_six.arg_true(), pl.Series(six, dtype=pl.String))
    is_address = (packed.bin.starts_with(b"4") | is_six) & ~is_loopback
    return keys.set(~is_address.fill_null(value=False), None).to_frame("address_key")


def fields_of(events: pl.DataFrame) -> pl.Series:
    """Give the field that named each client."""
    name = "named_by" if "named_by" in events.columns else "address_field"
    said = pl.when(pl.col("endpoint_id").is_not_null()).then(pl.col(name).cast(_FIELD))
    return events.select(said.alias("field")).to_series()


def find_forwarded(events: pl.DataFrame) -> pl.Series:
    """Give what a header says of the client where the peer counts as it, and is of a private network or the machine itself."""
    headers = [name for name in HEADERS if events[name].null_count() < events.height]
    if not headers:
        return pl.Series("behind", [None], pl.String).new_from_index(0, events.height)
    is_peer = pl.col("named_by").cast(pl.String) == PEER if "named_by" in events.columns else pl.lit(value=True)
    is_near = (pl.col("network_type").cast(pl.String) == "private") | pl.col("client_address").cast(pl.String).str.starts_with("unix:")
    said = pl.coalesce(pl.col(name).cast(pl.String).replace(NOTHING, None) for name in headers)
    return events.select(pl.when(is_peer & is_near).then(said).alias("behind")).to_series()
