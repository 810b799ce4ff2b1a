r"""Answers of services that hold records in a list under a key which an event may have as well: they are answers only where these records are requests.

    {"items":[{…},…],"total":2}        also "data", "result", "results", "logs", "value"
    {"took":5,"_shards":{…},"hits":{"total":{…},"hits":[{"_index":…,"_source":{…}},…]}}

Several answers may follow each other (pages); each begins with the key with which the first does, in no other object.
What lies around records is written over by blanks, so that the rest is read as `json_documents.py` reads objects. In the
strings of valid JSON no answer can begin: their quotes are escaped.

Sources: elastic.co/guide/en/elasticsearch/reference/current/search-search.html (response body);
developers.cloudflare.com/fundamentals/api (result); docs.datadoghq.com/api/latest/logs (data, meta).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pullstats.sources.documents_framing import DocumentsFraming, cut_odd, end_of_whole, skip_between
from pullstats.sources.json_documents import DocumentsUnwrapper
from pullstats.sources.json_structure import BETWEEN, count_unmatched, last_start
from pullstats.sources.messages import Unwrapper, Wrapper
from pullstats.sources.record_envelopes import write_over

_STRING: Final = rb'"(?:[^"\\]|\\.)*+"'
_PLAIN: Final = rb"(?:" + _STRING + rb"|[-+.0-9eE]++|true|false|null|\[(?:[^\]\[{}\"]|" + _STRING + rb")*+\])"
"""A value in which no object lies."""


def _nest(value: bytes) -> bytes:
    """Give the pattern of a value, or of an object of such values."""
    pair = _STRING + rb"\s*+:\s*+" + value + rb"\s*+"
    return rb"(?:" + value + rb"|\{\s*+(?:" + pair + rb"(?:,\s*+|(?=\})))*+\})"


_VALUE: Final = _nest(_nest(_PLAIN))
_PAIR: Final = _STRING + rb"\s*+:\s*+" + _VALUE + rb"\s*+"
_OTHERS: Final = rb"(?:" + _PAIR + rb",\s*+){0,30}+"
_LISTS: Final = ((b"items",), (b"data",), (b"result",), (b"results",), (b"logs",), (b"value",), (b"hits", b"hits"))
"""Keys under which records lie, from the outermost on."""
_FIRST_KEY: Final = re.compile(rb"\{\s*+(" + _STRING + rb")")
_APART: Final = re.compile(rb"\}[\s\x00\x1e]*+(?=\{)")
_BEHIND: Final = re.compile(rb"(?:\A|\})\s*+(?=\])")
_LONGEST_END: Final = 4096


def _opening(keys: tuple[bytes, ...], first: bytes) -> re.Pattern[bytes]:
    path = (rb"\{\s*+" + _OTHERS).join(rb'"' + key + rb'"\s*+:\s*+' for key in keys)
    return re.compile(rb"\{\s*+(?=" + re.escape(first) + rb"\s*+:)" + _OTHERS + path + rb"\[(?=\s*+(?:\{|\Z))", re.DOTALL)


class AnswerFraming(DocumentsFraming):
    """Cuts between the records of answers."""

    def __init__(self, opening: re.Pattern[bytes], depth: int) -> None:
        """Know how answers begin, and how many objects the list lies in."""
        super().__init__(has_envelopes=True)
        self._opening = opening
        self._depth = depth
        self._ending = re.compile(rb"\]" + depth * (rb"\s*+(?:,\s*+" + _PAIR + rb"){0,30}+\}") + rb"[\s\x00\x1e]*+", re.DOTALL)

    def bare(self, data: bytes) -> bytes:
        """Write blanks over what lies around records; places stay what they are."""
        bare = write_over(data, sorted(self._edges(data)))
        closing = self._closing(bare, len(bare))
        return write_over(bare, [closing]) if closing and count_unmatched(bare) >= self._depth else bare

    def last_cut(self, data: bytes) -> int:
        """Find where the last record begins: before it stand blanks, or another."""
        bare = self.bare(data)
        cut = last_start(bare)
        before = bare[max(cut - _LONGEST_END, 0) : cut].rstrip(BETWEEN)
        return cut if cut and (not before or before.endswith(b"}")) else cut_odd(bare)

    def _edges(self, data: bytes) -> Iterator[tuple[int, int]]:
        for place in (skip_between(data), *(found.end() for found in _APART.finditer(data))):
            opening = self._opening.match(data, place)
            if opening is None:
                continue
            yield opening.span()
            closing = self._closing(data, place)
            if closing:
                yield closing

    def _closing(self, data: bytes, end: int) -> tuple[int, int] | None:
        """Find the end of an answer that ends at a place."""
        for found in _BEHIND.finditer(data, max(end - _LONGEST_END, 0), end):
            closing = self._ending.fullmatch(data, found.end(), end)
            if closing:
                return closing.span()
        return None

    def final_cut(self, data: bytes) -> int:
        """Find where the last whole record ends, or the answer that it is the last of."""
        bare = self.bare(data)
        end = end_of_whole(bare, of_objects=True)
        return len(data) if end and not bare[end:].strip(BETWEEN) else end


def _open(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    start = skip_between(head)
    first = _FIRST_KEY.match(head, start)
    if first is None or b"[" in head[:start]:
        return None
    for keys in (keys for keys in _LISTS if b'"' + keys[0] + b'"' in head):  # most heads hold none of them
        opening = _opening(keys, first[1])
        if opening.match(head, start):
            return DocumentsUnwrapper(head, AnswerFraming(opening, len(keys)))
    return None


ANSWER: Final = Wrapper(
    "json-answer",
    "answers of services: requests in a list under items, data, result, results, logs, value, or Elasticsearch's hits",
    "https://www.elastic.co/guide/en/elasticsearch/reference/current/search-search.html",
    '{"took":5,"timed_out":false,"hits":{"total":{"value":1},"hits":[{"_index":"access","_source":{"@timestamp":"2024-01-02T03:04:05Z",…}},…]}}',
    _open,
)
