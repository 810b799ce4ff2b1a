"""Find addresses in texts, however they are spelled, and hide those that are the event's own.

A number in four parts is mostly a version, and eight digits are mostly a date. So what may spell an
address is only listed with a text, as keys that compare whatever the spelling; it goes where it is the
key of the very event's client or of a hop before it. Each text's keys depend on that text alone.

Spellings: dotted, dashed or underscored, in either direction, with zeros before (decimal and octal) or in
hexadecimal, whole numbers of base 8, 10 and 16; IPv6 with and without `::`, dashed (ipv6-literal.net), as
32 digits and as nibbles; IPv4 in IPv6; and each of these escaped.

Sources: RFC 4291 section 2.2 and 2.5.5, RFC 6052 (64:ff9b::/96), RFC 1035 section 3.5 and RFC 3596 section
2.5 (reversed names), POSIX inet_addr (octal, hexadecimal and whole numbers), learn.microsoft.com on
ipv6-literal.net.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import polars as pl

from pullstats.enrich.addresses import IPAddress
from pullstats.enrich.canonical_texts import find_escaped, list_forms, replace_spans, trace_forms
from pullstats.enrich.redaction_rules import ADDRESS
from pullstats.hexadecimal import write_hexadecimal

KEYS: Final = "keys"

_PART: Final = r"(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,4})"
_RUN: Final = re.compile(rf"{_PART}(?:[._-]{_PART}){{3,}}")
_PARTS: Final = re.compile(_PART)
_WORD: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{8,39}(?![0-9A-Za-z])")
_SIX: Final = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:.]*:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*")
_SIX_DASHED: Final = re.compile(r"[0-9A-Fa-f]{0,4}(?:-[0-9A-Fa-f]{0,4}){2,9}|[0-9A-Fa-f]{0,4}(?:_[0-9A-Fa-f]{0,4}){2,9}")
_NIBBLES: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f](?:\.[0-9A-Fa-f]){31}(?![0-9A-Za-z])")
_LONGEST: Final = 8_000
_LONGEST_SIX: Final = 64
_WINDOWS: Final = 12
_FOUR_IN_SIX: Final = (bytes(10) + b"\xff\xff", b"\x00\x64\xff\x9b" + bytes(8))
"""How addresses begin that stand for one of IPv4: mapped ones, and those of NAT64."""

# The same for whole columns: what a text must hold for each kind.
_HAS_RUN: Final = r"[0-9][._-][0-9]{1,4}[._-][0-9]{1,4}[._-][0-9]"
_HAS_WORD: Final = r"(?:^|[^0-9A-Za-z])(?:[0-9]{8,12}|[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}|[0-9]{29,39})(?:[^0-9A-Za-z]|$)"
_HAS_OTHER: Final = (
    r":[0-9A-Fa-f]{0,4}:|0[xX][0-9A-Fa-f]|[0-9A-Fa-f](?:--|__)[0-9A-Fa-f]|(?:[0-9A-Fa-f]{1,4}-){7}|(?:[0-9A-Fa-f]{1,4}_){7}|(?:[0-9A-Fa-f]\.){31}"
)
_PLAIN_RUN: Final = r"[0-9]{1,4}(?:[._-][0-9]{1,4}){3,}"
_FOUR: Final = r"([0-9]{1,4})[._-]([0-9]{1,4})[._-]([0-9]{1,4})[._-]([0-9]{1,4})(?:[._-]|$)"


def key_of(address: IPAddress) -> str:
    """Give what all spellings of an address have in common: its bytes, in hexadecimal; of IPv4 in IPv6 those of the IPv4 address."""
    return key_of_six(address.packed) if isinstance(address, ipaddress.IPv6Address) else address.packed.hex()


def key_of_six(packed: bytes) -> str:
    """Give the same of the bytes of an IPv6 address."""
    return (packed[12:] if packed[:12] in _FOUR_IN_SIX else packed).hex()


def list_keys(values: pl.Series) -> pl.Series:
    """List the keys of everything in distinct texts that may spell an address, blanks between them; null where there is nothing."""
    nothing = pl.Series(KEYS, [None], pl.String).new_from_index(0, values.len())
    if values.null_count() == values.len():
        return nothing
    texts = _last_forms(values)
    suspects = texts.str.contains(f"{_HAS_RUN}|{_HAS_WORD}|{_HAS_OTHER}").fill_null(value=False)
    if not suspects.any():
        return nothing
    few = pl.DataFrame({"row": suspects.arg_true(), "text": texts.filter(suspects)})
    found = pl.concat([_keys_of_runs(few), _keys_of_words(few), _keys_of_others(few)])
    joined = found.unique().sort("row", KEYS).group_by("row").agg(pl.col(KEYS).str.join(" "))
    return nothing.scatter(joined["row"], joined[KEYS])


def _last_forms(values: pl.Series) -> pl.Series:
    escaped = find_escaped(values)
    if not escaped.any():
        return values
    last = [(list_forms(text) or [text])[-1] for text in values.filter(escaped)]
    return values.scatter(escaped.arg_true(), pl.Series(last, dtype=pl.String))


def _keys_of_runs(few: pl.DataFrame) -> pl.DataFrame:
    runs = few.filter(pl.col("text").str.contains(_HAS_RUN)).select("row", pl.col("text").str.extract_all(_PLAIN_RUN)).explode("text").drop_nulls()
    distinct = runs.select("text").unique().with_row_index("run")  # a long one has many keys, and is not written beside each
    odd = distinct["text"].str.contains(r"(?:^|[._-])0[0-9]") | (distinct["text"].str.count_matches("[._-]") > _WINDOWS)
    read = [(run, key) for run, text in distinct.filter(odd).rows() for _, _, key in _read_run(text, 0)]
    parts = [pl.DataFrame(read, schema={"run": pl.UInt32, KEYS: pl.String}, orient="row")]
    plain = distinct.filter(~odd)
    for skipped in range(_WINDOWS):
        groups = pl.col("text").str.extract_groups(rf"^(?:[0-9]{{1,4}}[._-]){{{skipped}}}{_FOUR}")
        numbers = plain.select("run", groups.alias("parts")).unnest("parts").drop_nulls()
        if not numbers.height:
            break
        numbers = numbers.with_columns(pl.col("1", "2", "3", "4").cast(pl.Int64)).filter(pl.max_horizontal("1", "2", "3", "4") <= 255)
        for order in (("1", "2", "3", "4"), ("4", "3", "2", "1")):
            number = sum((pl.col(name) * 256**place for place, name in enumerate(reversed(order))), pl.lit(0))
            parts.append(numbers.select("run", _hexadecimal(number).alias(KEYS)))
    return runs.join(distinct, on="text").join(pl.concat(parts), on="run").select("row", KEYS)


def _hexadecimal(number: pl.Expr) -> pl.Expr:
    """Write whole numbers below 2^32 with eight digits."""
    return number.cast(pl.UInt32).map_batches(lambda numbers: write_hexadecimal(numbers, 4), return_dtype=pl.String)


def _keys_of_words(few: pl.DataFrame) -> pl.DataFrame:
    words = few.filter(pl.col("text").str.contains(_HAS_WORD)).select("row", pl.col("text").str.extract_all("[0-9A-Za-z]{8,39}")).explode("text")
    words = words.filter(pl.col("text").str.contains("^(?:[0-9]{8,12}|[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}|[0-9]{29,39})$"))
    is_number = pl.col("text").str.contains("^[1-9][0-9]{7,9}$") & (pl.col("text").cast(pl.Int64, strict=False) < 2**32)
    is_hexadecimal = pl.col("text").str.contains("^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$")
    numbers, rest = words.filter(is_number), words.filter(pl.col("text").str.contains("^(?:0[0-7]{8,11}|[0-9]{29,39})$"))
    read = [(row, key) for row, word in rest.rows() for key in _read_word(word)]
    return pl.concat(
        [
            numbers.select("row", _hexadecimal(pl.col("text").cast(pl.Int64)).alias(KEYS)),
            words.filter(is_hexadecimal).select("row", pl.col("text").str.to_lowercase().alias(KEYS)),
            pl.DataFrame(read, schema={"row": few.schema["row"], KEYS: pl.String}, orient="row"),
        ]
    )


def _keys_of_others(few: pl.DataFrame) -> pl.DataFrame:
    rows = few.filter(pl.col("text").str.contains(_HAS_OTHER)).rows()
    found = [(row, key) for row, text in rows for _, _, key in find_addresses(text)]
    return pl.DataFrame(found, schema={"row": few.schema["row"], KEYS: pl.String}, orient="row")


def find_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Find everything in one unescaped text that may spell an address: where it begins and ends, and its key."""
    for match in _RUN.finditer(text):
        yield from _read_run(match[0], match.start())
    for match in _NIBBLES.finditer(text):
        digits = match[0].replace(".", "").lower()
        yield from ((match.start(), match.end(), key) for key in (digits, digits[::-1]))
    for match in _WORD.finditer(text):
        yield from ((match.start(), match.end(), key) for key in _read_word(match[0]))
    for pattern, separator in ((_SIX, ":"), (_SIX_DASHED, "-")):
        for match in pattern.finditer(text):
            yield from _read_six(match[0], match.start(), separator)


