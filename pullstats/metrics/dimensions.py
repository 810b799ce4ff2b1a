"""The dimensions: what `--by` breaks down by and `--where` compares.

To add one: append a `Dimension`; the command line, its help and the docs follow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.ids import write_ids
from pullstats.metrics.continents import CONTINENT_OF, CONTINENTS
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.dimension import UNKNOWN, Dimension, ValueType
from pullstats.metrics.synonyms import name_dimension, name_metric, spell, tell_elsewhere
from pullstats.metrics.use_cases import CALLED, USE_CASES, name_use_case
from pullstats.metrics.vocabulary import (
    ACTIONS,
    CLASSES,
    ECOSYSTEMS,
    INSTALLING,
    KINDS,
    KNOWN_AS,
    LONG_DAYS,
    STATUS_CLASSES,
    TAKES_ITS_OWN,
    WEEKDAYS,
)

_BY_AGENT: Final = "few agents state it; what an older version took in learns it by pullstats rebuild"
_BY_CITIES: Final = (
    "a geo database with cities tells it, named with ingest --geo-db; what was taken in without one never learns it, for addresses are not kept"
)
_BY_LOG: Final = "the logs do not tell it; pullstats formats prints the log format that does"
RELEASE: Final = "release"
"""A column that no event has, but what scans give; see `release_lookup`."""
CLASS: Final = "class"
"""Another one; see `behaviour.naming`."""
LABEL: Final = "label."
"""What stands before the name of a column that a route of one's own adds."""
_KERNEL: Final = r'(?:\bkernel/|\bLinux/|"system":\s*\{"name":\s*"Linux",\s*"release":\s*")([0-9][0-9A-Za-z._+-]{0,99})'
"""As Docker, poetry and pip's JSON state it."""
_RESERVED: Final = frozenset({"bucket", "final", "gap", "note", "trend", "elsewhere", "set_key", "is_cut", "all_rows"})
"""Columns of answers that are neither dimensions nor metrics."""


def _plain(name: str, column: str, text: str, kind: ValueType = "text", values: tuple[str, ...] = (), told_by: str = "") -> Dimension:
    return Dimension(name, lambda _: pl.col(column), text, kind, values, has_unknown=UNKNOWN in values, told_by=told_by)


def _id(name: str, column: str, text: str, hash_of: str) -> Dimension:
    return Dimension(name, lambda _: write_ids(pl.col(column)), text, hash_of=hash_of)


def _first(name: str, text: str, *columns: str) -> Dimension:
    return Dimension(name, lambda _: pl.coalesce(columns), text)


def _platform() -> pl.Expr:
    return pl.concat_str(pl.coalesce("package_os", "os_name"), pl.coalesce("package_arch", "host_arch"), separator="/")


def _own(column: str) -> pl.Expr:
    """Give what a file or image is made for where it is taken by what runs on such a machine itself; others fetch for any."""
    return pl.when(pl.col("user_agent_kind").is_in(TAKES_ITS_OWN)).then(pl.col(column))


def _local(zone: str) -> pl.Expr:
    return pl.col("timestamp").dt.convert_time_zone(zone)


