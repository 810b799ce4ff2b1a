"""Values planted in every spelling in every place a client can write to, and whether one is left; run as a module it prints the table."""

from __future__ import annotations

import html
import ipaddress
import json
import re
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from support.command import pullstats
from support.effort import SOAK
from support.plants import every_text
from support.spellings import spell_four, spell_six

Spell = Callable[[str], str]


def fill(core: str, length: int) -> str:
    """Make a core as long as a token's body."""
    return core + "a1b2c3d4e5" * 12 if length <= 0 else (core + "a1b2c3d4e5" * 12)[:length]


def every_char(text: str, form: str) -> str:
    return "".join(form.format(ord(char)) for char in text)


TOKENS: dict[str, Spell] = {
    **{prefix: lambda core, prefix=prefix: prefix + fill(core, 40) for prefix in (  # type: ignore[misc]
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-64_", "glptt-", "glft-", "gloas-", "npm_", "pypi-AgEIcHlw",
        "rubygems_", "dckr_pat_", "dckr_oat_", "hf_", "api_org_", "cs_", "ya29.", "GOCSPX-", "AIza", "xoxb-1-", "xoxp-1-", "xapp-1-",
        "sk_live_", "rk_test_", "pk_live_", "whsec_", "hvs.", "hvb.", "s.",
    )},
    "crates.io": lambda core: "cio" + fill(core, 32),
    "NuGet": lambda core: "oy2" + fill(core, 43),
    "Artifactory key": lambda core: "AKCp8" + fill(core, 68),
    "Artifactory reference": lambda core: "cmVmdGtu" + fill(core, 56),
    "AWS": lambda core: "AKIA" + fill(core.upper(), 16).upper(),
    "AWS session": lambda core: "ASIA" + fill(core.upper(), 16).upper(),
    "JWT": lambda core: f"eyJhbGciOiJIUzI1NiJ9.{fill(core, 30)}.c2ln",
}  # fmt: skip
GITHUB = TOKENS["ghp_"]
SPELLINGS: dict[str, Spell] = {
    **TOKENS,
    "token, escaped": lambda core: every_char(GITHUB(core), "%{:02X}"),
    "token, escaped twice": lambda core: every_char(GITHUB(core), "%25{:02x}"),
    "token, wide letters": lambda core: "".join(chr(ord(char) + 0xFEE0) for char in GITHUB(core)),
    "token, references": lambda core: every_char(GITHUB(core), "&#{};"),
    "token, \\u": lambda core: every_char(GITHUB(core), "\\u{:04x}"),
    **{name: lambda core, name=name: f"a=1&{name}={core}&b=2" for name in (  # type: ignore[misc]
        "token", "TOKEN", "to%6ben", "to%256ben", "\uff54oken", "x-api-key", "secret[]", "a[token]", "a%5Btoken%5D", "accessToken", "private_token", "sig", "X-Amz-Signature",
        "AWSAccessKeyId", "password", "pwd", "PHPSESSID", "account", "username", "login", "user", "email", "user_name", "code",
    )},
    "signature, of an encoded URL": lambda core: f"url=https%3A%2F%2Fh.example%2Fa%3Fsig%3D{core}%2526{core}%26se%3D1",
    "name escaped, value with &": lambda core: f"to%6ben={core}%26{core}&b=2",
    "name escaped oddly": lambda core: f"u=https%%253A%%252F%%252Fx%%252F%%253Ftoken%%253D{core}",
    "matrix parameter": lambda core: f"a;jsessionid={core};b=2",
    "fragment": lambda core: f"a#access_token={core}",
    "token of npm": lambda core: f"a/-/user/token/{core}",
    "user of npm": lambda core: f"a/-/user/org.couchdb.user:{core}",
    "user of an API": lambda core: f"a/api/security/users/{core}",
    "userinfo": lambda core: f"https://{core}:{core}@git.example/p",
    "userinfo, many @": lambda core: f"https://{core}:p@{core}@{core}@git.example/p",
    "userinfo, no scheme": lambda core: f"{core}:{core}@git.example/p",
    "userinfo, one label": lambda core: f"a={core}:{core}@host/p",
    "userinfo, relative": lambda core: f"a=//{core}:{core}@host/p",
    "userinfo, escaped": lambda core: f"u=https%3A%2F%2F{core}%3A{core}%40git.example",
    "userinfo, escaped twice": lambda core: f"u=https%253A%252F%252F{core}%253A{core}%2540git.example",
    "userinfo, no scheme, escaped": lambda core: f"u={core}%3A{core}%40host%2Fp",
    "JSON": lambda core: f'{{"a":1,"password":"{core}","b":2}}',
    "JSON, escaped quotes": lambda core: f'{{\\"a\\":1,\\"client_secret\\":\\"{core}\\"}}',
    "JSON, a user": lambda core: f'{{"username": "{core}"}}',
    "key and value": lambda core: f"x (password: {core}; b)",
    "key = value": lambda core: f"x pwd = {core} b",
    "header": lambda core: f"x Authorization: Bearer {core}",
    "cookie": lambda core: f"x Cookie: a={core}; b={core}",
    "set-cookie": lambda core: f"x Set-Cookie: id={core}; Path=/",
    "api key": lambda core: f"x X-Api-Key: {core}",
    "e-mail": lambda core: f"x {core}@mail.example y",
    "e-mail, escaped": lambda core: f"m={core}%40mail.example",
    "e-mail, escaped twice": lambda core: f"m={core}%2540mail.example",
    "e-mail, mailto": lambda core: f"x +mailto:{core}@mail.example)",
}  # fmt: skip
ADDRESSES = {f"IPv4 {name}": name for name in spell_four(ipaddress.IPv4Address("192.0.2.1"))} | {
    f"IPv6 {name}": name for name in spell_six(ipaddress.IPv6Address("2001:db8::1"))
}
PLACES = ("path", "query", "parameter name", "referrer", "agent", "host", "request id", "cache", "backend", "range", "reject", "reject of JSON")
ONE_WORD = ("host", "parameter name")
"""Places where only a token or an address can stand."""


