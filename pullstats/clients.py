r"""What may stand where a log names the client: an address, a host name, or a placeholder known from real logs.

Nothing is resolved: a name is taken for one by its syntax, RFC 952 and 1123 with the underscores that DNS holds in the
wild. The last label needs a letter, so that `301` or `1.2.3` is no name (RFC 1123 section 2.1).

Sources: RFC 4291, 4007, 6874 (IPv6, zones), RFC 7239 section 6 (obfuscated identifiers), nginx ngx_http_realip_module
(`unix:`), Go net (`@` for an unnamed socket); masked addresses as goaccess issues 720 and 1621 show them.
"""

from __future__ import annotations

from typing import Final

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
FOUR: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_GROUP: Final = r"[0-9A-Fa-fxX*]{1,4}"  # x and *: masked
_SIX: Final = (
    rf"(?:(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{6}}{FOUR}"
    rf"|(?:{_GROUP}(?::{_GROUP}){{0,6}})?::(?:(?:{_GROUP}:){{0,6}}(?:{_GROUP}|{FOUR}))?)"
)
_ZONE: Final = r"(?:%[0-9A-Za-z_.-]+)?"
_MASKED: Final = r"[0-9]{1,3}(?:\.(?:[0-9]{1,3}|[xX]{1,3}|\*{1,3})){2}\.(?:[xX]{1,3}|\*{1,3})"
_PORT: Final = r"(?::[0-9]{1,5})?"
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_LAST: Final = r"(?:[0-9_][0-9_-]*)?[A-Za-z](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"

ADDRESS: Final = rf"(?:(?:{FOUR}|\[(?:{FOUR}|{_SIX}{_ZONE})\]){_PORT}|{_SIX}{_ZONE})"
"""Pattern of an address and what hangs on it: brackets, a zone, a port."""

NAME: Final = rf"(?:{_LABEL}\.)*{_LAST}{_PORT}"
"""Pattern of a host name and perhaps a port."""

_HASHED: Final = r"(?:[a-z0-9]{2,10}[:$])?(?:[0-9A-Fa-f]{16,128}|[A-Za-z0-9+_-][A-Za-z0-9+/_-]{20,90}={0,2})"
_NOBODY: Final = r"-|unix:\S*|@\S*|\*+|\(null\)|[<\[](?:redacted|removed|anonymi[sz]ed|masked|hidden|filtered)[>\]]"
_PADDED: Final = rf"0{{0,2}}{_OCTET}(?:\.0{{0,2}}{_OCTET}){{3}}"  # no address that can be read for sure: leading zeros are octal to some
_MASK: Final = rf"(?:{_MASKED}|{_PADDED}){_PORT}|(?:{FOUR}|{_SIX})/[0-9]{{1,3}}"

CLIENT: Final = rf"(?:{ADDRESS}|{NAME}|{_MASK}|{_HASHED}|{_NOBODY})"
"""Pattern of what may name one client; anything else is no client."""

_LIST: Final = rf"{CLIENT}(?:(?:, ?| ){CLIENT})*"
CLIENTS: Final = rf'^(?:{_LIST}|"{_LIST}"(?: {CLIENT})?)?$'
"""Pattern of a whole field: nobody, one client, or a list as X-Forwarded-For holds it, in quotes perhaps and the peer behind them."""
