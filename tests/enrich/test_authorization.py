"""Authorization headers: whom they name, when they are believed, and that what proves it is kept nowhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.enrich.authorization import LONGEST_HEADER, LONGEST_NAME, SCHEMES, read_authorization
from pullstats.store import open_store
from support.plants import every_text

PASSWORD = "hunter2hunter2"  # noqa: S105 - planted
SIGNATURE = "c2lnbmF0dXJlMTIz"


def segment(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def bearer(claims: Any, head: Any = {"alg": "RS256", "typ": "JWT"}) -> str:  # noqa: B006 - never changed
    return f"Bearer {segment(head)}.{segment(claims)}.{SIGNATURE}"


def basic(name: str, password: str = PASSWORD) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "scheme", "user"),
    [
        (basic("alice"), "basic", "alice"),
        (basic("alice").replace("Basic ", "bAsIc  "), "basic", "alice"),
        (f"  {basic('alice')}  ", "basic", "alice"),
        (basic("alice").rstrip("="), "basic", "alice"),  # without the padding
        (basic("ACME\\bob"), "basic", "ACME\\bob"),
        (basic("Jörg"), "basic", "Jörg"),
        ("Basic " + base64.b64encode("Jörg:x".encode("latin-1")).decode(), "basic", "Jörg"),
        (basic("alice", "a:b:c"), "basic", "alice"),
        (basic(""), "basic", None),
        ("Basic " + base64.b64encode(b"alice").decode(), "basic", None),  # no colon, no password
        ("Basic", "basic", None),
        ("Basic !!!", "basic", None),
        ("Basic YWxpY2U6aA== x", "basic", None),
        (basic("a" * LONGEST_NAME), "basic", "a" * LONGEST_NAME),
        (basic("a" * (LONGEST_NAME + 1)), "basic", None),
        (basic("a" * LONGEST_HEADER), "basic", None),
        (bearer({"sub": "alice", "exp": 1}), "bearer", "alice"),
        (bearer({"sub": "Jörg"}), "bearer", "Jörg"),
        (bearer({"sub": "alice"}).removesuffix(SIGNATURE), "bearer", "alice"),  # nobody verifies here
        (bearer({"sub": ""}), "bearer", None),
        (bearer({"sub": 7}), "bearer", None),
        (bearer({"sub": ["alice"]}), "bearer", None),
        (bearer({"name": "alice"}), "bearer", None),
        (bearer(["sub", "alice"]), "bearer", None),
        (bearer(b'{"sub": "alice"'), "bearer", None),
        (bearer(b'{"sub": "\\ud800"}'), "bearer", None),
        (bearer(b"[" * 5000), "bearer", None),
        (bearer(b'{"sub": "alice", "n": ' + b"9" * 5000 + b"}"), "bearer", None),
        (bearer({"sub": "alice"}, b"no object"), "bearer", None),
        (bearer({"sub": "alice", "pad": "x" * LONGEST_HEADER}), "bearer", None),
        (bearer({"sub": "alice"}) + ".d.e", "bearer", None),  # five segments: encrypted
        ("Bearer ghp_1234567890abcdefABCDEF1234567890abcd", "bearer", None),
        ("Bearer a.b.c", "bearer", None),
        ('Digest username="alice", realm="x", response="f00d"', "digest", None),
        ("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, Signature=f00d", "aws4-hmac-sha256", None),
        ("token ghp_1234567890abcdefABCDEF1234567890abcd", "token", None),
        ("hunter2 hunter2", None, None),  # what is no scheme may be the secret itself
        ("hunter2hunter2", None, None),
        ("REDACTED", None, None),
        ("", None, None),
        ("   ", None, None),
    ],
)
def test_a_header_names_whom_it_names_and_no_more(header: str, scheme: str | None, user: str | None) -> None:
    assert read_authorization(header) == (scheme, user)


@given(st.one_of(st.text(), st.text(alphabet='Basicber =.-_eyJ{}":,0123', max_size=80), st.binary(max_size=300).map(bearer)))
def test_any_text_is_a_header_or_none(header: str) -> None:
    scheme, user = read_authorization(header)
    assert scheme is None or (scheme in SCHEMES and header.split(maxsplit=1)[0].lower() == scheme)
    assert user is None or 0 < len(user) <= LONGEST_NAME


OWN = '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_authorization"'
APACHE = '%h - - %t "%r" %>s %b "%{Authorization}i"'
JSON_KEYS = ("authorization", "request.headers.Authorization")
FORMS = [*(f"json {key}" for key in JSON_KEYS), "own", "apache", "w3c"]


def write_log(form: str, rows: list[tuple[str, int]]) -> Iterator[str]:
    """Write requests, header and answer, as a log in some form."""
    if form == "w3c":
        yield "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(Authorization)"
    for second, (header, status) in enumerate(rows):
        if form.startswith("json"):
            *parents, leaf = form.removeprefix("json ").split(".")
            value: Any = {leaf: [header] if parents else header}
            for parent in reversed(parents):
                value = {parent: value}
            line = {"time": f"2024-07-20T22:59:{second:02}Z", "remote_addr": "192.0.2.7", "method": "GET", "uri": "/a", "status": status}
            yield json.dumps(line | value)
        elif form == "w3c":
            yield f"2024-07-20 22:59:{second:02} 192.0.2.7 GET /a {status} {header.replace('+', '%2B').replace(' ', '+') or '-'}"
        else:
            shown = header.replace("\\", "\\\\").replace('"', '\\"') or "-"
            yield f'192.0.2.7 - - [20/Jul/2024:22:59:{second:02} +0000] "GET /a HTTP/1.1" {status} 5 "{shown}"'


def take_in(form: str, rows: list[tuple[str, int]], tmp_path: Path, *more: str) -> pl.DataFrame:
    log = tmp_path / f"{form.replace(' ', '-')}.log"
    log.write_text("".join(f"{line}\n" for line in write_log(form, rows)))
    options = {"own": ("--log-format", OWN), "apache": ("--log-format", APACHE)}.get(form, ())
    assert run(["ingest", "-q", str(log), "--store", str(tmp_path / "store"), *options, *more]) == 0
    return open_store(tmp_path / "store").scan_events().sort("timestamp").collect()


@pytest.mark.parametrize("form", FORMS)
def test_users_come_from_headers_that_were_not_refused(form: str, tmp_path: Path) -> None:
    rows = [
        (basic("alice"), 200), (bearer({"sub": "alice"}), 404), (basic("bob"), 307), ("", 200), ("Bearer opaque", 200),
        (basic("mallory"), 401), (bearer({"sub": "mallory"}), 403), (basic("anonymous"), 200),
    ]  # fmt: skip
    events = take_in(form, rows, tmp_path)
    users = events["user_id"].to_list()
    assert users[0] == users[1] != users[2]
    assert [user is not None for user in users] == [True, True, True, False, False, False, False, False]
    assert events["auth_scheme"].to_list() == ["basic", "bearer", "basic", None, "bearer", "basic", "bearer", "basic"]
    origins = events["origin_id"].to_list()
    assert origins[0] == origins[1] != origins[2] != origins[3] == origins[4] == origins[5] == origins[6]  # one client, told apart by whom it is


def test_a_user_is_one_wherever_the_name_comes_from(tmp_path: Path) -> None:
    """By the server's word in nginx's escapes, in JSON, by Basic and by Bearer; and the server's word goes first."""
    name = "ACME\\Jörg"
    log = tmp_path / "nginx.log"
    spelled = "".join(char if char.isascii() and char != "\\" else "".join(f"\\x{byte:02X}" for byte in char.encode()) for char in name)
    log.write_text(f'192.0.2.7 - {spelled} [20/Jul/2024:22:58:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"\n')
    plain = tmp_path / "plain.log"
    item = {"time": "2024-07-20T22:58:01Z", "remote_addr": "192.0.2.7", "request": "GET /a HTTP/1.1", "status": 200, "remote_user": name}
    both = item | {"time": "2024-07-20T22:58:02Z", "http_authorization": basic("somebody else")}
    plain.write_text("".join(f"{json.dumps(line)}\n" for line in (item, both)))
    assert run(["ingest", "-q", str(log), str(plain), "--store", str(tmp_path / "store")]) == 0
    events = take_in("json http_authorization", [(basic(name), 200), (bearer({"sub": name}), 200)], tmp_path)
    assert events["user_id"].drop_nulls().len() == 5
    assert events["user_id"].n_unique() == 1


