"""Turn what a format read into events: who asked, with what, for what.

Every text is looked at once per distinct value (`Lookup`), then gathered back. The address itself
goes no further than this module.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from socket import AF_INET6, inet_pton
from typing import Final

import polars as pl

from pullstats.enrich.addresses import normalise_addresses
from pullstats.enrich.agents import normalise_agents
from pullstats.enrich.attributes import redact_attributes
from pullstats.enrich.authorization import REFUSED, read_authorizations
from pullstats.enrich.escapes import unescape_values
from pullstats.enrich.geo import GeoDatabase
from pullstats.enrich.keys import HashKey
from pullstats.enrich.meaning import add_platforms, classify_distinct, read_packages
from pullstats.enrich.origins import agent_terms, combine_origins, hash_endpoints, hash_values, user_terms
from pullstats.enrich.own_addresses import KEYS, hide_addresses, key_of_six, list_keys
from pullstats.enrich.own_networks import GITHUB, OwnNetworks, load_own_networks
from pullstats.enrich.packages import action_by_method, classify_paths, client_ecosystem
from pullstats.enrich.prefixes import private_ranges
from pullstats.enrich.proxies import HEADERS, PEER, TrustedProxies, pack, unpack
from pullstats.enrich.redact import redact_domain, redact_text, redact_values
from pullstats.enrich.request import domain_of, split_request
from pullstats.enrich.rulebook import RuleBook, bundled_rules
from pullstats.escaping import Escaping
from pullstats.events import conform
from pullstats.lookup import CODED, Lookup

UNKNOWN: Final = "unknown"
_CI_SOURCE: Final = pl.Enum(["agent", "network"])
_OTHERS: Final = ("http_request_range", "cache_status", "backend")
"""Columns of few values that are kept as they are, but for what must not be."""
_FREE_TEXTS: Final = (
    "url_path",
    "url_query",
    "http_request_referrer",
    "user_agent_original",
    "url_domain",
    "http_request_id",
    "attributes",
    *_OTHERS,
)
"""What a client may have written."""
_TEXT_KEYS: Final = (
    "request_keys",
    "agent_keys",
    "referrer_keys",
    "host_keys",
    "http_request_id_keys",
    "attributes_keys",
    *(f"{name}_keys" for name in _OTHERS),
)
"""What in these may spell an address, by where it was read from."""
_FIELD: Final = pl.Categorical(pl.Categories("address-field", "pullstats"))
_LOOPBACK: Final = ("127.", "::1")
_NOTHING: Final = ["-", ""]
_NOBODY: Final = "anonymous"
"""What Artifactory and Nexus call a client that did not log in."""
AGENT_IDENTITY: Final = ("user_agent_name", "os_name", "host_arch")


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
        self._networks = networks or load_own_networks()
        self._private = private_ranges()
        self._key = key
        self._proxies = proxies
        self._geo = geo
        self._keep_addresses = keep_addresses
        look = self.look_at_addresses if proxies is None else self._look_behind_proxies
        self._addresses = Lookup("address", look, max_kept=max_kept)
        self._hops = Lookup("hop", _look_at_hops, max_kept=max_kept)
        self._hinted = Lookup("hinted", _look_at_hinted, max_kept=max_kept)
        self._hosts = Lookup("host", self._look_at_hosts, max_kept=max_kept)
        self._others = Lookup("other", _look_at_others, max_kept=max_kept)
        self._make_texts = partial(_TextLookups, key, digests, rules=rules, max_kept=max_kept)
        self._texts: dict[Escaping, _TextLookups] = {}
        self._making = threading.Lock()

    def _texts_of(self, escaping: Escaping) -> _TextLookups:
        """Give the look-ups of texts that are escaped so; made for the first log that needs them."""
        with self._making:
            if escaping not in self._texts:
                self._texts[escaping] = self._make_texts(escaping)
            return self._texts[escaping]

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
        known = self.rules.networks.classify(places["as_number"], places["as_organization"])
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
        address = self._addresses.apply(reading["address"] if self._proxies is None else _pack_hops(reading, escaping))
        user = _join_users(texts, reading)
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
        told = _fields_of(events).to_frame().with_columns(_find_forwarded(events))
        if not self._keep_addresses:
            events = events.drop("client_address")
        return conform(events), told

    def _redact_others(self, events: pl.DataFrame) -> Iterator[pl.Series]:
        """Redact what else a client may have written; no two request ids are alike, nor what else objects hold, so they are no values to remember."""
        for name in (*_OTHERS, "http_request_id", "attributes"):
            column = events[name]
            if column.null_count() < events.height:
                look = self._others.apply if name in _OTHERS else _LOOKS[name]
                answers = look(column)
                yield answers["text"].alias(name)
                yield answers[KEYS].alias(f"{name}_keys")

    def _hide_addresses(self, events: pl.DataFrame, peers: pl.Series, lookups: _TextLookups) -> pl.DataFrame:
        """Take the event's own client and the hops before it out of all its texts, and read anew what was read from these.

        Few texts hold what may spell an address, and those are mostly versions and dates: rows are looked at only where
        such a key is that of a client or hop of this block, and changed only where it is that of their own.
        """
        said = [name for name in _TEXT_KEYS if name in events.columns and events[name].null_count() < events.height]
        if not said:
            return events
        own = [events["address_key"], *self._key_hops(events, peers)]
        suspects = _share_keys([events[name] for name in said], own)
        rows = suspects.arg_true()
        if not rows.len():
            return events
        texts = _split_keys([events[name].gather(rows) for name in said])
        mine = [keys & held for keys, held in zip(texts, _split_keys([column.gather(rows) for column in own]), strict=True)]
        is_hit = pl.Series([bool(keys) for keys in mine], dtype=pl.Boolean)
        rows, mine = rows.filter(is_hit), [keys for keys in mine if keys]
        if not rows.len():
            return events
        few = events[rows].with_columns((pl.selectors.by_name(*_FREE_TEXTS) | CODED).cast(pl.String))
        few = few.with_columns(hide_addresses(few[name], mine) for name in _FREE_TEXTS)
        described = [*lookups.describe_agents(few["user_agent_original"]), *lookups.describe_paths(few)]
        few = few.with_columns(described)
        names = {*_FREE_TEXTS, *(column.name for column in described)}
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


def _join_users(texts: _TextLookups, reading: pl.DataFrame) -> pl.DataFrame:
    """Take the user that the server names, else whom the Authorization header names where it was not refused."""
    logged = texts.users.apply(reading["user"])
    headers = reading["authorization"]
    if headers.null_count() == headers.len():
        return logged.with_columns(pl.lit(None, pl.String).alias("auth_scheme"))
    said = texts.authorizations.apply(headers)
    is_refused = reading["http_response_status_code"].is_in(REFUSED).fill_null(value=False)
    is_named = logged["user_id"].is_not_null()
    joined = [logged[name].zip_with(is_named, said[name].set(is_refused, None)) for name in logged.columns]
    return pl.DataFrame([*joined, said["auth_scheme"]])


def _pack_hops(reading: pl.DataFrame, escaping: Escaping) -> pl.Series:
    headers = [unescape_values(reading[name], escaping) for name in HEADERS]
    return reading.select(pack(pl.col("address"), [pl.lit(header) for header in headers])).to_series()


def _look_at_hops(values: pl.Series) -> pl.DataFrame:
    return list_keys(values).to_frame(KEYS)


def _look_at_others(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"text": redact_values(values), KEYS: list_keys(values)})


def _look_at_attributes(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"text": redact_attributes(values), KEYS: list_keys(values)})


_LOOKS: Final = {"http_request_id": _look_at_others, "attributes": _look_at_attributes}


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


def _share_keys(texts: Sequence[pl.Series], own: Sequence[pl.Series]) -> pl.Series:
    """Tell the rows that hold, in a text and among their clients and hops, keys that some text and some client of these rows share."""
    values = [[column.unique().drop_nulls().cast(pl.String) for column in columns] for columns in (texts, own)]
    keys = [pl.concat([value.str.split(" ").explode() for value in side]).unique() for side in values]
    shared = keys[0].filter(keys[0].is_in(keys[1].implode()))
    if not shared.len():
        return pl.Series([False]).new_from_index(0, texts[0].len())
    sides = []
    for columns, distinct in zip((texts, own), values, strict=True):
        hits = [
            column.cast(pl.String).is_in(_holding(value, shared).implode()).fill_null(value=False)
            for column, value in zip(columns, distinct, strict=True)
        ]
        sides.append(functools.reduce(operator.or_, hits))
    return sides[0] & sides[1]


def _holding(values: pl.Series, keys: pl.Series) -> pl.Series:
    """Keep the values that hold one of some keys."""
    split = values.to_frame("value").with_columns(pl.col("value").str.split(" ").alias("key")).explode("key")
    return split.filter(split["key"].is_in(keys.implode()))["value"].unique()


def _split_keys(columns: Sequence[pl.Series]) -> list[frozenset[str]]:
    """Join the keys of each row."""
    texts = [column.cast(pl.String).to_list() for column in columns]
    return [frozenset(key for text in row if text for key in text.split(" ")) for row in zip(*texts, strict=True)]


def _fields_of(events: pl.DataFrame) -> pl.Series:
    """Give the field that named each client."""
    name = "named_by" if "named_by" in events.columns else "address_field"
    said = pl.when(pl.col("endpoint_id").is_not_null()).then(pl.col(name).cast(_FIELD))
    return events.select(said.alias("field")).to_series()


def _find_forwarded(events: pl.DataFrame) -> pl.Series:
    """Give what a header says of the client where the peer counts as it, and is of a private network or the machine itself."""
    headers = [name for name in HEADERS if events[name].null_count() < events.height]
    if not headers:
        return pl.Series("behind", [None], pl.String).new_from_index(0, events.height)
    is_peer = pl.col("named_by").cast(pl.String) == PEER if "named_by" in events.columns else pl.lit(value=True)
    is_near = (pl.col("network_type").cast(pl.String) == "private") | pl.col("client_address").cast(pl.String).str.starts_with("unix:")
    said = pl.coalesce(pl.col(name).cast(pl.String).replace(_NOTHING, None) for name in headers)
    return events.select(pl.when(is_peer & is_near).then(said).alias("behind")).to_series()


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


def _said(values: pl.Series) -> pl.Series:
    """Null what says nothing: `-` and the empty text."""
    return values.replace(_NOTHING, None)


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


class _TextLookups:
    """Lookups of texts that are escaped one way."""

    def __init__(self, key: HashKey, digests: pl.DataFrame | None, escaping: Escaping, rules: RuleBook, max_kept: int | None) -> None:
        self._rules = rules
        self._key = key
        self._digests = digests
        self._escaping = escaping
        self.requests = Lookup("request", self._look_at_requests, max_kept=max_kept)
        self.agents = Lookup("agent", self._look_at_agents, max_kept=max_kept)
        self.referrers = Lookup("referrer", self._look_at_referrers, max_kept=max_kept)
        self.users = Lookup("user", lambda values: self._hash_users(self._read(values)), max_kept=max_kept)
        # A token may be new with every request, long, and is a secret: none is remembered beyond its block.
        self.authorizations = Lookup("authorization", self._look_at_authorizations, max_kept=0)

    def _read(self, values: pl.Series, *, is_target: bool = False) -> pl.Series:
        """Undo escapes; `%` in a target is the client's own."""
        return values if is_target and self._escaping in ("percent", "plus") else unescape_values(values, self._escaping)

    def _look_at_requests(self, values: pl.Series) -> pl.DataFrame:
        texts = self._read(values, is_target=True)
        request = split_request(texts)
        path = redact_values(request["url_path"])
        packages = self._read_paths(path)
        frame = pl.concat([request, packages], how="horizontal")
        return frame.select(
            "http_request_method",
            "network_protocol_version",
            "parse_status",
            pl.col("url_scheme").alias("target_scheme"),
            redact_domain(pl.col("url_domain")).alias("target_domain"),
            path.alias("url_path"),
            redact_text(pl.col("url_query")).alias("url_query"),
            list_keys(texts).alias("request_keys"),
            *(name for name in packages.columns if name != "action"),
            action_by_method(pl.col("http_request_method"), pl.col("action")).alias("action"),
        )

    def _read_paths(self, paths: pl.Series) -> pl.DataFrame:
        """Read packages out of paths that are redacted, so that they can be read again from what is stored."""
        return add_platforms(read_packages(paths, self._rules), self._digests)

    def describe_paths(self, events: pl.DataFrame) -> list[pl.Series]:
        """Read packages anew out of the paths of some events."""
        found = self._read_paths(events["url_path"])
        action = found.with_columns(events["http_request_method"]).select(
            action_by_method(pl.col("http_request_method"), pl.col("action")).alias("action")
        )
        return [*found.drop("action"), action["action"]]

    def _look_at_agents(self, values: pl.Series) -> pl.DataFrame:
        agents = normalise_agents(self._read(values))
        original = redact_values(agents)
        texts = [_said(original).alias("user_agent_original"), list_keys(agents).alias("agent_keys")]
        return pl.concat([pl.DataFrame(texts), self.describe_agents(original)], how="horizontal")

    def describe_agents(self, agents: pl.Series) -> pl.DataFrame:
        """Read agents that are redacted: what they are, their terms of an origin, the ecosystem they ask in."""
        known = classify_distinct(agents.fill_null("-"), self._rules)
        ecosystem = client_ecosystem(known["user_agent_name"]).alias("client_ecosystem")
        return pl.concat([known, agent_terms(known.select(AGENT_IDENTITY), self._key).to_frame(), ecosystem.to_frame()], how="horizontal")

    def _hash_users(self, values: pl.Series) -> pl.DataFrame:
        users = _said(values.replace(_NOBODY, None))
        return pl.DataFrame([user_terms(users, self._key), hash_values(users, self._key, b"user").alias("user_id")])

    def _look_at_authorizations(self, values: pl.Series) -> pl.DataFrame:
        found = read_authorizations(self._read(values))
        return self._hash_users(found["user"]).with_columns(found["auth_scheme"])

    def _look_at_referrers(self, values: pl.Series) -> pl.DataFrame:
        referrers = _said(self._read(values))
        return pl.DataFrame({"http_request_referrer": redact_values(referrers), "referrer_keys": list_keys(referrers)})
