"""The counting rules: ours, and those of others, so that one log gives every answer side by side.

To add one: see `rule`. A rule that changes an answer is a new version under the same name; the old one stays.

Sources: DEFINITIONS "When is it a download?", and beside each rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.errors import unknown_name
from pullstats.metrics.counting.files import FOLD_FILES, FOLD_MODELS, IS_FILE, IS_HUB, IS_MODEL, IS_QUERY_FILE, fold_datasets
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST, fold_images, name_images
from pullstats.metrics.counting.rule import COUNTED, RULE_COLUMNS, RUN_END, RUN_GAP, RUN_START, Count, CountingRule, Terms
from pullstats.metrics.counting.sessions import count_readings, count_unchanged
from pullstats.metrics.runs import ROW, Fold, Runs, fold_requests, starts_run
from pullstats.metrics.statuses import IS_ANSWERED, IS_GET, IS_HEAD, IS_TAKEN, IS_WHOLE

_DVP_GAP: Final = timedelta(seconds=5)
_ONE: Final = pl.lit(1, pl.Int64)
_IS_OCI: Final = pl.col("package_type").eq_missing("oci")
_DOWNLOADS: Final = ("downloads",)
_DOWNLOADS_AND_PULLS: Final = ("downloads", "pulls")


def _count_pullstats(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    wanted = {*terms.wanted}
    parts = []
    if {"downloads", "pulls", "attempts"} & wanted:
        artifacts = events.filter("is_downloadable")
        has_files = bool({"downloads", "attempts"} & wanted)
        folds = [fold_images(terms), *([FOLD_FILES] if has_files else [])]
        parts.append(name_images(fold_requests(artifacts, folds, terms.kept), terms))
        if has_files:
            parts.append(fold_requests(artifacts.filter(IS_HUB), [FOLD_MODELS, fold_datasets()], terms.kept))
    if "checks" in wanted:
        parts += [count_unchanged(events, terms), count_readings(events, terms)]
    return pl.concat(parts, how="diagonal")


def _each(requests: pl.Expr) -> Count:
    """Make a rule that counts every request of a kind by itself."""

    def count(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
        return events.filter(requests).select(*terms.kept, downloads=_ONE, pulls=_IS_OCI.cast(pl.Int64))

    return count


def _count_dvp(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Every request by tag begins an action; requests by digest belong to the one before within 5 s, else begin one."""
    is_asked = IS_IMAGE_MANIFEST & (IS_GET | IS_HEAD) & IS_ANSWERED
    facts = {"is_get": IS_GET, "is_tag": pl.col("reference_kind").eq_missing("tag")}
    return fold_requests(events, [Fold(is_asked, "endpoint_id", ("package_name",), facts, _fold_actions)], terms.kept)


def _fold_actions(rows: pl.LazyFrame) -> pl.LazyFrame:
    action = Runs(pl.col("is_action"))
    found = rows.with_columns(is_action=starts_run(_DVP_GAP) | pl.col("is_tag")).select(
        pl.col(ROW).gather(action.first),
        pl.col("timestamp").gather(action.first).alias(RUN_START),
        pl.col("timestamp").gather(action.last).alias(RUN_END),
        is_pull=action.any(pl.col("is_get")) | ~pl.col("is_tag").gather(action.first),
    )
    return found.select(ROW, RUN_START, RUN_END, downloads=pl.col("is_pull").cast(pl.Int64), checks=(~pl.col("is_pull")).cast(pl.Int64), pulls=_ONE)