@cache
def cells() -> list[tuple[str, str, int]]:
    """Give the cells of the table, each with a number of its own: all in a soak, else every spelling in a third of the places, in turn."""
    number, found = 0, []
    for row, spelling in enumerate([*SPELLINGS, *ADDRESSES]):
        for column, place in enumerate(PLACES):
            number += 1
            is_word = spelling in TOKENS or (spelling in ADDRESSES and "twice" not in spelling)
            if (SOAK or (row + column) % 3 == 0) and (place not in ONE_WORD or is_word):
                found.append((spelling, place, number))
    return found


def plant(spelling: str, number: int) -> tuple[str, str, list[str]]:
    """Give a cell's client, what it writes, and what must not be left of it."""
    if spelling in SPELLINGS:
        core = f"q{number:05d}z"
        return "192.0.2.7", SPELLINGS[spelling](core), [core]
    four, six = ipaddress.IPv4Address(0xCB710000 + number), ipaddress.IPv6Address(0x20010DB8_0000_0077_0000_0000_0000_0000 + (number << 64) + 0xC901)
    spelled: dict[str, str] = spell_four(four) if spelling.startswith("IPv4") else spell_six(six)
    said = spelled[ADDRESSES[spelling]]
    client = str(four if spelling.startswith("IPv4") else six)
    return client, said, [max(re.findall(r"[0-9a-fx:._-]{7,}", canonical(said)), key=len)]


def write_line(spelling: str, place: str, number: int) -> str:
    client, said, _ = plant(spelling, number)
    if place == "reject":
        return f"{client} no log format has this {said}"
    if place == "reject of JSON":
        return json.dumps({"time": "never", "remote_addr": client, "request": "GET /x HTTP/1.1", "status": 200, "unknown": said})
    word = said.replace(" ", "%20").replace('"', "%22")
    target = {"path": f"/x/{word}/y", "query": f"/x?q={word}", "parameter name": f"/x?{word}=1"}.get(place, "/x")
    item = {"time": "2026-03-02T00:00:01Z", "remote_addr": client, "request": f"GET {target} HTTP/1.1", "status": 200}
    key = {
        "referrer": "http_referer", "agent": "http_user_agent", "host": "host", "request id": "request_id", "cache": "upstream_cache_status",
        "backend": "upstream_addr", "range": "http_range",
    }.get(place)  # fmt: skip
    return json.dumps(item | ({key: said} if key else {}), ensure_ascii=False)


def canonical(text: str) -> str:
    """Undo every escape, over and over; written anew here, so that no mistake is made twice."""
    while True:
        undone = unquote(html.unescape(re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)), errors="replace")
        undone = unicodedata.normalize("NFKC", undone).casefold()
        if undone == text:
            return text
        text = undone


@cache
def left_over() -> tuple[str, int, int]:
    """Ingest all cells at once; give what the store holds and what was printed, all escapes undone, and how many lines became what."""
    with tempfile.TemporaryDirectory() as folder:
        log, store = Path(folder, "a.log"), Path(folder, "s")
        log.write_text("".join(f"{write_line(*cell)}\n" for cell in cells()))
        asked = [
            ("ingest", log, "--store", store, "--format", "json"),
            ("report", "--by", "path,client,referrer", "--limit", "0", "--window", "all", "--store", store),
            ("export", "--set", "events", "--format", "ndjson", "--window", "all", "--store", store),
            ("export", "--set", "rejects", "--format", "csv", "--store", store),
            ("formats", "test", log, "--lines", "0"),
        ]
        printed = [said.out + said.err for said in (pullstats(*words) for words in asked)]
        texts = "\n".join([*printed, *every_text(store)])
        parquet = [pl.read_parquet(path, hive_partitioning=False) for path in store.rglob("*.parquet")]
        events = sum(frame.height for frame in parquet if "url_path" in frame.columns)
        rejects = sum(frame.height for frame in parquet if "reason" in frame.columns)
    return canonical(texts), events, rejects


def is_left(spelling: str, number: int) -> bool:
    return any(secret in left_over()[0] for secret in plant(spelling, number)[2])


if __name__ == "__main__":
    sys.stdout.write(f"{'spelling':<32}" + "".join(f"{place:>16}" for place in PLACES) + "\n")
    known = {(spelling, place): number for spelling, place, number in cells()}
    for spelling in [*SPELLINGS, *ADDRESSES]:
        marks = []
        for place in PLACES:
            number = known.get((spelling, place))
            marks.append("" if number is None else "LEFT" if is_left(spelling, number) else "gone")
        sys.stdout.write(f"{spelling:<32}" + "".join(f"{mark:>16}" for mark in marks) + "\n")