DIMENSIONS: Final[dict[str, Dimension]] = {
    dimension.name: dimension
    for dimension in (
        _plain("status", "http_response_status_code", "Status of the answer.", "number"),
        Dimension(
            "status-class",
            lambda _: pl.concat_str((pl.col("http_response_status_code") // 100).cast(pl.String), pl.lit("xx")),
            "1xx, 2xx, 3xx, 4xx, 5xx.",
            values=STATUS_CLASSES,
        ),
        _plain("method", "http_request_method", "Request method."),
        _plain("package", "package_name", "Package, in its ecosystem's own form."),
        Dimension(
            "ecosystem",
            lambda _: pl.col("package_type"),
            f"Ecosystem, as a purl type: {', '.join(ECOSYSTEMS)}.",
            values=tuple(sorted(ECOSYSTEMS)),
            aliases=KNOWN_AS,
        ),
        _first(
            "version", "Version, tag or digest asked for; spellings of one version count together.", "package_version_normalized", "package_version"
        ),
        _plain(
            "release",
            RELEASE,
            "Release asked for: floating tags and digests are resolved by the digests seen with tags, else by --releases CSV; --sort release follows the "
            "ecosystem's order of versions.",
        ),
        Dimension(
            "tag",
            lambda _: pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version")),
            "Tag asked for, of container images.",
        ),
        _plain("action", "action", "What the path asks for: index, metadata, manifest, blob, download, ….", values=tuple(sorted(ACTIONS))),
        replace(_plain("client", "user_agent_name", "Client program."), has_unknown=True),
        _plain("client-version", "user_agent_version", "Version of the client program."),
        Dimension(
            "installer",
            lambda _: pl.when(pl.col("user_agent_kind") == INSTALLING).then(pl.col("user_agent_name")),
            "Client program that is a package manager: pip, uv, poetry, npm, cargo, …; what others fetch with has none.",
        ),
        _plain("kind", "user_agent_kind", f"Kind of client: {', '.join(KINDS)}.", values=tuple(sorted(KINDS))),
        Dimension(
            "os",
            lambda _: pl.coalesce("host_os_name", "os_name", _own("package_os")),
            "Operating system of the machine that asks (Docker Desktop's: macos, windows); where the agent states none, that of the file or image that "
            "a package manager or runtime takes for itself.",
        ),
        Dimension(
            "arch",
            lambda _: pl.coalesce("host_arch", _own("package_arch")),
            "Architecture of the machine that asks; where the agent states none, as of os.",
        ),
        Dimension(
            "platform",
            lambda _: _platform(),
            "What was asked for, linux/amd64: as the file's name or the image's platform says, else the agent.",
        ),
        _plain("distro", "os_distro", "Distribution the agent states: Ubuntu, Debian GNU/Linux, macOS, ….", told_by=_BY_AGENT),
        _plain("libc", "libc_name", "C library the agent states: glibc, musl.", told_by=_BY_AGENT),
        _plain("runtime", "runtime_name", "Language runtime the agent states: python, node, go, ruby, java, php."),
        _plain("runtime-version", "runtime_version", "Version of that runtime, as stated."),
        Dimension(
            "kernel",
            lambda _: pl.when(pl.col("os_name").ne_missing("windows")).then(pl.col("user_agent_original").str.extract(_KERNEL)),
            "Release of the Linux kernel the agent states: Docker's, pip's, poetry's do.",
        ),
        _plain("ci", "is_ci", "Whether the client runs in CI; unknown is not false.", "boolean"),
        Dimension(
            CLASS,
            lambda _: pl.col(CLASS),
            f"Why the origin comes, for this package, as the pattern of its requests tells up to the window's end: {', '.join(CLASSES)}. See behaviour.",
            values=tuple(sorted(CLASSES)),
            has_unknown=True,
        ),
        Dimension(
            "docker-use-case",
            lambda _: name_use_case(),
            "What it is pulled for as Docker tells publishers, by agent and cloud alone (docker-use-case@1): local-dev, ci-cd, prod; on a cloud, tools of "
            "development count as ci-cd and tools of CI as prod. Beside class, it shows what the pattern adds.",
            values=tuple(sorted(USE_CASES)),
            aliases=CALLED,
            has_unknown=True,
        ),
        _plain("environment", "environment", "Hint: cluster, workstation, cloud-vm."),
        _plain("country", "geo_country_iso_code", "Country of the address, ISO 3166-1."),
        Dimension(
            "continent",
            lambda _: pl.col("geo_country_iso_code").replace_strict(CONTINENT_OF, default=None, return_dtype=pl.String),
            "Continent of the address: AF AN AS EU NA OC SA.",
            values=CONTINENTS,
        ),
        _plain("region", "geo_region_iso_code", "Region of the address, where the geo database says it (--geo-db).", told_by=_BY_CITIES),
        _plain("city", "geo_city_name", "City of the address, where the geo database says it (--geo-db).", told_by=_BY_CITIES),
        _first("org", "Network owner: your own name for the range, else the AS that announces the address.", "organization_name", "as_organization"),
        _plain("asn", "as_number", "Number of that AS.", "number"),
        _plain("network-type", "network_type", "Kind of network."),
        _plain("cloud", "cloud_provider", "Cloud provider."),
        _plain(
            "cloud-region",
            "cloud_region",
            "Region of the cloud, where --cloud-ranges say it.",
            told_by="the ranges that clouds publish tell it, named with ingest --cloud-ranges",
        ),
        _plain("domain", "url_domain", "Host the client asked for."),
        _plain("path", "url_path", "Path of the request."),
        _plain("referrer", "http_request_referrer", "Referrer of the request."),
        _plain("source", "source_id", "Log the event came from, by its name."),
        _plain("format", "log_format", "Format of that log."),
        _plain("backend", "backend", "Upstream or service that answered."),
        _plain("cache", "cache_status", "What a cache answered, as logged: HIT, MISS, ….", told_by=_BY_LOG),
        _plain("auth-scheme", "auth_scheme", "How the client authenticated, where a log says it: basic, bearer.", told_by=_BY_LOG),
        _plain("request-id", "http_request_id", "Request id, as logged; a client may forge it.", told_by=_BY_LOG),
        _id("user", "user_id", "Authenticated user, hashed.", "user names"),
        _id("origin", "origin_id", "Origin: endpoint, client, OS, architecture and user, hashed.", "origins"),
        _id("endpoint", "endpoint_id", "Client address, hashed.", "addresses"),
        Dimension(
            "hour",
            lambda zone: _local(zone).dt.hour().cast(pl.Int64),
            "Hour of the day in --tz, 0–23, in that order.",
            "number",
            is_ordered=True,
        ),
        Dimension(
            "weekday",
            lambda zone: _local(zone).dt.weekday().replace_strict(dict(enumerate(WEEKDAYS, 1)), return_dtype=pl.String),
            "Day of the week in --tz, mon–sun, in that order (--week-start sunday: from sun on).",
            values=WEEKDAYS,
            aliases={spelling: day[:3] for day in LONG_DAYS for spelling in (day, f"{day}s")},
            is_ordered=True,
        ),
    )
}


def find_dimension(name: str) -> Dimension:
    """Look a dimension up by its name.

    `label.NAME` is what a route of one's own reads as `{NAME}`.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    if name.startswith(LABEL):
        return _label(name.removeprefix(LABEL))
    known = spell(name) if spell(name) in DIMENSIONS else name_dimension(name)
    if known in DIMENSIONS:
        return DIMENSIONS[known]
    if message := tell_elsewhere(name):
        raise UsageError(message)
    if name_metric(name) in METRICS:
        name = _name_both(name, name_metric(name))
        raise UsageError(f"{name} is a metric, no dimension: it is counted (--metric), and cannot be broken down by or compared")
    noun = "dimension"
    raise unknown_name(noun, name, DIMENSIONS)


def _name_both(called: str, name: str) -> str:
    """Name something as it was called, and by our name where that is another."""
    return f"'{called}'" if called == name else f"'{called}', here '{name}',"


def _label(name: str) -> Dimension:
    if not name.isidentifier():
        raise UsageError(f"'{LABEL}{name}' names no part of a route; write {LABEL} and a name of letters, digits and _")
    # A column of the answer has one meaning: a label named like one of ours keeps its prefix.
    taken = {one.key for one in DIMENSIONS.values()} | {one.key for one in METRICS.values()} | _RESERVED
    own = f"{LABEL}{name}" if name in taken else name
    return Dimension(own, lambda _: pl.col("labels").str.json_path_match(f"$.{name}"), f"What a route reads as {name}.")
