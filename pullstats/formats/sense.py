r"""Whether what a format read makes sense: a line may fit the shape of a format that it does not follow.

A peer is an address, a host name or a known placeholder (`clients.py`); a status is 100–599, or one of the ways to say
that there is none; a method is a token. What a client may have written itself, a forwarded address or a request line, is
no reason to refuse a line: it is cleaned where it is used.

Sources: RFC 9110 sections 5.6.2 (token), 9.1 (method), 15 (status); nginx ngx_http_log_module.c (`000`, `009`);
docs.haproxy.org section 8.2.3 (`-1` where a request was never answered).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.clients import ADDRESS, CLIENTS, FOUR

CLIENT: Final = "client"
STATUS: Final = "status"
METHOD: Final = "method"
REQUEST: Final = "request"
AMBIGUOUS: Final = "ambiguous"

PEERS: Final = ("remote_addr", "realip_remote_addr", "proxy_protocol_addr")
"""Variables in which the server itself names who is connected."""
_NO_STATUS: Final = r"^(?:0|00|000|009|-1|-|)$"
_TCHARS: Final = r"[0-9A-Za-z!#$%&'*+.^_`|~-]+"
# HAProxy calls a request that it could not read <BADREQ>; a TLS hello is bytes, which a server writes as they are or escapes.
_METHOD: Final = rf"^(?:{_TCHARS}|<BADREQ>|)$|[\x00-\x1f\x7f-\x{{10ffff}}]|\\(?:x[0-9A-Fa-f]{{2}}|u[0-9A-Fa-f]{{4}})"
_LINE: Final = rf"^{_TCHARS} \S"
_CLIENT_BEHIND: Final = rf"(?:^| ){ADDRESS} [^ ]+ [^ ]+$"
"""A user who ends like the beginning of a line: client, identity and user stand there, and something else in front of them."""
SURE_CLIENT: Final = rf"^(?:{ADDRESS}|-)$"
_FEW: Final = 10_000
PLAIN_CLIENT: Final = rf"^{FOUR}$"
"""What nearly all clients are, as the other patterns have it, too: to compile it costs a tenth."""
_SURE_METHOD: Final = r"^[A-Z]{3,20}$"


def find_nonsense(raw: pl.DataFrame, statuses: pl.Series, *, is_guess: bool = False) -> pl.Series | None:
    """Tell of lines that fit a format whether their values make sense.

    Args:
        raw: text columns named by variables.
        statuses: the statuses as read, null where there is none.
        is_guess: what a column means was guessed from its position: the client must be an address, status and method must be there.

    Returns:
        A reason per row, null where all makes sense; None if that is everywhere.
    """
    clients = SURE_CLIENT if is_guess else CLIENTS
    checks = [(CLIENT, ~pl.col(name).str.contains(clients)) for name in PEERS if name in raw.columns and not _are_plain(raw[name])]
    if "status" in raw.columns and statuses.null_count():
        odd = pl.lit(statuses.is_null()) & ~pl.col("status").cast(pl.String).str.contains("^$" if is_guess else _NO_STATUS)
        checks.append((STATUS, odd | (pl.lit(is_guess) & pl.lit(statuses.is_null()))))
    if "request_method" in raw.columns:
        method = ~pl.col("request_method").str.contains(_SURE_METHOD if is_guess else _METHOD)
        checks.append((METHOD, method.fill_null(value=is_guess)))
    if "remote_user" in raw.columns and raw["remote_user"].str.contains(" ", literal=True).any():
        checks.append((AMBIGUOUS, pl.col("remote_user").str.contains(_CLIENT_BEHIND)))
    checks = [(reason, check.fill_null(value=False)) for reason, check in checks]
    if not checks:
        return None
    if not raw.select(pl.any_horizontal(check for _, check in checks).any()).item():
        return None
    return raw.select(pl.coalesce(pl.when(check).then(pl.lit(reason)) for reason, check in checks)).to_series()


def _are_plain(clients: pl.Series) -> bool:
    """Tell whether a few clients are such that nothing need be asked; of many the whole pattern is asked at once."""
    return clients.len() <= _FEW and clients.str.contains(PLAIN_CLIENT).all()


def find_doubtful(raw: pl.DataFrame, statuses: pl.Series) -> pl.Series:
    """Tell per row whether a server answered well what is no request line: then it is hardly one that stands there."""
    if "request" not in raw.columns or "request_method" in raw.columns:
        return pl.Series([False]).new_from_index(0, raw.height)
    is_well = pl.lit(statuses.is_between(200, 399))
    return raw.select((is_well & ~pl.col("request").str.contains(_LINE)).fill_null(value=False)).to_series()
