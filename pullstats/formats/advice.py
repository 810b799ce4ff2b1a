"""What to do about a log that no format reads: it depends on what the log looks like.

    JSON               --map, with the keys that it has
    columns            --map, by their names, or --log-format, drafted from their cells; for W3C, which line is missing
    a request in text  --log-format, drafted from its lines and tried on them
    anything else      that it is hardly an access log, and why

A suggestion is tried on the lines before it is made: none is given that would read nothing.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import polars as pl

from pullstats.clients import ADDRESS
from pullstats.errors import InputError, UserError
from pullstats.formats.column_advice import ALIKE, READ_SHARE, SHOWN_KEYS, advise_on_columns, advise_on_labels, advise_on_names
from pullstats.formats.drafts import draft_log_format
from pullstats.formats.field_map import mapped_formats, parse_map
from pullstats.formats.json_dialects import FORMATS as JSON_FORMATS
from pullstats.formats.json_keys import KEYS
from pullstats.formats.lines import split_text
from pullstats.formats.log_format import LogFormat
from pullstats.formats.map_suggestions import suggest_map
from pullstats.formats.notices import IGNORED, METHODS, kind_of, parse_object, tell_object, walk
from pullstats.formats.parsed import REASONS
from pullstats.formats.sense import CLIENT, METHOD, STATUS

_LOOKED_AT: Final = 50
_KEYS_OF: Final = {CLIENT: "remote_addr", STATUS: "status", METHOD: "request_method"}
"""Reasons for which a value is refused, and the variable that it stands for."""
_NEEDED: Final = ("time", "status")
_TWO_ADDRESSES: Final = re.compile(rf"^({ADDRESS}) ({ADDRESS} )")
_REQUEST: Final = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(sorted(METHODS))}) +\"?(?:/|https?://)\S*")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]|\\x[89a-f][0-9a-f]")
_MARKED: Final = "utf-16"
"""Text of which a byte order mark tells the order."""
_WIDE_HEAD: Final = 4096
_WIDE: Final = 0.6
"""Share of NULs up to which bytes may be text in two bytes a character: more are a hole."""
_MUCH: Final = 0.05
"""Share of characters that no text has from which on a file is none."""


def advise(data: bytes, raw: bytes, *, is_table: bool = False) -> str:
    """Say what to do about a log that cannot be read.

    Args:
        data: lines of it, out of what they are wrapped in.
        raw: the lines as they are.
        is_table: its objects are the rows of a table, their keys its columns.
    """
    if encoding := _wide_encoding(raw):
        other = "" if encoding == _MARKED else ", or the same with utf-16be,"
        return f"it is in UTF-16, and a log is read as UTF-8; 'iconv -f {encoding} -t utf-8 FILE | pullstats ingest -'{other} reads it"
    lines, _ = split_text(data)
    shown = [line for line in lines.head(_LOOKED_AT).to_list() if line.strip()]
    if not shown:
        return "it holds no lines"
    if _is_no_text(shown):
        return "it is no text; a log is read as text, plain or compressed (gz, bz2, xz, zst), or as Parquet"
    bare = split_text(raw)[0].head(_LOOKED_AT).to_list()
    looks = (
        _advise_on_strangers(shown, bare),
        _advise_on_objects(shown, is_table=is_table),
        advise_on_labels(shown),
        advise_on_names(shown),
        _advise_on_addresses(shown),
        _advise_on_text(bare),
        advise_on_columns(shown),
        _advise_on_requests(shown),
    )
    return next((advice for advice in looks if advice is not None), _NO_REQUEST)


_NO_REQUEST: Final = (
    "its lines hold no request that could be told (a method and a path, or a status); is it an access log? --log-format takes the server's own"
)


def _wide_encoding(raw: bytes) -> str | None:
    """Tell text in two bytes a character by its byte order mark, or by the NULs of which one stands beside every letter."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _MARKED
    head = raw[:_WIDE_HEAD]  # of which a NUL in front may have been taken off, so that the order cannot be told without a mark
    is_wide = any(half.count(0) > ALIKE * len(half) for half in (head[1::2], head[::2])) and head.count(0) < _WIDE * len(head)
    return "utf-16le" if is_wide else None


def _is_no_text(lines: Sequence[str]) -> bool:
    r"""Tell whether lines hold too much that no text holds; bytes that were no UTF-8 stand as `\xhh`."""
    return sum(len(_NO_TEXT.findall(line)) for line in lines) > _MUCH * sum(map(len, lines))


@cache
def _strangers() -> list[tuple[str, re.Pattern[str], str]]:
    """Give what is no access log: what it is called, what its lines look like, and where the requests are."""
    rules = tomllib.loads(files("pullstats.formats.rules").joinpath("strangers.toml").read_text(encoding="utf-8"))
    return [(rule["name"], re.compile(rule["pattern"]), rule["instead"]) for rule in rules["strangers"]]


def _advise_on_strangers(lines: Sequence[str], bare: Sequence[str]) -> str | None:
    """Name what is often given for an access log and is none."""
    for name, pattern, instead in _strangers():
        if any(sum(pattern.search(line) is not None for line in some) * 2 > len(some) for some in (lines, bare)):
            return f"it looks like {name}; {instead}"
    return None


