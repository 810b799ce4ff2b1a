r"""Unwrap the JSON that CloudWatch Logs hands its events out in.

    {"events": [{"logStreamName", "timestamp", "message", "eventId"}, …], "nextToken"}   API pages
    {"timestamp", "message", …}                                                         bare events
    {"messageType", "logGroup", "logStream", "logEvents": [{"id", "timestamp", "message"}, …]}
                                              subscriptions, with or without anything between them
    {"awslogs": {"data": …}}, {"Records": [{"kinesis": {"data": …}}]}     the same, gzip in base64
    {"results": [[{"field", "value"}, …], …], "status"}, [{"@timestamp", "@message"}, …]   Insights

Documents may be of any size and stand on one line or on many. Blocks are cut between documents,
or between the elements of one too large to be held. The fast ways hand whole blocks to a SIMD
tokeniser (`cloudwatch_tokens`); where a block is not as they expect, a scan in Python, value by
value, is the judge (`cloudwatch_values`).

Inside a JSON string no bare quote can stand, so `{"` followed by a letter always opens an object.

Sources: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference (FilterLogEvents,
GetLogEvents, GetQueryResults), …/logs/SubscriptionFilters.html, aws.amazon.com/lambda event shapes.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pullstats.sources.blocks import Block
from pullstats.sources.cloudwatch_tokens import EVENT_KEYS, MAX_DOCUMENT, WINDOW, find_labels, unwrap_events, unwrap_subscriptions
from pullstats.sources.cloudwatch_values import ValueReader
from pullstats.sources.framing import Context, LineFraming, find_last
from pullstats.sources.messages import Unwrapped, Wrapper

SPLIT_FROM: Final = 8 << 20
"""A document is only cut between its elements where it is larger than this."""
PAGE_ROWS: Final = 10_000
"""Rows that Insights gives at most in one answer."""

_DOCUMENT: Final = re.compile(rb'\}\s*(?=\{\s*"[A-Za-z@])')
"""Behind it a document begins: objects without a comma between them are never inside another."""
_ELEMENT: Final = re.compile(rb'\}\s*,(?=\s*\{\s*"(?:' + EVENT_KEYS.encode() + rb'|kinesis|@[A-Za-z]+)"\s*:)|\]\s*,(?=\s*\[\s*\{\s*"field")')


class DocumentFraming(LineFraming):
    """Cuts between documents; inside one only where it is too large to be held."""

    limit = MAX_DOCUMENT
    may_grow = False
    is_by_line = False

    def last_cut(self, data: bytes) -> int:
        """Find where the last document, or element of a large one, begins."""
        cut = find_last(_DOCUMENT, data)
        return cut or (find_last(_ELEMENT, data) if len(data) >= SPLIT_FROM else 0)

    def next_cut(self, data: bytes) -> int:
        """Find where the first whole document or element begins."""
        found = _DOCUMENT.search(data) or _ELEMENT.search(data)
        return found.end() if found else 0

    def context(self, data: bytes, known: Context) -> Context:
        """Tell group and stream of the last envelope in some bytes."""
        start = data.rfind(b'"logEvents"')
        if start < 0:
            return known
        begin = max((found.end() for found in _DOCUMENT.finditer(data, max(start - WINDOW, 0), start)), default=max(start - WINDOW, 0))
        return find_labels(data[begin:start])


def remark_on_pages(rows: int) -> str | None:
    """Tell an answer of Insights that was probably cut off."""
    if not rows or rows % PAGE_ROWS:
        return None
    return f"it holds {rows:,} rows, a full page of Insights: it was probably cut off; ask for a shorter time or export to S3"


class DocumentUnwrapper:
    """Unwraps JSON of any of the shapes above."""

    framing = DocumentFraming()

    def __init__(self, head: bytes, *, has_rows: bool) -> None:
        """Note what tells the log from others.

        Args:
            head: its first bytes.
            has_rows: it holds the rows of an Insights query.
        """
        found = _DOCUMENT.search(head, 0, 4096)
        self.telling = head[: found.end() if found else 4096]
        self._has_rows = has_rows

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block."""
        group, stream = block.context or (None, None)
        fast = unwrap_subscriptions(block.data, block.offset) if b'"messageType"' in block.data else None
        fast = fast or unwrap_events(block.data, block.offset, group, stream)
        return fast or ValueReader(group, stream).unwrap(block.data, block.offset)

    def remark(self, messages: int) -> str | None:
        """Tell a query's answer that was probably cut off."""
        return remark_on_pages(messages) if self._has_rows else None


def _opener(pattern: str, *, has_rows: bool = False) -> Any:
    marker = re.compile(pattern.encode())

    def open_document(head: bytes, name: str) -> DocumentUnwrapper | None:  # noqa: ARG001 - the same for every wrapper
        start = head.lstrip(b" \t\r\n\xef\xbb\xbf")
        is_json = start[:1] in (b"{", b"[")
        return DocumentUnwrapper(start, has_rows=has_rows) if is_json and marker.search(head) else None

    return open_document


_API: Final = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_"
_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"

WRAPPERS: Final = (
    Wrapper(
        "cloudwatch-subscription",
        "subscription filter: Firehose, Lambda, Kinesis",
        _GUIDE + "SubscriptionFilters.html",
        '{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/ecs/registry-gateway","logStream":"gateway/nginx/de3a",'
        '"subscriptionFilters":["all"],"logEvents":[{"id":"3312893931","timestamp":1548116776816,"message":"31.56.96.51 - - […"}]}',
        _opener(r'"logEvents"\s*:\s*\[|"awslogs"\s*:\s*\{|"kinesis"\s*:\s*\{'),
    ),
    Wrapper(
        "cloudwatch-insights",
        "Logs Insights: query results as JSON",
        _API + "GetQueryResults.html",
        '{"results":[[{"field":"@timestamp","value":"2019-01-22 00:29:11.981"},{"field":"@message","value":"89.47.79.75 - - […"}]],"status":"Complete"}',
        _opener(r'"@message"|"results"\s*:\s*\[\s*\[\s*\{\s*"field"', has_rows=True),
    ),
    Wrapper(
        "cloudwatch-api",
        "filter-log-events and get-log-events: pages, documents, bare events",
        _API + "FilterLogEvents.html",
        '{"events":[{"logStreamName":"gateway/nginx/f18d","timestamp":1548116776017,"message":"31.56.96.51 - - […","eventId":"3134"}]}',
        _opener(r'"events"\s*:\s*\[\s*(?:\{\s*"(?:' + EVENT_KEYS + r')"|\])|"(?:logStreamName|ingestionTime|eventId)"\s*:'),
    ),
)