def _count_traces(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Runs of one origin on one repository that hold a manifest and a blob."""
    is_asked = _IS_OCI & pl.col("action").is_in(["manifest", "blob"]) & (IS_GET | IS_HEAD) & IS_ANSWERED
    facts = {"is_manifest": pl.col("action") == "manifest"}
    return fold_requests(events, [Fold(is_asked, "origin_id", ("package_name",), facts, _fold_traces)], terms.kept)


def _fold_traces(rows: pl.LazyFrame) -> pl.LazyFrame:
    trace = Runs(pl.col("is_trace"))
    chosen = trace.first_where(pl.col("is_manifest"))
    found = rows.with_columns(is_trace=starts_run(RUN_GAP)).select(
        pl.col(ROW).gather(chosen),
        pl.col("timestamp").gather(trace.first).alias(RUN_START),
        pl.col("timestamp").gather(trace.last).alias(RUN_END),
        is_pull=chosen.is_not_null() & trace.any(~pl.col("is_manifest")),
    )
    return found.filter("is_pull").select(ROW, RUN_START, RUN_END, downloads=_ONE, pulls=_ONE)


def _count_datasets(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    return fold_requests(events, [fold_datasets(IS_GET | IS_HEAD)], terms.kept).filter(pl.col("downloads") == 1).drop("attempts")


_IS_CARGO: Final = pl.col("user_agent_original").str.contains("^cargo[/ ]").fill_null(value=False)
_IS_IGNORED_AGENT: Final = pl.col("user_agent_original").is_null() | pl.col("user_agent_kind").is_in(["bot", "probe", "scanner"]).fill_null(
    value=False
)


def _is_file_of(package_type: str) -> pl.Expr:
    """Requests for a file of an ecosystem, source archives too."""
    return pl.col("package_type").eq_missing(package_type) & pl.col("action").eq_missing("download")


_DOCKER: Final = "https://docs.docker.com/docker-hub"
_RULES: Final = (
    CountingRule(
        "pullstats",
        1,
        "A file counts when its GET is answered 200 or redirected; 206 once in 10 minutes per origin and path; a redirect followed within 5 s by the "
        "same origin and path is one. An image counts once per pull group: manifest requests of one origin and repository without a pause over 5 s "
        "(--pull-window) and without another tag, if one GET among them was answered 2xx or redirected. Of a model its query file counts (config.json, "
        "a .gguf, …); the files of a data set that one endpoint takes without a pause over 5 minutes are one. A 304 is a check each; a session "
        "(--session-gap) without one is a check at most once: for a pull group that took nothing and was not refused, or for an index or metadata read "
        "where nothing of the package was downloaded. An attempt is a download asked for, folded alike, whatever was answered. Blobs, checksums, "
        "signatures and source archives never count.",
        "pullstats, docs/metrics.md",
        COUNTED,
        _count_pullstats,
        (*RULE_COLUMNS, "endpoint_id"),
    ),
    CountingRule(
        "docker-ratelimit",
        1,
        "Every GET of a manifest that is answered 200 is a pull; a HEAD never is. An image for several platforms counts twice: its index and the "
        "manifest of the platform.",
        f"{_DOCKER}/usage/pulls/",
        _DOWNLOADS_AND_PULLS,
        _each(IS_IMAGE_MANIFEST & IS_GET & IS_WHOLE),
    ),
    CountingRule(
        "docker-dvp",
        1,
        "Manifest requests of one address and repository: a request by tag begins an action, and what follows by digest within 5 s belongs to it; a "
        "request by digest that follows nothing begins one, too. HEAD by tag alone is a version check; with a GET after it, or beginning with a GET, a "
        "pull by tag; beginning by digest, HEAD or GET, a pull by digest. Downloads are the pulls, checks the version checks, and pulls both together, "
        "as the vendor's column PULLS. What was refused (4xx, 5xx) is no action.",
        f"{_DOCKER}/publish/insights-analytics/",
        ("downloads", "pulls", "checks"),
        _count_dvp,
        (*RULE_COLUMNS, "endpoint_id"),
    ),
    CountingRule(
        "scarf",
        1,
        "Every GET of a manifest that is answered 2xx or redirected is a download; a HEAD never is, nor a blob.",
        "https://docs.scarf.sh/gateway/",
        _DOWNLOADS_AND_PULLS,
        _each(IS_IMAGE_MANIFEST & IS_GET & IS_TAKEN),
    ),
    CountingRule(
        "registry-k8s",
        1,
        "A trace (manifest and blob requests of one origin and repository without a pause over 5 minutes) is one download if it holds at least one "
        "manifest and at least one blob. An image whose layers are all there is none.",
        "https://github.com/kubernetes/registry.k8s.io, public traffic reports",
        _DOWNLOADS_AND_PULLS,
        _count_traces,
    ),
    CountingRule(
        "cratesio",
        1,
        "A GET of a crate file, answered exactly 200, by an agent that begins with cargo, in lower case, and then a slash or a blank.",
        "https://github.com/rust-lang/crates.io, crates_io_cdn_logs",
        _DOWNLOADS,
        _each(_is_file_of("cargo") & IS_GET & IS_WHOLE & _IS_CARGO),
        (*RULE_COLUMNS, "user_agent_original"),
    ),
    CountingRule(
        "npm",
        1,
        "Every GET of a tarball that is answered 200, by whatever client: builds, mirrors and robots count like people.",
        "https://blog.npmjs.org/post/92574016600/numeric-precision-matters-how-npm-download-counts-work",
        _DOWNLOADS,
        _each(_is_file_of("npm") & IS_GET & IS_WHOLE),
    ),
    CountingRule(
        "pypi-bigquery",
        1,
        "A row for every file that is downloaded (GET, answered 200), wheels and source archives alike; rows without an agent, and those "
        "of robots, probes and scanners, are dropped. Mirrors and browsers stay.",
        "https://github.com/pypi/linehaul-cloud-function",
        _DOWNLOADS,
        _each(_is_file_of("pypi") & IS_GET & IS_WHOLE & ~_IS_IGNORED_AGENT),
        (*RULE_COLUMNS, "user_agent_original", "user_agent_kind"),
    ),
    CountingRule(
        "hf-model",
        1,
        "Every request, GET or HEAD, for a model's query file that is answered 2xx or redirected: config.json, config.yaml, hyperparams.yaml or meta.yaml "
        "at its root, or any .gguf.",
        "https://huggingface.co/docs/hub/models-download-stats",
        _DOWNLOADS,
        _each(IS_FILE & IS_MODEL & IS_QUERY_FILE & (IS_GET | IS_HEAD) & IS_TAKEN),
    ),
    CountingRule(
        "hf-dataset",
        1,
        "All files of a data set that one endpoint asks for without a pause over 5 minutes, GET or HEAD, are one, if one was answered 2xx or redirected.",
        "https://huggingface.co/docs/hub/datasets-download-stats",
        _DOWNLOADS,
        _count_datasets,
        (*RULE_COLUMNS, "endpoint_id"),
    ),
    CountingRule(
        "raw",
        1,
        "Every request that names a package, whatever its method and answer: what a counter of lines would say.",
        "pullstats, docs/metrics.md",
        _DOWNLOADS_AND_PULLS,
        _each(pl.col("package_name").is_not_null()),
    ),
)

COUNTING_RULES: Final[dict[str, CountingRule]] = {rule.label: rule for rule in _RULES}
"""Every version of every rule, by its label."""

PULLSTATS: Final = COUNTING_RULES["pullstats@1"]


def find_rule(name: str) -> CountingRule:
    """Look a rule up by its label, or its newest version by its name alone.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    if name in COUNTING_RULES:
        return COUNTING_RULES[name]
    versions = [rule for rule in _RULES if rule.name == name]
    if not versions:
        noun = "counting rule"
        raise unknown_name(noun, name, [*COUNTING_RULES, *(rule.name for rule in _RULES)])
    return max(versions, key=lambda rule: rule.version)
