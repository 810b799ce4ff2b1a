"""The counting rules: ours, and those of others, so that one log gives every answer side by side.

To add one: see `rule`. A rule that changes an answer is a new version under the same name; the old one stays.

Sources: DEFINITIONS "When is it a download?", and beside each rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pullstats.errors import unknown_name
from pullstats.metrics.counting.files import FOLD_FILES, FOLD_MODELS, IS_FILE, IS_HUB, IS_MODEL, IS_QUERY_FILE, fold_datasets
from pullstats.metrics.counting.others import count_crates, count_datasets, count_dvp, count_traces, each, is_file_of
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST, fold_images, name_images
from pullstats.metrics.counting.reasons import OF_SESSIONS, REASONS_1, REASONS_2
from pullstats.metrics.counting.rule import COUNTED, IMAGE_COLUMNS, INVOCATIONS, RULE_COLUMNS, SESSIONS, CountingRule, Terms
from pullstats.metrics.counting.sessions import SESSION_COLUMNS, count_invocations, count_readings, count_sessions, count_unchanged
from pullstats.metrics.counting.transfers import fold_models, fold_transfers
from pullstats.metrics.counting.visits import count_visits
from pullstats.metrics.request_folds import Fold, fold_requests
from pullstats.metrics.statuses import IS_GET, IS_HEAD, IS_TAKEN, IS_WHOLE

_DOWNLOADS: Final = ("downloads",)
_DOWNLOADS_AND_PULLS: Final = ("downloads", "pulls")
_TAKING: Final = frozenset({"downloads", "pulls", "attempts"})


def _count_pullstats_1(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    wanted = {*terms.wanted}
    hub = [FOLD_MODELS, fold_datasets()]
    parts = _count_taken(events, terms, fold_images(terms, is_capped=False), FOLD_FILES, hub) if _TAKING & wanted else []
    if "checks" in wanted:
        parts += [count_unchanged(events, terms), count_readings(events, terms)]
    if INVOCATIONS in wanted:
        parts.append(count_invocations(events, terms))
    return pl.concat(parts, how="diagonal")


def _count_pullstats_2(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    wanted = {*terms.wanted}
    hub = [fold_models(terms), fold_datasets(is_alone=True)]
    parts = _count_taken(events, terms, fold_images(terms, is_capped=True), fold_transfers(terms), hub) if _TAKING & wanted else []
    if {"checks", INVOCATIONS} & wanted:
        parts.append(count_visits(events, terms))
    return pl.concat(parts, how="diagonal")


def _count_taken(events: pl.LazyFrame, terms: Terms, images: Fold, files: Fold, hub: Sequence[Fold]) -> list[pl.LazyFrame]:
    """Count images, and where files are wanted, these and what a hub of models serves."""
    artifacts = events.filter("is_downloadable")
    has_files = bool({"downloads", "attempts"} & {*terms.wanted})
    counted = [name_images(fold_requests(artifacts, [images, *([files] if has_files else [])], terms.kept), terms)]
    return [*counted, fold_requests(artifacts.filter(IS_HUB), hub, terms.kept)] if has_files else counted


_IS_IGNORED_AGENT: Final = pl.col("user_agent_original").is_null() | pl.col("user_agent_kind").is_in(["bot", "probe", "scanner"]).fill_null(
    value=False
)
_DOCKER: Final = "https://docs.docker.com/docker-hub"
_RULES: Final = (
    CountingRule(
        "pullstats",
        1,
        "A file counts when its GET is answered 200 or redirected; 206 once in 10 minutes per origin and path; a redirect followed within 5 s by the "
        "same origin and path is one. An image counts once per pull group: manifest requests of one origin and repository without a pause over 5 s "
        "(--pull-window) and without another tag, if one GET among them was answered 2xx or redirected. Of a model its query file counts (config.json, "
        "a .gguf, …); the files of a data set that one endpoint takes without a pause over 5 minutes are one. A 304 is a check each; a session (requests "
        "of one origin for one package without a pause over 5 minutes) without one is a check at most once: for a pull group that took nothing and was "
        "not refused, or for an index or metadata read where nothing of the package was downloaded. An invocation is a session. An attempt is a download "
        "asked for, folded alike, whatever was answered. Blobs, checksums, signatures and source archives never count.",
        "pullstats, docs/metrics.md",
        COUNTED,
        _count_pullstats_1,
        (*RULE_COLUMNS, "endpoint_id"),
        REASONS_1,
        fewer_columns={"pulls": IMAGE_COLUMNS},
        unnamed=(INVOCATIONS,),
    ),
    CountingRule(
        "pullstats",
        2,
        "A file counts when its GET is answered 200 or redirected, each 200 once. 200 and 206 of one origin and path without a pause over 10 minutes form "
        "a transfer that counts its 200s, or one if it has only 206s: resumed or parallel, in either order. A redirect followed within 5 s by the same "
        "origin and path is one with it. An image counts once per pull group: manifest requests of one origin and repository without a pause over 5 s "
        "(--pull-window), without another tag, and begun within 60 s, if one GET among them was answered 2xx or redirected. Of a model its query file "
        "counts (config.json, a .gguf, …); the files of a data set that one endpoint takes without a pause over 5 minutes are one. An invocation is a "
        "visit: requests of one origin for one package without a pause over 30 s (--visit-gap), begun within 5 minutes; for an image a pull group, or a "
        "list of tags with none within 30 s; one of 401s alone is none. A check is a visit that asked and took nothing: a pull group that was not refused "
        "(its GETs, without any its HEADs, all answered 4xx or 5xx), a list of tags by itself, metadata read, or an artifact asked for by HEAD; outside of "
        "images every GET answered 304 is one, and its visit is not counted again. Pauses run from the end of a request to the start of the next where "
        "the log says how long it took; where it does not, a visit that only read joins a download that follows within 5 minutes. Whoever cannot be told "
        "is alone: nothing folds with it. An attempt is a download asked for, folded alike, whatever was answered. Blobs, checksums, signatures and source "
        "archives never count.",
        "pullstats, docs/metrics.md",
        COUNTED,
        _count_pullstats_2,
        (*RULE_COLUMNS, "endpoint_id"),
        REASONS_2,
        "Version 1 folds checks and invocations by sessions, which end after a pause over 5 minutes: what asks at least every 300 s is one check, however "
        "many months it asks. Version 2 counts every time that somebody's client ran. In version 1 a 206 counts with the 200 before it, but not with one "
        "after it; a group whose GETs were refused after an answered HEAD is a check; groups have no longest time; and all whose origin is not known fold "
        "as if they were one.",
        is_timed=True,
        fewer_columns={"pulls": IMAGE_COLUMNS},
    ),
    CountingRule(
        "docker-ratelimit",
        1,
        "Every GET of a manifest that is answered 200 is a pull; a HEAD never is. An image for several platforms counts twice: its index and the "
        "manifest of the platform.",
        f"{_DOCKER}/usage/pulls/",
        _DOWNLOADS_AND_PULLS,
        each(IS_IMAGE_MANIFEST & IS_GET & IS_WHOLE),
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
        count_dvp,
        (*RULE_COLUMNS, "endpoint_id"),
    ),
    CountingRule(
        "scarf",
        1,
        "Every GET of a manifest that is answered 2xx or redirected is a download; a HEAD never is, nor a blob.",
        "https://docs.scarf.sh/gateway/",
        _DOWNLOADS_AND_PULLS,
        each(IS_IMAGE_MANIFEST & IS_GET & IS_TAKEN),
    ),
    CountingRule(
        "registry-k8s",
        1,
        "A trace (manifest and blob requests of one origin and repository without a pause over 5 minutes) is one download if it holds at least one "
        "manifest and at least one blob. An image whose layers are all there is none.",
        "https://github.com/kubernetes/registry.k8s.io, public traffic reports",
        _DOWNLOADS_AND_PULLS,
        count_traces,
    ),
    CountingRule(
        "cratesio",
        1,
        "A GET of a crate file, answered exactly 200, by an agent that begins with cargo, in lower case, and then a slash or a blank; of a log that tells "
        "no agent at all, by whomever.",
        "https://github.com/rust-lang/crates.io, crates_io_cdn_logs",
        _DOWNLOADS,
        count_crates,
        (*RULE_COLUMNS, "user_agent_original"),
        asks_agents=True,
    ),
    CountingRule(
        "npm",
        1,
        "Every GET of a tarball that is answered 200, by whatever client: builds, mirrors and robots count like people.",
        "https://blog.npmjs.org/post/92574016600/numeric-precision-matters-how-npm-download-counts-work",
        _DOWNLOADS,
        each(is_file_of("npm") & IS_GET & IS_WHOLE),
    ),
    CountingRule(
        "pypi-bigquery",
        1,
        "A row for every file that is downloaded (GET, answered 200), wheels and source archives alike; rows without an agent, and those "
        "of robots, probes and scanners, are dropped. Mirrors and browsers stay.",
        "https://github.com/pypi/linehaul-cloud-function",
        _DOWNLOADS,
        each(is_file_of("pypi") & IS_GET & IS_WHOLE & ~_IS_IGNORED_AGENT),
        (*RULE_COLUMNS, "user_agent_original", "user_agent_kind"),
    ),
    CountingRule(
        "hf-model",
        1,
        "Every request, GET or HEAD, for a model's query file that is answered 2xx or redirected: config.json, config.yaml, hyperparams.yaml or meta.yaml "
        "at its root, or any .gguf.",
        "https://huggingface.co/docs/hub/models-download-stats",
        _DOWNLOADS,
        each(IS_FILE & IS_MODEL & IS_QUERY_FILE & (IS_GET | IS_HEAD) & IS_TAKEN),
    ),
    CountingRule(
        "hf-dataset",
        1,
        "All files of a data set that one endpoint asks for without a pause over 5 minutes, GET or HEAD, are one, if one was answered 2xx or redirected.",
        "https://huggingface.co/docs/hub/datasets-download-stats",
        _DOWNLOADS,
        count_datasets,
        (*RULE_COLUMNS, "endpoint_id"),
    ),
    CountingRule(
        "raw",
        1,
        "Every request that names a package, whatever its method and answer: what a counter of lines would say.",
        "pullstats, docs/metrics.md",
        _DOWNLOADS_AND_PULLS,
        each(pl.col("package_name").is_not_null()),
    ),
)
COUNTING_RULES: Final[dict[str, CountingRule]] = {rule.label: rule for rule in _RULES}
"""Every version of every rule, by its label."""
PULLSTATS: Final = COUNTING_RULES["pullstats@2"]
"""What counts where nobody says otherwise."""
_OF_SESSIONS: Final = CountingRule(
    SESSIONS,
    1,
    "Requests of one origin, whatever for, without a pause over 30 minutes (--session-gap) are one.",
    "pullstats, docs/metrics.md",
    (SESSIONS,),
    count_sessions,
    SESSION_COLUMNS,
    {SESSIONS: OF_SESSIONS},
    is_timed=True,
    unnamed=(SESSIONS,),
)
"""What no other rule says anything of."""


def rule_of(label: str) -> CountingRule:
    """Give the rule of a resolved metric, by its label or `SESSIONS`."""
    return _OF_SESSIONS if label == SESSIONS else COUNTING_RULES[label]


def find_rule(name: str) -> CountingRule:
    """Look a rule up by its label, or its newest version by its name alone.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    if name in COUNTING_RULES:
        return COUNTING_RULES[name]
    versions = [rule for rule in COUNTING_RULES.values() if rule.name == name]
    if not versions:
        noun = "counting rule"
        raise unknown_name(noun, name, [*COUNTING_RULES, *(rule.name for rule in COUNTING_RULES.values())])
    return max(versions, key=lambda rule: rule.version)
