"""The event: one row per request, declared once.

`EVENT_FIELDS` gives every stored column its dtype, unit, meaning and the OpenTelemetry or ECS
name it maps to. The polars schema, the Parquet field metadata, `schemas/event.json` and the
table in `docs/columns.md` all come from it.

To add one: append a `Field`, run `make docs`.

Sources: OpenTelemetry semantic conventions 1.30 (http, url, user_agent, network, client),
Elastic Common Schema 8.17 (geo, as, user_agent), package-url types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pullstats.ids import ID_DIGITS, ID_TYPE

SCHEMA_VERSION: Final = 2
"""Raised when a column changes its meaning; a new column leaves it as it is."""

TIMESTAMP: Final = pl.Datetime("us", "UTC")
ID_UNIT: Final = "id"


@dataclass(frozen=True, slots=True)
class Field:
    """One stored column.

    Attributes:
        name: column name in the store and in exports.
        dtype: polars dtype; only types that Delta Lake has (no unsigned integers).
        group: heading under which the docs list it.
        help: what the value means, in one sentence.
        unit: unit of numbers (`bytes`, `us`; `id` of an id, see `ids`), else None.
        origin: OpenTelemetry or ECS attribute name, or `pullstats.*` where neither has one.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    group: str
    help: str
    origin: str
    unit: str | None = None