PLANTED = {
    "password": basic("wilhelmina"),
    "short password": basic("wil", "q7"),
    "token": bearer({"sub": "wilhelmina", "pad": "x" * 3000}),
    "opaque token": "Bearer tokentokentoken1",
    "raw token": "tokentokentoken2",
    "two words": "tokentoken3 tokentoken4",
    "raw, long": "tokentokentoken5" * 200,
}
FORBIDDEN = (
    "wilhelmina", PASSWORD, SIGNATURE, "tokentoken",
    *(PLANTED[name].split()[1].rstrip("=") for name in ("password", "short password")), PLANTED["token"].split(".")[1][:40],
)  # fmt: skip


@pytest.mark.parametrize("form", ["json headers.authorization", "own", "apache"])
def test_what_proves_a_user_is_kept_nowhere(form: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Neither of events nor of lines that are refused for their time, their client, their status, or since they are cut."""
    log, store = tmp_path / "a.log", tmp_path / "store"
    lines = list(write_log(form, [(header, 200) for header in PLANTED.values()]))
    broken = [line.replace("2024", "20x4") for line in lines] + [line.replace("192.0.2.7", "no client") for line in lines]
    broken += [line.replace("GET", "G<>T") for line in lines] + [line.replace(" 200 ", " 2x0 ").replace(": 200", ': "2x0"') for line in lines]
    is_raw = [header for header in PLANTED.values() if header.split()[0].lower() not in SCHEMES]
    cut = [line[:-9] for line in lines if not any(header in line for header in is_raw)]  # no telling what was meant
    log.write_text("".join(f"{line}\n" for line in [*lines * 3, *broken, *cut]))
    options = {"own": ["--log-format", OWN], "apache": ["--log-format", APACHE]}.get(form, [])
    place = ["--store", str(store)]
    assert run(["ingest", str(log), *place, *options, "--format", "json"]) == 0
    assert open_store(store).scan_rejects().collect().height > len(lines)
    for command in (
        ["report", "--by", "user", "--metric", "requests,users", "--window", "all", *place],
        ["export", "--set", "events", "--window", "all", "--format", "ndjson", *place],
        ["export", "--set", "rejects", "--format", "csv", *place],
        ["verify", *place],
        ["formats", "test", str(log), "--lines", "0", *options],
    ):
        assert run(command) == 0, command
    printed = capsysbinary.readouterr()
    for text in (printed.out.decode(), printed.err.decode(), *every_text(store)):
        found = [(secret, text[max(at - 80, 0) : at + 40]) for secret in FORBIDDEN if (at := text.lower().find(secret.lower())) >= 0]
        assert not found
