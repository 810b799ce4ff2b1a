"""What is fuzzed: one function per reader of bytes that a stranger can write.

Each takes any bytes. It must not raise, must not lose a line, and must not take long; `fuzz.py`
feeds them with what covers new code, `tests/whole/test_fuzz.py` with what was kept of earlier runs.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pullstats.clean_lines import split_lines
from pullstats.clock import Clock
from pullstats.enrich.addresses import normalise_addresses
from pullstats.enrich.escapes import unescape_values
from pullstats.enrich.proxies import HEADERS, TrustedProxies
from pullstats.enrich.redact import redact_reject, redact_text
from pullstats.enrich.request import split_request
from pullstats.errors import UserError
from pullstats.formats import FORMATS, Detection, FormatChoice, choose_formats, custom_format, detect_format, parse_lines
from pullstats.formats.nginx_conf import parse_conf
from pullstats.formats.w3c_directives import split_sections
from pullstats.pipeline.decoder import LogDecoder
from pullstats.render.sanitise import HIDDEN, for_csv, for_html, for_markdown, for_terminal
from pullstats.sources import Block, LinesUnwrapper, SourceFile, find_answer, find_wrapper, open_source, read_blocks
from pullstats.sources.documents_framing import DocumentsFraming
from pullstats.sources.expansion import parse_expansion
from pullstats.sources.json_documents import DocumentsUnwrapper, is_documents
from pullstats.sources.line_wrappers import WRAPPERS
from pullstats.sources.parquet import MAGIC
from pullstats.sources.sampling import take_sample
from pullstats.timestamps import parse_times
from pullstats.tokenisers import read_columns, read_objects

_FORMATS = tuple(FORMATS.values())
_CLOCK = Clock("Europe/Berlin", datetime(2026, 11, 24, tzinfo=UTC))
_PROXIES = TrustedProxies(["private"])


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def lines(data: bytes) -> None:
    """Read lines in a format that the first byte chooses; then in the one they are taken for."""
    if not data:
        return
    chosen, rest = _FORMATS[data[0] % len(_FORMATS)], data[1:]
    for formats in ((chosen,), detect_format(rest, _FORMATS).formats or (chosen,)):
        parsed = parse_lines(rest, 0, 1, formats)
        assert parsed.lines == _count(rest)
        for rejects in parsed.rejects:
            redact_reject(rejects, "text")


def wrapped(data: bytes) -> None:
    """Take line wrappers off that the first byte chooses."""
    if not data:
        return
    chain = (WRAPPERS[data[0] % len(WRAPPERS)], WRAPPERS[data[0] // len(WRAPPERS) % len(WRAPPERS)])
    unwrapper = LinesUnwrapper(chain, _CLOCK)
    unwrapped = unwrapper.unwrap(Block(data[1:], 0))
    assert unwrapped.messages["source_line"].n_unique() + unwrapped.ignored == _count(data[1:])
    unwrapper.framing.last_cut(data)


def documents(data: bytes) -> None:
    """Unwrap what looks like a log service's documents, in small blocks."""
    found = find_answer(data, "fuzz") or find_wrapper(data, "fuzz")
    if found is None:
        return
    _, unwrapper = found
    with _as_file(data) as path, open_source(SourceFile(path, is_named=True)) as source:
        for block in read_blocks(source, block_size=512, framing=unwrapper.framing):
            unwrapper.unwrap(block)


def streams(data: bytes) -> None:
    """Open a file of any bytes, decompress it, cut it into blocks: none lost, none twice."""
    with _as_file(data) as path, open_source(SourceFile(path, is_named=True), parse_expansion("4MB")) as source:
        take_sample(source)
        end = 0
        for block in read_blocks(source, block_size=256):
            assert block.offset == end
            end = block.end


def parquet(data: bytes) -> None:
    """Read any bytes as a Parquet file: lines of JSON come out, or it is damaged."""
    with _as_file(MAGIC + data) as path, open_source(SourceFile(path, is_named=True), parse_expansion("4MB")) as source:
        found = b""
        while part := source.read(1 << 16):
            found += part
    for line in found.splitlines() if source.damage is None else ():
        json.loads(line)


def _parquet_seeds() -> list[bytes]:
    tables = (
        pa.table({"time": ["2024-03-12T15:22:28Z"], "client_ip": ["198.51.100.1"], "path": ["/a"], "status": [200]}),
        pa.table({"a": pa.array([{"b": [1, None]}, None]), "m": pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string()))}),
    )
    seeds = []
    for table in tables:
        target = io.BytesIO()
        pq.write_table(table, target, compression="none")
        seeds.append(target.getvalue().removeprefix(MAGIC))
    return seeds


def tokens(data: bytes) -> None:
    """Hand any bytes to the tokenisers, as blocks begin and as they go on: they cut, or refuse, and never guess."""
    for piece in (data, b"1.2.3.4 " + data, b'{"a":1}\n' + data):
        for separator, quote in ((" ", '"'), ("\t", None), ("\x01", None)):
            read_columns(piece, pl.Schema(dict.fromkeys("abc", pl.String())), separator, quote=quote)
        read_objects(piece, pl.Schema({"a": pl.String(), "b": pl.Struct({"c": pl.Int64()})}))
    lines, lengths = split_lines(data)
    assert lines.len() == lengths.len() == _count(data)
    assert (lengths.sum() or 0) == len(data)


