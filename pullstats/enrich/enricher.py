"""Turn what a format read into events: who asked, with what, for what.

Every text is looked at once per distinct value (`Lookup`), then gathered back. The address itself
goes no further than this module and `client_lookup`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Final

import polars as pl

from pullstats.enrich.attributes import redact_attributes
from pullstats.enrich.client_lookup import ClientLookup, fields_of, find_forwarded
from pullstats.enrich.geo import GeoDatabase
from pullstats.enrich.keys import HashKey
from pullstats.enrich.origins import combine_origins
from pullstats.enrich.own_addresses import KEYS, hide_addresses, list_keys
from pullstats.enrich.own_networks import OwnNetworks, load_own_networks
from pullstats.enrich.own_texts import FREE_TEXTS, OTHERS, TEXT_KEYS, find_own
from pullstats.enrich.packages import classify_paths
from pullstats.enrich.proxies import HEADERS, TrustedProxies
from pullstats.enrich.redact import redact_domain, redact_values
from pullstats.enrich.request import domain_of
from pullstats.enrich.rulebook import RuleBook, bundled_rules
from pullstats.enrich.text_lookups import TextLookups, join_users
from pullstats.escaping import Escaping
from pullstats.events import conform
from pullstats.lookup import CODED, Lookup

UNKNOWN: Final = "unknown"
_CI_SOURCE: Final = pl.Enum(["agent", "network"])


class Enricher:
    """Enriches blocks of lines, remembering every distinct value it has seen."""

    def __init__(
        self,
        key: HashKey,
        geo: GeoDatabase,
        *,
        keep_addresses: bool = False,
        digests: pl.DataFrame | None = None,
        proxies: TrustedProxies | None = None,
        rules: RuleBook | None = None,
        networks: OwnNetworks | None = None,
        max_kept: int | None = None,
    ) -> None:
        """Prepare the lookups.

        Args:
            key: makes the hashes.
            geo: tells country and network of an address.
            keep_addresses: keep client addresses in clear.
            digests: platforms of image digests, columns of `PLATFORM_SCHEMA`.
            proxies: whose word about the client counts; None for nobody's.
            rules: tell clients, packages and networks; None for the bundled ones.
            networks: what the user knows of addresses.
            max_kept: distinct values of a kind to remember; see `Lookup`.
        """
        rules = rules or bundled_rules()
        self.rules = rules
        self._key = key
        self._proxies = proxies
        self._keep_addresses = keep_addresses
        self.clients = ClientLookup(key, geo, rules, networks or load_own_networks(), proxies, max_kept)
        self._hops = Lookup("hop", _look_at_hops, max_kept=max_kept)
        self._hinted = Lookup("hinted", _look_at_hinted, max_kept=max_kept)
        self._hosts = Lookup("host", self._look_at_hosts, max_kept=max_kept)
        self._others = Lookup("other", _look_at_others, max_kept=max_kept)
        self._make_texts = partial(TextLookups, key, digests, rules=rules, max_kept=max_kept)
        self._texts: dict[Escaping, TextLookups] = {}
        self._making = threading.Lock()

    def _texts_of(self, escaping: Escaping) -> TextLookups:
        """Give the look-ups of texts that are escaped so; made for the first log that needs them."""
        with self._making:
            if escaping not in self._texts:
                self._texts[escaping] = self._make_texts(escaping)
            return self._texts[escaping]

    def _look_at_hosts(self, values: pl.Series) -> pl.DataFrame:
        hosts = pl.DataFrame({"host": values}).select(redact_domain(domain_of(pl.col("host"))))
        return hosts.with_columns(list_keys(values).alias("host_keys"), host_ecosystem=site_ecosystem(pl.col("host"), self.rules))

    def enrich(self, reading: pl.DataFrame, format_name: str, escaping: Escaping) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Turn lines that were read into events.

        Args:
            reading: columns of `READING_SCHEMA`, and `source_id`.
            format_name: the format that read them.
            escaping: how the texts are still escaped.

        Returns:
            A row per row, the columns of `EVENT_SCHEMA`; and, for the summary, `field` of the log that named each client, null where
            nobody is named, and `behind`: whom a private peer that nobody trusts asks for, as its header says it.
        """
        texts = self._texts_of(escaping)
        address = self.clients.apply(reading, escaping)
        user = join_users(texts, reading)
        agent = texts.agents.apply(_fill(reading["agent"], "-"))
        request = texts.requests.apply(_fill(reading["request"], ""))
        referrer = texts.referrers.apply(reading["referrer"])
        rest = reading.drop("request", "address", "user", "authorization", "agent", "referrer")
        hosts = self._hosts.apply(reading["host"])
        events = pl.concat([rest.drop("host", strict=False), address, user, agent, request, referrer, hosts], how="horizontal")
        events = events.with_columns(_prefer(events, "target_domain", events["host"]).alias("url_domain"), *self._redact_others(events))
        events = self._hide_addresses(events, reading["address"], texts)
        events = _join_ci(self._resolve_hints(events))
        events = events.with_columns(
            combine_origins(events).alias("origin_id"),
            _prefer(events, "target_scheme", reading["scheme"]).alias("url_scheme"),
            pl.lit(self._key.epoch, pl.Int32).alias("key_epoch"),
            pl.lit(format_name, pl.Enum([format_name])).alias("log_format"),
        )
        told = fields_of(events).to_frame().with_columns(find_forwarded(events))
        if not self._keep_addresses:
            events = events.drop("client_address")
        return conform(events), told

    def _redact_others(self, events: pl.DataFrame) -> Iterator[pl.Series]:
        """Redact what else a client may have written; no two request ids are alike, nor what else objects hold, so they are no values to remember."""
        for name in (*OTHERS, "http_request_id", "attributes"):
            column = events[name]
            if column.null_count() < events.height:
                look = self._others.apply if name in OTHERS else _LOOKS[name]
                answers = look(column)
                yield answers["text"].alias(name)
                yield answers[KEYS].alias(f"{name}_keys")

    def _hide_addresses(self, events: pl.DataFrame, peers: pl.Series, lookups: TextLookups) -> pl.DataFrame:
        """Take the event's own client and the hops before it out of all its texts, and read anew what was read from these.

        Few texts hold what may spell an address, and those are mostly versions and dates: rows are looked at only where
        such a key is that of a client or hop of this block, and changed only where it is that of their own.
        """
        said = [name for name in TEXT_KEYS if name in events.columns and events[name].null_count() < events.height]
        if not said:
            return events
        own = [events["address_key"], *self._key_hops(events, peers)]
        rows, mine = find_own([events[name] for name in said], own)
        if not rows.len():
            return events
        few = events[rows].with_columns((pl.selectors.by_name(*FREE_TEXTS) | CODED).cast(pl.String))
        few = few.with_columns(hide_addresses(few[name], mine) for name in FREE_TEXTS)
        described = [*lookups.describe_agents(few["user_agent_original"]), *lookups.describe_paths(few)]
        few = few.with_columns(described)
        names = {*FREE_TEXTS, *(column.name for column in described)}
        changed = [name for name in few.columns if name in names]
        events = events.with_columns(pl.col(name).cast(few.schema[name]) for name in changed)
        return events.with_columns(events[name].clone().scatter(rows, few[name]) for name in changed)

    def _key_hops(self, events: pl.DataFrame, peers: pl.Series) -> Iterator[pl.Series]:
        """List the keys of the hops before each client; a log may have a list of them where the peer should stand."""
        lists = peers if self._proxies else peers.set(~peers.str.contains_any([",", " "]).fill_null(value=False), None)
        for column in (lists, *(events[name] for name in HEADERS)):
            if column.null_count() < column.len():
                yield self._hops.apply(column)[KEYS]

    def _resolve_hints(self, events: pl.DataFrame) -> pl.DataFrame:
        """Let the site's host, else the client decide where a path alone cannot tell the ecosystem."""
        hint = _prefer(events, "host_ecosystem", events["client_ecosystem"])
        open_rows = events["needs_hint"] & hint.is_not_null()
        if not open_rows.any():
            return events
        rows = events.filter(open_rows).with_columns(hint.filter(open_rows).cast(pl.String).alias("hint"))
        answers = self._hinted.apply(rows.select(pl.concat_str("hint", pl.col("url_path").cast(pl.String), separator="\n")).to_series())
        texts = answers.select(CODED).columns
        answers = answers.with_columns(pl.col(texts).cast(pl.String))
        events = events.with_columns(pl.col(texts).cast(pl.String))
        return events.with_columns(_scatter(events[name], open_rows, answers[name]) for name in answers.columns)