EVENT_FIELDS: Final[tuple[Field, ...]] = (
    Field("timestamp", TIMESTAMP, "time", "When the server logged the request.", "@timestamp", "us"),
    Field("timestamp_source", pl.String, "time", "Where the time comes from: `log` or `envelope`.", "pullstats.timestamp.source"),
    Field("endpoint_id", ID_TYPE, "who", "Keyed hash of the client address, IPv6 cut to /64.", "pullstats.endpoint.id", ID_UNIT),
    Field("network_id", ID_TYPE, "who", "Keyed hash of the client's /24 or /48.", "pullstats.network.id", ID_UNIT),
    Field("origin_id", ID_TYPE, "who", "Keyed hash of endpoint, client name, OS, architecture and user.", "pullstats.origin.id", ID_UNIT),
    Field("user_id", ID_TYPE, "who", "Keyed hash of the user whom the server, or else the Authorization header, names.", "user.hash", ID_UNIT),
    Field(
        "auth_scheme", pl.String, "who", "How the client authenticated, where a log says it: `basic`, `bearer`.", "http.request.header.authorization"
    ),
    Field("key_epoch", pl.Int32, "who", "Number of the key the hashes were made with.", "pullstats.key.epoch"),
    Field("client_address", pl.String, "who", "The address itself, only with `--keep-addresses`.", "client.address"),
    Field("geo_country_iso_code", pl.String, "where", "Country of the address, ISO 3166-1 alpha-2.", "geo.country_iso_code"),
    Field("geo_region_iso_code", pl.String, "where", "Region of the address, ISO 3166-2, where the database says it.", "geo.region_iso_code"),
    Field("geo_city_name", pl.String, "where", "City of the address, where the geo database says it.", "geo.city_name"),
    Field("as_number", pl.Int64, "where", "Autonomous system that announces the address.", "as.number"),
    Field("as_organization", pl.String, "where", "Name of that autonomous system's owner.", "as.organization.name"),
    Field(
        "network_type",
        pl.String,
        "where",
        "Kind of network: isp, hosting, cloud, business, education, government, private.",
        "pullstats.network.type",
    ),
    Field("cloud_provider", pl.String, "where", "Cloud the address belongs to.", "cloud.provider"),
    Field("cloud_region", pl.String, "where", "Region of that cloud, where `--cloud-ranges` say it.", "cloud.region"),
    Field("organization_name", pl.String, "where", "The user's own name for the range, from `--orgs`; `@ours` for their own.", "organization.name"),
    Field(
        "http_request_method", pl.String, "request", "Method as logged; null where a log names none, which counts as a GET.", "http.request.method"
    ),
    Field("url_scheme", pl.String, "request", "`http` or `https`, where logged.", "url.scheme"),
    Field("url_domain", pl.String, "request", "Host the client asked for, without port.", "url.domain"),
    Field("url_path", pl.String, "request", "Path of the request target, as sent, without the query.", "url.path"),
    Field("url_query", pl.String, "request", "Query string, secrets replaced by `REDACTED`.", "url.query"),
    Field("network_protocol_version", pl.String, "request", "HTTP version: `1.1`, `2`.", "network.protocol.version"),
    Field("http_response_status_code", pl.Int16, "request", "Status 100–599; null when the log has none.", "http.response.status_code"),
    Field("http_response_body_size", pl.Int64, "request", "Bytes of the response body sent.", "http.response.body.size", "bytes"),
    Field("http_request_duration_us", pl.Int64, "request", "Time the server took.", "http.server.request.duration", "us"),
    Field("http_request_id", pl.String, "request", "Request id as logged; a client may forge it.", "http.request.id"),
    Field("http_request_referrer", pl.String, "request", "Referer header, secrets replaced.", "http.request.referrer"),
    Field("http_request_range", pl.String, "request", "Range header.", "http.request.header.range"),
    Field("cache_status", pl.String, "request", "What a cache answered: `HIT`, `MISS`, ….", "pullstats.cache.status"),
    Field("backend", pl.String, "request", "Upstream or service that answered.", "pullstats.backend"),
    Field("user_agent_original", pl.String, "agent", "User-Agent header, unescaped.", "user_agent.original"),
    Field("user_agent_name", pl.String, "agent", "Client program, e.g. `docker`, `pip`; `unknown` if not recognised.", "user_agent.name"),
    Field("user_agent_version", pl.String, "agent", "Client version, without a leading v.", "user_agent.version"),
    Field("user_agent_kind", pl.String, "agent", "Kind of client: package-manager, container-runtime, …, unknown.", "pullstats.user_agent.kind"),
    Field("os_name", pl.String, "agent", "Operating system the agent states, GOOS-like.", "user_agent.os.name"),
    Field("host_arch", pl.String, "agent", "Architecture the agent states, GOARCH-like.", "host.arch"),
    Field("runtime_name", pl.String, "agent", "Language runtime the agent states: python, go, node, ….", "process.runtime.name"),
    Field("runtime_version", pl.String, "agent", "Version of that runtime.", "process.runtime.version"),
    Field("is_ci", pl.Boolean, "agent", "True in CI, false only if the client says so, else null.", "pullstats.ci"),
    Field("ci_source", pl.String, "agent", "What says that it is CI or not: `agent` or `network`.", "pullstats.ci.source"),
    Field("environment", pl.String, "agent", "Hint: cluster, workstation, cloud-vm, or null.", "deployment.environment.name"),
    Field("os_distro", pl.String, "agent", "Distribution the agent states: Ubuntu, Debian GNU/Linux, macOS, ….", "pullstats.os.distro"),
    Field("libc_name", pl.String, "agent", "C library the agent states: glibc, musl.", "pullstats.libc.name"),
    Field(
        "host_os_name",
        pl.String,
        "agent",
        "Operating system of the machine that asks, where the agent tells that its own is a virtual one upon it (Docker Desktop, WSL).",
        "host.os.name",
    ),
    Field("package_type", pl.String, "package", "Ecosystem as a purl type.", "package.type"),
    Field("package_name", pl.String, "package", "Package in the ecosystem's canonical form.", "package.name"),
    Field("package_version", pl.String, "package", "Tag, digest or version asked for.", "package.version"),
    Field(
        "package_version_normalized",
        pl.String,
        "package",
        "The version as its ecosystem spells it, where that differs: PEP 440, NuGet, without a leading v.",
        "pullstats.package.version.normalized",
    ),
    Field("package_os", pl.String, "package", "Operating system the file name states.", "pullstats.package.os"),
    Field("package_arch", pl.String, "package", "Architecture the file name states.", "package.architecture"),
    Field("reference_kind", pl.String, "package", "`tag`, `digest` or `version`.", "pullstats.reference.kind"),
    Field("action", pl.String, "package", "What the path asks for: index, metadata, manifest, blob, download, ….", "event.action"),
    Field(
        "is_downloadable",
        pl.Boolean,
        "package",
        "True where taking this path takes the artifact itself (no checksum, source jar, cosign tag).",
        "pullstats.package.downloadable",
    ),
    Field("labels", pl.String, "package", "What one's own routes read besides, as JSON.", "labels"),
    Field("source_id", pl.String, "provenance", "Keyed fingerprint of the log the line came from (hex).", "log.file.fingerprint"),
    Field(
        "source_line",
        pl.Int64,
        "provenance",
        "1-based number of the line in the decompressed log, or of the message in its wrapper.",
        "log.origin.file.line",
    ),
    Field(
        "source_offset",
        pl.Int64,
        "provenance",
        "Byte offset of the line in the decompressed log; a wrapped message counts on from its envelope's.",
        "log.offset",
        "bytes",
    ),
    Field("log_format", pl.String, "provenance", "Name of the log format that read the line.", "pullstats.log.format"),
    Field("parse_status", pl.String, "provenance", "`ok`, or `partial` where the request line could not be split.", "pullstats.parse.status"),
    Field("cloudwatch_log_group", pl.String, "provenance", "CloudWatch log group.", "aws.log.group.names"),
    Field("cloudwatch_log_stream", pl.String, "provenance", "CloudWatch log stream.", "aws.log.stream.names"),
    Field("cloudwatch_timestamp", TIMESTAMP, "provenance", "When CloudWatch's agent stamped the line.", "pullstats.cloudwatch.timestamp", "us"),
    Field("event_id", pl.String, "provenance", "Id the log service gave the event.", "event.id"),
    Field(
        "attributes",
        pl.String,
        "rest",
        "What a JSON log carried under keys that are not known, redacted, as JSON; only with `--keep-attributes`.",
        "pullstats.attributes",
    ),
)