def sections(data: bytes) -> None:
    """Cut a log at its directives."""
    end = 0
    for section in split_sections(data, None):
        assert section.start == end
        end = section.end
    assert end == len(data)


def log_formats(data: bytes) -> None:
    """Compile any text as a `log_format`, and read its own text with it; find directives in any configuration."""
    text = data.decode("utf-8", "replace")
    parse_conf(text)
    if text.startswith("@"):
        return
    try:
        log_format = custom_format(text)
    except UserError:
        return
    assert parse_lines(data + b"\n", 0, 1, (log_format,)).lines == _count(data + b"\n")


def field_maps(data: bytes) -> None:
    """Read any text as a `--map`, and what is behind its first line by every format it makes, as it is and bound to those lines."""
    text, _, rest = data.partition(b"\n")
    try:
        formats = choose_formats(FormatChoice(field_map=text.decode("utf-8", "replace")))
    except UserError:
        return
    mapped = [item for item in formats if item.check is not None]
    for item in mapped:
        assert parse_lines(rest, 0, 1, (item,)).lines == _count(rest)
        if item.check is not None:
            item.check(item, rest)
        if item.bind is not None:
            bound = item.bind(rest)
            log = LogDecoder(Detection((bound,), 1.0, {}), clock=_CLOCK)
            cut = log.framing.last_cut(rest)
            parsed = [
                log.read(Block(part, 0, context=context)) for part, context in ((rest[:cut], ()), (rest[cut:], log.framing.context(rest[:cut], ())))
            ]
            assert sum(part.lines for part in parsed) == _count(rest[:cut]) + _count(rest[cut:])


def json_documents(data: bytes) -> None:
    """Take any bytes as JSON documents, cut anywhere."""
    is_documents(data)
    framing = DocumentsFraming()
    cut = framing.last_cut(data)
    framing.final_cut(data)
    framing.next_cut(data)
    for part, offset in ((data[:cut], 0), (data[cut:], cut)):
        DocumentsUnwrapper(part).unwrap(Block(part, offset))


def texts(data: bytes) -> None:
    """Look at values as they are looked at one by one."""
    values = pl.Series("text", data.decode("utf-8", "backslashreplace").split("\n"))
    parse_times(values, _CLOCK)
    _CLOCK.add_year(values)
    normalise_addresses(values)
    split_request(values)
    for escaping in ("backslash", "percent", "plus"):
        unescape_values(values, escaping)
    values.to_frame().select(redact_text(pl.col("text")))
    for value in values:
        _PROXIES.find_client(value, [value] * len(HEADERS))


def output(data: bytes) -> None:
    """Make any text harmless for every place it is printed."""
    text = data.decode("utf-8", "backslashreplace")
    for escape in (for_terminal, for_csv, for_markdown, for_html):
        shown = escape(text)
        assert not pl.Series([shown]).str.contains(f"[{HIDDEN.replace(chr(0xD800) + '-' + chr(0xDFFF), '')}]").item()
    assert "<" not in for_html(text)


class _as_file:  # noqa: N801 - reads like a function
    """Lay bytes into a file for the length of a `with` block."""

    def __init__(self, data: bytes) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="fuzz-")  # noqa: SIM115 - closed by __exit__
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> Path:
        return Path(self._file.name)

    def __exit__(self, *_: object) -> None:
        self._file.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__.replace("_", "-"): target
    for target in (lines, wrapped, documents, json_documents, streams, parquet, tokens, sections, log_formats, field_maps, texts, output)
}
SEEDS: dict[str, list[bytes]] = {
    "lines": [bytes((index,)) + log_format.sample.encode() + b"\n" for index, log_format in enumerate(_FORMATS)],
    "tokens": [b"x^y some text\n", b"\x1f\x8b\x08 text\n", b"\x28\xb5\x2f\xfd text\n", b'{"a":"1","b":{"c":2}}\n', b"\xef\xbb\xbfa b c\n"],
    "field-maps": [
        b'time=t:ms,client=c,path=p,status=s,agent=a\nt,c,p,s,a\n1500000000250,192.0.2.1,/x,200,"a ""b""\nc"\ns;t;c;p;a\n200;1;192.0.2.1;/;\n',
        b'time=1:s,client=2,path=3\n1500000000\t192.0.2.1\t/x\n1500000001\t-\t"/y\n',
        b'time=t:ms,client=c,path=p\nt=1500000000250 c=192.0.2.1 p="/x y" q\nt:1\tc:2\tp:/\n',
        b"date=d,time=t,client=x-c,path=x-p\n#Fields: d t x-c x-p\n2024-03-12 15:22:28 192.0.2.1 /x\n#Fields: x-p d t x-c\n/x 2024-03-12 15:22:28 -\n",
        b'status=a,path=b.c,time=t:ms\n{"a":200,"b":{"c":"/x"},"t":1500000000250}\n',
    ],
    "parquet": _parquet_seeds(),
    "json-documents": [b'[{"a":1},{"b":{"c":2}}]', b'{"a":1}{"b":2}', b'{\n "a": 1\n}\n{\n "a": 2\n}\n', b'{"records":[{"a":1},{"b":2}]}'],
    "documents": [b'{"items":[{"a":1},{"b":2}],"n":2}{"items":[{"a":3}]}', b'{"took":1,"x":{"n":1},"hits":{"t":{},"hits":[{"_source":{}}]}}'],
    "wrapped": [bytes((index,)) + wrapper.sample.encode() + b"\n" for index, wrapper in enumerate(WRAPPERS)],
}