def _read_run(run: str, offset: int) -> Iterator[tuple[int, int, str]]:
    parts = list(_PARTS.finditer(run))
    for first in range(len(parts) - 3):
        window = parts[first : first + 4]
        place = offset + window[0].start(), offset + window[3].end()
        for numbers in _number_parts([part[0] for part in window]):
            key = bytes(numbers).hex()
            yield *place, key
            yield *place, bytes(reversed(numbers)).hex()


def _number_parts(parts: Sequence[str]) -> Iterator[list[int]]:
    """Read four parts, as decimals whatever zeros are before them, and as C reads them."""
    decimal = [int(part) if part.isdecimal() else int(part, 16) for part in parts]
    if max(decimal) <= 255:
        yield decimal
    octal = [int(part, 8) if re.fullmatch("0[0-7]+", part) else number for part, number in zip(parts, decimal, strict=True)]
    if octal != decimal and max(octal) <= 255:
        yield octal


def _read_word(word: str) -> Iterator[str]:
    """Read an address written as one number."""
    if word.isdecimal() and word.isascii():
        number = int(word)
        if 2**24 <= number < 2**32:
            yield f"{number:08x}"
        elif 2**96 <= number < 2**128:
            yield f"{number:032x}"
        if word[0] == "0" and re.fullmatch("[0-7]+", word) and 2**24 <= int(word, 8) < 2**32:
            yield f"{int(word, 8):08x}"
    digits = word[2:] if word[:2] in ("0x", "0X") else word
    if re.fullmatch("[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}", digits):
        yield digits.lower()