EVENT_SCHEMA: Final[pl.Schema] = pl.Schema({field.name: field.dtype for field in EVENT_FIELDS})
"""The polars schema of the `events` table, without the partition column `date`."""

FIELD_BY_NAME: Final[dict[str, Field]] = {field.name: field for field in EVENT_FIELDS}

ID_COLUMNS: Final = tuple(field.name for field in EVENT_FIELDS if field.unit == ID_UNIT)
"""Columns whose numbers are ids: written as hexadecimal digits wherever somebody reads them."""


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a frame exactly the event columns, in order, nulls where it lacks one.

    Args:
        frame: any subset of the event columns, each of its declared dtype.

    Returns:
        The same rows with all columns of `EVENT_SCHEMA` in declared order.
    """
    missing = [pl.lit(None, field.dtype).alias(field.name) for field in EVENT_FIELDS if field.name not in frame.columns]
    return frame.with_columns(missing).select(EVENT_SCHEMA.names())


def json_schema() -> dict[str, Any]:
    """Describe an event as JSON Schema 2020-12, as `export --set events --format ndjson` prints it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pullstats event",
        "version": SCHEMA_VERSION,
        "type": "object",
        "properties": {field.name: _json_property(field) for field in EVENT_FIELDS},
        "required": ["timestamp"],
        "additionalProperties": False,
    }


def _json_property(field: Field) -> dict[str, Any]:
    kinds: dict[Any, dict[str, Any]] = {
        pl.String: {"type": ["string", "null"]},
        pl.Boolean: {"type": ["boolean", "null"]},
        pl.Int16: {"type": ["integer", "null"]},
        pl.Int32: {"type": ["integer", "null"]},
        pl.Int64: {"type": ["integer", "null"]},
        TIMESTAMP: {"type": "string", "format": "date-time"},
    }
    kind = {"type": ["string", "null"], "pattern": f"^[0-9a-f]{{{ID_DIGITS}}}$"} if field.unit == ID_UNIT else kinds[field.dtype]
    described = {**kind, "description": field.help, "x-origin": field.origin}
    return described | ({"x-unit": field.unit} if field.unit else {})
