"""Whom an Authorization header names, and by which scheme; what proves it is read past and goes no further than this module.

`Basic` holds a name and a password, `Bearer` perhaps a JSON Web Token whose `sub` names the subject. Nothing is verified: the
server has done that, so that only a header which it did not refuse says anything. What is too long, no base64, no JSON or
names nobody, names nobody.

To add a scheme: append it to `SCHEMES`; the word of a header that is none of them may itself be a secret, and is not kept.

Sources: RFC 9110 section 11.6.2; RFC 7617 section 2 (Basic: name, colon, password; base64); RFC 6750 section 2.1 (Bearer);
RFC 7519 sections 3 and 4.1.2 (JWT, `sub`); RFC 7515 section 2 (base64url without padding); iana.org/assignments/http-authschemes.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final

import polars as pl

SCHEMES: Final = (
    # registered
    "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256",
    "vapid",
    # of registries, forges and clouds
    "token", "ntlm", "kerberos", "aws", "aws4-hmac-sha256", "aws4-ecdsa-p256-sha256", "hmac", "sharedkey", "sharedkeylite", "apikey", "goog4-rsa-sha256",
    "goog4-hmac-sha256",
)  # fmt: skip
"""Words that are a scheme, in lower case."""
REFUSED: Final = (401, 403)
"""Answers after which a header proves nothing: anybody can write a name into it."""
LONGEST_HEADER: Final = 16 << 10
"""Characters of a header that is looked at; servers take 8 to 16 KiB of all headers."""
LONGEST_NAME: Final = 256
"""Characters of a name; OpenID Connect Core section 2 allows a subject 255."""

_SEGMENTS: Final = 3
"""Header, claims and signature; an encrypted token has five and says nothing to us (RFC 7516 section 3.1)."""


def read_authorizations(headers: pl.Series) -> pl.DataFrame:
    """Read distinct Authorization headers, as the client sent them: a row each, `auth_scheme` and `user`, null where it tells none."""
    found = [read_authorization(header) for header in headers]
    return pl.DataFrame(found, schema={"auth_scheme": pl.String(), "user": pl.String()}, orient="row")


def read_authorization(header: str) -> tuple[str | None, str | None]:
    """Give scheme and user of one header."""
    scheme, credentials = (*header[:LONGEST_HEADER].split(maxsplit=1), "", "")[:2]
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        return None, None
    if scheme not in _READERS or len(header) > LONGEST_HEADER:
        return scheme, None
    name = _READERS[scheme](credentials.strip())
    return scheme, name if name and len(name) <= LONGEST_NAME else None


def _name_of_basic(credentials: str) -> str | None:
    decoded = _decode(credentials.encode("ascii", "replace").translate(_URL_SAFE))
    name, colon, _ = (decoded or b"").partition(b":")
    if not colon:
        return None
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")  # RFC 7617 leaves the charset open; this is what clients had before


def _subject_of_token(token: str) -> str | None:
    segments = token.split(".")
    if len(segments) != _SEGMENTS or _object(segments[0]) is None:
        return None
    claims = _object(segments[1])
    subject = claims.get("sub") if claims is not None else None
    return subject if isinstance(subject, str) and _is_text(subject) else None


def _object(segment: str) -> dict[str, object] | None:
    decoded = _decode(segment.encode("ascii", "replace").translate(_URL_SAFE))
    try:
        item = json.loads(decoded) if decoded else None
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None


def _decode(text: bytes) -> bytes | None:
    """Decode base64, padded or not; None if it is none."""
    bare = text.rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return None


def _is_text(text: str) -> bool:
    """Tell whether a text of JSON can be written: half a surrogate pair cannot."""
    return text.isascii() or text.encode("utf-8", "ignore").decode() == text


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_READERS: Final = {"basic": _name_of_basic, "bearer": _subject_of_token}