def _read_six(token: str, offset: int, separator: str) -> Iterator[tuple[int, int, str]]:
    """Read every stretch of groups that is an IPv6 address: what stands around it may look like a group."""
    if separator not in token or len(token) > _LONGEST_SIX:
        if len(token) <= _LONGEST_SIX and "_" in token:
            yield from _read_six(token.replace("_", separator), offset, separator)
        return
    edges = [match.start() for match in re.finditer(rf"[{separator}.]", token)]
    for start in sorted({0, *edges, *(edge + 1 for edge in edges)}):
        for end in sorted({len(token), *edges, *(edge + 1 for edge in edges)}):
            part = token[start:end]
            if part.count(separator) >= 2:
                address = _parse_six(part.replace(separator, ":").rstrip("."))
                if address is not None:
                    yield offset + start, offset + start + len(part.rstrip(".")), key_of(address)


def _parse_six(text: str) -> ipaddress.IPv6Address | None:
    try:
        return ipaddress.IPv6Address(text)
    except ValueError:
        return None


def hide_addresses(texts: pl.Series, own: Iterable[AbstractSet[str]]) -> pl.Series:
    """Replace in each text the addresses that are its event's own.

    Args:
        texts: few: those of events that hold such an address.
        own: the keys of each event's client and of the hops before it.
    """
    found = [text if text is None else _hide(text, keys) for text, keys in zip(texts.to_list(), own, strict=True)]
    return pl.Series(texts.name, found, pl.String)


def _hide(text: str, own: AbstractSet[str]) -> str:
    forms = [(text, None)] if not list_forms(text) else [(text, None), *((form.text, form) for form in trace_forms(text))]
    if len(text) > _LONGEST:
        forms = [((list_forms(text) or [text])[-1], None)]
        text = forms[0][0]
    spans = [
        (form.starts[start] if form else start, form.ends[end - 1] if form else end, ADDRESS)
        for said, form in forms
        for start, end, key in find_addresses(said)
        if key in own
    ]
    return replace_spans(text, spans)