def _look_at_hops(values: pl.Series) -> pl.DataFrame:
    return list_keys(values).to_frame(KEYS)


def _look_at_others(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"text": redact_values(values), KEYS: list_keys(values)})


def _look_at_attributes(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"text": redact_attributes(values), KEYS: list_keys(values)})


_LOOKS: Final = {"http_request_id": _look_at_others, "attributes": _look_at_attributes}


def _join_ci(events: pl.DataFrame) -> pl.DataFrame:
    """Let a network of CI runners say what the agent does not, and keep which of them said it."""
    is_network = events["is_ci_network"]
    by_agent = pl.when(pl.col("is_ci").is_not_null()).then(pl.lit("agent", _CI_SOURCE))
    if is_network.null_count() == events.height:
        return events.with_columns(by_agent.alias("ci_source"))
    said = by_agent.when(pl.col("is_ci_network")).then(pl.lit("network", _CI_SOURCE))
    return events.with_columns(said.alias("ci_source"), pl.coalesce("is_ci", "is_ci_network").alias("is_ci"))


def site_ecosystem(host: pl.Expr, rules: RuleBook) -> pl.Expr:
    """Give the ecosystem that a site's routes say a host serves, null where they say nothing."""
    return (
        host.str.to_lowercase().replace_strict(dict(rules.routes.hosts), default=None, return_dtype=pl.String)
        if rules.routes.hosts
        else pl.lit(None, pl.String)
    )


def _look_at_hinted(values: pl.Series) -> pl.DataFrame:
    parts = values.str.splitn("\n", 2).struct.unnest()
    return classify_paths(parts["field_1"], parts["field_0"]).drop("needs_hint")


def _scatter(column: pl.Series, places: pl.Series, values: pl.Series) -> pl.Series:
    """Put values into the places that are true."""
    return column.scatter(places.arg_true(), values)


def _fill(texts: pl.Series, nothing: str) -> pl.Series:
    """Give missing texts a value of their own, so that they are looked up like any other."""
    return texts.fill_null(nothing) if texts.null_count() else texts


def _prefer(events: pl.DataFrame, name: str, other: pl.Series) -> pl.Series:
    """Take a column where it says something, else another; costs nothing where one says nothing."""
    column = events[name]
    if other.null_count() == other.len():
        return column
    if column.null_count() == column.len():
        return other
    return column.cast(pl.String).zip_with(column.is_not_null(), other.cast(pl.String))
