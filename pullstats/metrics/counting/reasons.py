"""Why a request is not what our rules count: what `explain` tells, kept beside what it explains.

To add one: an entry in the table of what is counted, in the order in which reasons are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pullstats.metrics.counting.files import IS_DATASET, IS_MODEL, IS_QUERY_FILE
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST, IS_LISTING, IS_MANIFEST
from pullstats.metrics.counting.rule import INVOCATIONS, Reason, Reasons
from pullstats.metrics.statuses import IS_FAILED, IS_GET, IS_HEAD, IS_REDIRECT, IS_TAKEN, IS_UNCHANGED, STATUS

_ACTION: Final = pl.col("action")
_IS_OCI: Final = pl.col("package_type").eq_missing("oci")
_IS_FILE_PATH: Final = ~IS_IMAGE_MANIFEST.fill_null(value=False)
_UNNAMED: Final = ("names no package", pl.col("package_name").is_null())
_SENT: Final = ("is neither GET nor HEAD: uploads and the like", ~(IS_GET | IS_HEAD))
_ASKING: Final[tuple[Reason, ...]] = (
    _UNNAMED,
    _SENT,
    ("reads an index or metadata, or asks the registry for something else", ~_ACTION.is_in(["manifest", "blob", "download"])),
    ("takes a blob: the manifest stands for the image", _ACTION == "blob"),
    ("takes a checksum, a signature or a source archive, not the artifact", ~pl.col("is_downloadable").fill_null(value=False)),
    ("is a HEAD for a file", _IS_FILE_PATH & IS_HEAD),
    ("was answered 304: a check", _IS_FILE_PATH & IS_UNCHANGED),
    ("takes a file of a model that is not its query file", IS_MODEL & ~IS_QUERY_FILE),
)
_REFUSED: Final = (
    "was refused (4xx, 5xx) or answered without the file",
    _IS_FILE_PATH & ~IS_DATASET & ~STATUS.is_in([200, 206, 301, 302, 303, 307, 308]).fill_null(value=False),
)
_BESIDE: Final = "out: belongs to what another request counts for, or to a group that took nothing"
_TAKEN: Final = Reasons((*_ASKING, _REFUSED), _BESIDE)
_PULLED: Final = Reasons((*_ASKING, _REFUSED, ("takes a file, not an image", _IS_FILE_PATH)), _BESIDE)
_ATTEMPTED: Final = Reasons(_ASKING, "out: belongs to what another request counts for, or to a group that asked by HEAD alone")
_NO_VISIT: Final = (
    "asks a registry for something that is neither manifest nor list of tags: the pull group stands for the visit",
    _IS_OCI & ~IS_MANIFEST.fill_null(value=False) & ~IS_LISTING.fill_null(value=False),
)

OF_SESSIONS: Final = Reasons(rest="out: belongs to a session that began before it")
"""Why a request is no session."""

REASONS_1: Final[Mapping[str, Reasons]] = {
    "downloads": _TAKEN,
    "pulls": _PULLED,
    "attempts": _ATTEMPTED,
    "checks": Reasons(
        (_UNNAMED, _SENT, ("takes a blob", _ACTION == "blob")), "out: something was taken in its session, or another request tells its check"
    ),
    INVOCATIONS: Reasons((_UNNAMED,), "out: belongs to a session that began before it"),
}
"""Those of `pullstats@1`."""

REASONS_2: Final[Mapping[str, Reasons]] = {
    "downloads": _TAKEN,
    "pulls": _PULLED,
    "attempts": _ATTEMPTED,
    "checks": Reasons(
        (
            _UNNAMED,
            _SENT,
            _NO_VISIT,
            ("takes the file: a download, no check", ~_IS_OCI & (_ACTION == "download") & IS_GET & IS_TAKEN),
            ("takes the manifest: a pull, no check", _IS_OCI & IS_GET & IS_TAKEN & (_ACTION == "manifest")),
            ("was refused (4xx, 5xx): nobody learnt whether something is new", IS_FAILED),
            (
                "reads an index or metadata and was sent elsewhere: what it led to, these logs do not see",
                ~_IS_OCI & (_ACTION != "download") & IS_REDIRECT,
            ),
        ),
        "out: something was taken in its visit, or another request tells its check",
    ),
    INVOCATIONS: Reasons(
        (_UNNAMED, _NO_VISIT),
        "out: belongs to a visit that began before it, or to one that was only ever answered 401",
    ),
}
"""Those of `pullstats@2`."""