def _advise_on_requests(lines: Sequence[str]) -> str | None:
    """Say what lines with requests lack, as they are not read."""
    if sum(_REQUEST.search(line) is not None for line in lines) * 2 < len(lines):
        return None
    return (
        "its lines hold requests, but no time that is known; give the server's own format with --log-format, a time of another form as "
        "${time:%d/%b/%Y %H:%M:%S}; lines without a time can be read where a wrapper has it, as 'docker logs -t' does"
    )


def advise_on_keys(line: str) -> str:
    """Say what to do about a JSON object, given as text, that was not understood."""
    return _advise_on_objects([line]) or "give --map with the keys that hold time, client, path and status"


def _advise_on_objects(lines: Sequence[str], *, is_table: bool = False) -> str | None:
    items = [item for line in lines if line.lstrip().startswith("{") and (item := parse_object(line)) is not None]
    if len(items) * 2 < len(lines):
        return None
    keys = list(dict.fromkeys(key for item in items for key, _ in walk(item)))
    shown = ", ".join(keys[:SHOWN_KEYS]) + (", …" if len(keys) > SHOWN_KEYS else "")
    what = "its columns are" if is_table else "its JSON objects have the keys"
    if all(tell_object(item) == IGNORED for item in items):
        return f"its JSON objects are messages of a program, with the keys {shown}; none of them holds a request"
    if not is_table and (odd := _advise_on_values(lines, items)) is not None:
        return odd
    found = suggest_map(items)
    missing = [name for name in _NEEDED if name not in found]
    if missing or not {"path", "request"} & found.keys():
        lacks = " and ".join(missing or ["path"])
        return f"{what} {shown}; none of them is known or looks like the {lacks} of a request; if one is, say so with --map {lacks.split()[0]}=KEY"
    text = ",".join(f"{name}={key}" for name, key in found.items())
    if not _reads(text, items):
        return f"{what} {shown}; say with --map which of them hold the time, client, path and status of a request"
    return f"{what} {shown}; if these mean what they look like, read it with --map {shlex.quote(text)}"


def _advise_on_values(lines: Sequence[str], items: Sequence[Mapping[str, Any]]) -> str | None:
    """Say which value keeps objects in known keys from being read; None if it is the keys."""
    reasons = JSON_FORMATS[0].judge(pl.Series(lines, dtype=pl.String))
    odd = [reason for reason in reasons.drop_nulls() if reason in _KEYS_OF]
    lacks_status = [item for item in items if isinstance(item.get("status"), str) and not kind_of(item["status"])]
    reason = max(odd, key=odd.count) if len(odd) * 2 >= len(lines) else STATUS if len(lacks_status) * 2 > len(lines) else None
    if reason is None or (reason not in odd and any("level" in item or "msg" in item for item in items)):
        return None
    keys = dict.fromkeys(key for item in items for key, _ in walk(item))
    key = next((key for key in KEYS[_KEYS_OF[reason]] if key.replace("\\.", ".") in keys), _KEYS_OF[reason])
    return f"its JSON objects have keys that are known, but {REASONS[reason]} (its key is {key})"


def _reads(field_map: str, items: Sequence[Mapping[str, Any]]) -> bool:
    """Try a map on the objects that it was made from."""
    try:
        mapped = mapped_formats(parse_map(field_map), ())[0]
    except UserError:
        return False
    return mapped.judge(pl.Series([json.dumps(item) for item in items])).null_count() >= READ_SHARE * len(items)


def _advise_on_addresses(lines: Sequence[str]) -> str | None:
    if sum(_TWO_ADDRESSES.match(line) is not None for line in lines) * 2 < len(lines):
        return None
    draft = draft_log_format(pl.Series([_TWO_ADDRESSES.sub(r"\2", line) for line in lines]))
    if draft is None:
        return None
    return (
        "two addresses stand in front of each line; where the first is X-Forwarded-For and the second the balancer, read it with "
        f"--log-format {shlex.quote('$http_x_forwarded_for ' + draft)}, where the first is the host that was asked, with "
        f"--log-format {shlex.quote('$host ' + draft)}"
    )


def _advise_on_text(lines: Sequence[str]) -> str | None:
    draft = draft_log_format(pl.Series(lines))
    if draft is None:
        return None
    return (
        "paste the server's own format (nginx log_format, Apache LogFormat) with --log-format; judged by its lines it could be "
        f"--log-format {shlex.quote(draft)}"
    )


def say_refusal(
    name: str, data: bytes, raw: bytes, candidates: Sequence[LogFormat], *, is_chosen: bool = False, is_table: bool = False
) -> InputError:
    """Build the error for a log that is refused; see `advise`."""
    if is_chosen:
        caution = f"; {candidates[0].caution}" if candidates[0].caution else ""
        return InputError(f"no line of '{name}' fits the log format {candidates[0].name}; check it against the server's configuration{caution}")
    return InputError(f"no known log format fits '{name}': {advise(data, raw, is_table=is_table)}")
