"""HAProxy in all of its log options, through syslog, which is taken off before.

`option httplog` names no agent and writes its time without a zone; what was captured stands in
braces. Syslog cuts long lines, the request being the last field. The same log holds what HAProxy
says of itself and of its servers, connections without HTTP (`option tcplog`), and handshakes that
failed: no requests, all ignored.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/vendors/`.

Sources: docs.haproxy.org/2.8/configuration.html#8.2 (its five formats), #8.2.6 (errors);
haproxy/haproxy src/log.c (clf_http_log_format,
clf_tcp_log_format of 3.1), docs.haproxy.org/3.0/configuration.html#8.2.5 (error-log-format), src/server.c, src/proxy.c (notices).
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.text_lines import text_format

_DOCS: Final = "https://docs.haproxy.org/2.8/configuration.html#8.2.3"
_HEAD: Final = "$remote_addr:$client_port [$accept_date] $frontend"
_HTTP: Final = (
    _HEAD + " $backend_name/$server $tr/$tw/$tc/$tresp/$request_time_ms $status $bytes_sent"
    " $request_cookie $response_cookie $termination_state $actconn/$feconn/$beconn/$srv_conn/$retries $srv_queue/$backend_queue"
    ' $captures"$request"'
)
_COUNTERS: Final = "$actconn $feconn $beconn $srv_conn $retries $srv_queue $backend_queue"
_NOTICE: Final = (
    r"^(?:(?:Backup )?Server \S+ (?:is |was )|Proxy \S+ (?:started|stopped)|(?:backend|proxy) \S+ (?:has no server|started|stopped)"
    r"|Health check for |Connect from |(?:Stopping|Pausing|Enabling|Resuming|Starting) |New (?:worker|program) |Loading (?:success|failure)"
    r"|Current (?:worker|program) |(?:Exiting|Reexecuting) |\[(?:NOTICE|WARNING|ALERT)\] "
)
"""What HAProxy says of its servers and of itself."""
_NO_HTTP: Final = (
    r"|[^\s\[]+:[0-9]+ \[[^\]]*\] \S+ (?:\S+/\S+ -?[0-9]+/-?[0-9]+/\+?-?[0-9]+ \+?[0-9]+ [A-Za-z-]{2} [0-9]+/|\S+/\S+: |\S+: )"
    r"|[^\s\[]+:[0-9]+ \[[^\]]*\] \S+/\S+: |[^\s\[]+:[0-9]+ \[[^\]]*\] \S+ [0-9]+/[0-9]+ [0-9]+/"
    r'|\S+ - - \[[^\]]*\] "TCP " 000 )'
)
"""Connections: `option tcplog`, with and without clf; and those that failed before a request, as HAProxy and `error-log-format` tell of them."""
_IGNORED: Final = _NOTICE + _NO_HTTP

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "haproxy",
        _HTTP,
        "HAProxy HTTP log (option httplog)",
        _DOCS,
        "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "
        '"GET /index.html HTTP/1.1"',
        3,
        ignored=_IGNORED,
        values={"request": '[^"]*'},
        is_cut=True,
    ),
    text_format(
        "haproxy-https",
        _HTTP + " $conn_err/$ssl_err/$verify_err/$ca_err/$is_resumed $server_name/$ssl_version/$ssl_cipher",
        "HAProxy HTTPS log (option httpslog)",
        "https://docs.haproxy.org/2.8/configuration.html#8.2.4",
        "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] https-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "
        '"GET /index.html HTTP/1.1" 0/0/0/0/0 1wt.eu/TLSv1.3/TLS_AES_256_GCM_SHA384',
        4,
        ignored=_IGNORED,
        values={"request": '[^"]*'},
    ),
    text_format(
        "haproxy-clf",
        '$remote_addr - $remote_user [$time_local] "$request" $status $bytes_sent "$http_referer" "$http_user_agent" $client_port $milliseconds'
        ' "$frontend" "$backend_name" "$server" $tr $tw $tc $tresp $request_time_ms $termination_state ' + _COUNTERS + ' "$request_cookie" $rest',
        "HAProxy HTTP log in CLF (option httplog clf)",
        _DOCS,
        # elastic/beats issue 8301, addresses changed
        '198.51.100.53 - - [13/Sep/2018:08:43:21 +0000] "GET /this/is/a/path HTTP/1.1" 401 248 "" "" 31006 709 "https~" "vm-myvm" "<NOSRV>"'
        ' -1 -1 -1 -1 194 PR-- 1 1 0 0 3 0 0 "" ""',
        4,
        ignored=_IGNORED,
    ),
)
