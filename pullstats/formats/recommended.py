"""The nginx `log_format` that tells pullstats the most and gives nobody away.

JSON, so that no value can be mistaken for two; the time to the millisecond, so that what belongs
together is told from what does not; the request id and the forwarded addresses, so that a
balancer in front is no single visitor; the range, so that a resumed download is one. No
`Authorization`, no cookie. Everything is quoted: an empty number would break the line.

Source: nginx.org/en/docs/http/ngx_http_log_module.html (escape=json), ngx_http_core_module.html
($request_id, $msec).
"""

from __future__ import annotations

from typing import Final

_KEYS: Final = (
    ("time_iso8601", "msec", "remote_addr", "http_x_forwarded_for", "remote_user"),
    ("scheme", "host", "request_method", "request_uri", "server_protocol"),
    ("status", "body_bytes_sent", "request_time", "request_id", "http_range"),
    ("upstream_addr", "upstream_cache_status", "http_referer", "http_user_agent"),
)


def _write() -> str:
    rows = [",".join(f'"{name}":"${name}"' for name in names) for names in _KEYS]
    lines = [f"    '{'{' if row is rows[0] else ''}{row}{',' if row is not rows[-1] else '}'}'" for row in rows]
    return "log_format pullstats escape=json\n" + "\n".join(lines) + ";"


RECOMMENDED: Final = _write()
"""Ready to paste into nginx's `http` block; then `access_log /var/log/nginx/access.log pullstats;`."""
