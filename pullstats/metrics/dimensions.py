"""The dimensions: what `--by` breaks down by and `--where` compares.

To add one: append a `Dimension`; the command line, its help and the docs follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pullstats.errors import unknown_name
from pullstats.metrics.continents import CONTINENT_OF

ValueType = Literal["text", "number", "boolean"]

LABEL: Final = "label."
"""What stands before the name of a column that a route of one's own adds."""
_WEEKDAYS: Final = {1: "mon", 2: "tue", 3: "wed", 4: "thu", 5: "fri", 6: "sat", 7: "sun"}
_CLASS_OF_KIND: Final = {
    "ci": "ci",
    "mirror": "mirror",
    "update-poller": "updater",
    "scanner": "scanner",
    "probe": "probe",
    "bot": "bot",
    "browser": "browser",
}


CLASSES: Final = ("production", "ci", "development", "mirror", "updater", "scanner", "probe", "bot", "browser", "unknown")
"""Why an origin comes. For now agent kind and CI flag alone say it, so production and development hold nobody."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group events.

    Attributes:
        name: as `--by` takes it.
        expr: from a time zone to the value of each event.
        columns: event columns that it reads.
        help: what its values are.
        type: how `--where` reads a value.
    """

    name: str
    expr: Callable[[str], pl.Expr]
    columns: tuple[str, ...]
    help: str
    type: ValueType = "text"

    @property
    def key(self) -> str:
        """Name in JSON and CSV."""
        return self.name.replace("-", "_")


def _plain(name: str, column: str, text: str, kind: ValueType = "text") -> Dimension:
    return Dimension(name, lambda _: pl.col(column), (column,), text, kind)


def _id(name: str, column: str, text: str) -> Dimension:
    return Dimension(name, lambda _: pl.col(column).bin.encode("hex"), (column,), text)


def _first(name: str, text: str, *columns: str) -> Dimension:
    return Dimension(name, lambda _: pl.coalesce(columns), columns, text)


def _class() -> pl.Expr:
    by_kind = pl.col("user_agent_kind").replace_strict(_CLASS_OF_KIND, default="unknown", return_dtype=pl.String)
    return pl.when(pl.col("is_ci").fill_null(value=False)).then(pl.lit("ci")).otherwise(by_kind)


def _platform() -> pl.Expr:
    return pl.concat_str(pl.coalesce("os_name", "package_os"), pl.coalesce("host_arch", "package_arch"), separator="/")


def _local(zone: str) -> pl.Expr:
    return pl.col("timestamp").dt.convert_time_zone(zone)


DIMENSIONS: Final[dict[str, Dimension]] = {
    dimension.name: dimension
    for dimension in (
        _plain("status", "http_response_status_code", "Status of the answer.", "number"),
        Dimension(
            "status-class",
            lambda _: pl.concat_str((pl.col("http_response_status_code") // 100).cast(pl.String), pl.lit("xx")),
            ("http_response_status_code",),
            "2xx, 3xx, 4xx, 5xx.",
        ),
        _plain("method", "http_request_method", "Request method."),
        _plain("package", "package_name", "Package, in its ecosystem's own form."),
        _plain("ecosystem", "package_type", "Ecosystem, as a purl type: oci, pypi, npm, …."),
        _first(
            "version", "Version, tag or digest asked for; spellings of one version count together.", "package_version_normalized", "package_version"
        ),
        Dimension(
            "tag",
            lambda _: pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version")),
            ("reference_kind", "package_version"),
            "Tag asked for, of container images.",
        ),
        _plain("action", "action", "What the path asks for: index, metadata, manifest, blob, download, …."),
        _plain("client", "user_agent_name", "Client program."),
        _plain("client-version", "user_agent_version", "Version of the client program."),
        _plain("kind", "user_agent_kind", "Kind of client: package-manager, container-runtime, …."),
        _first("os", "Operating system: the agent's, else the file name's.", "os_name", "package_os"),
        _first("arch", "Architecture: the agent's, else the file name's.", "host_arch", "package_arch"),
        Dimension(
            "platform",
            lambda _: _platform(),
            ("os_name", "package_os", "host_arch", "package_arch"),
            "Operating system and architecture, linux/amd64.",
        ),
        _plain("runtime", "runtime_name", "Language runtime the agent states."),
        _plain("ci", "is_ci", "Whether the client runs in CI; unknown is not false.", "boolean"),
        Dimension("class", lambda _: _class(), ("user_agent_kind", "is_ci"), "Why the origin comes, by agent kind and CI flag alone."),
        _plain("environment", "environment", "Hint: cluster, workstation, cloud-vm."),
        _plain("country", "geo_country_iso_code", "Country of the address, ISO 3166-1."),
        Dimension(
            "continent",
            lambda _: pl.col("geo_country_iso_code").replace_strict(CONTINENT_OF, default=None, return_dtype=pl.String),
            ("geo_country_iso_code",),
            "Continent of the address: AF AN AS EU NA OC SA.",
        ),
        _plain("region", "geo_region_iso_code", "Region of the address, where the geo database says it."),
        _first("org", "Network owner: your own name for the range, else the AS that announces the address.", "organization_name", "as_organization"),
        _plain("asn", "as_number", "Number of that AS.", "number"),
        _plain("network-type", "network_type", "Kind of network."),
        _plain("cloud", "cloud_provider", "Cloud provider."),
        _plain("cloud-region", "cloud_region", "Region of the cloud, where --cloud-ranges say it."),
        _plain("domain", "url_domain", "Host the client asked for."),
        _plain("path", "url_path", "Path of the request."),
        _plain("referrer", "http_request_referrer", "Referrer of the request."),
        _plain("source", "source_id", "Log the event came from."),
        _plain("format", "log_format", "Format of that log."),
        _plain("backend", "backend", "Upstream or service that answered."),
        _id("user", "user_id", "Authenticated user, hashed."),
        _id("origin", "origin_id", "Origin: endpoint, client, OS, architecture and user, hashed."),
        _id("endpoint", "endpoint_id", "Client address, hashed."),
        Dimension("hour", lambda zone: _local(zone).dt.hour().cast(pl.Int64), ("timestamp",), "Hour of the day in --tz, 0–23.", "number"),
        Dimension(
            "weekday",
            lambda zone: _local(zone).dt.weekday().replace_strict(_WEEKDAYS, return_dtype=pl.String),
            ("timestamp",),
            "Day of the week in --tz, mon–sun.",
        ),
    )
}


def find_dimension(name: str) -> Dimension:
    """Look a dimension up by its name.

    `label.NAME` is what a route of one's own reads as `{NAME}`.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    if name.startswith(LABEL) and name.removeprefix(LABEL).isidentifier():
        label = name.removeprefix(LABEL)
        return Dimension(label, lambda _: pl.col("labels").str.json_path_match(f"$.{label}"), ("labels",), f"What a route reads as {label}.")
    if name not in DIMENSIONS:
        noun = "dimension"
        raise unknown_name(noun, name, DIMENSIONS)
    return DIMENSIONS[name]
