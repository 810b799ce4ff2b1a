"""What package servers and forges say of their requests among their own messages: Verdaccio, devpi, Gitea and Forgejo, Rails (GitLab).

These streams hold the program's other messages, too, which are ignored, and most tell of a request
twice: when it comes and when it is answered. The line that says more counts. Verdaccio says of a
request that was read, before it is answered, that its status was 200 and nothing was sent: no
answer to a GET is so. devpi names no client, devpi and Rails no status. Their access logs in
common or combined are read as such.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in `tests/cases/vendors/`.

Sources: verdaccio packages/middleware/src/middlewares/log.ts, packages/logger/logger-prettify;
devpi-server 6.20 views.py (tween_request_logging), log.py; go-gitea/gitea modules/web/routing/
logger.go, routers/common/logger.go of 1.15; rails/rails railties/lib/rails/rack/logger.rb;
docs.gitlab.com/administration/logs (production.log).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.formats.conversions import Conversion, ConvertingReader
from pullstats.formats.log_format import LogFormat
from pullstats.formats.template import Part, Slot
from pullstats.formats.templates import CompiledFormat, split_nginx
from pullstats.formats.text_lines import TextReader, text_format
from pullstats.formats.variables import DATED, ISO

_LEVELS: Final = r"(?:trace|debug|info|http|warn|error|fatal) *"
_VERDACCIO: Final = "  $level$direction $status, user: $nobody$remote_user($client), req: '$request', $said$bytes_sent$rest"
_VERDACCIO_VALUES: Final = {
    "level": _LEVELS,
    "direction": "(?:<--|---)",
    "nobody": r"(?:null\b)?",
    "remote_user": r"[^(]*",
    "request": r"[A-Z]+ [^']*",
    "said": "(?:bytes: [0-9]+/|error: )",
    "bytes_sent": "[0-9]*",
}
_VERDACCIO_MESSAGE: Final = rf"^(?:\[[^\]]*\])? *{_LEVELS}(?:<--|-->|---|-=-|-x-) "
_VERDACCIO_ANSWER: Final = (
    r"(?:<--|---) (?:(?:[1345][0-9]{2}|20[1-9]|2[1-9][0-9]), user: "
    r"|200, user: [^(]*\([^()]*\), req: '(?:HEAD |[A-Z]+ [^']*', (?:error: |bytes: [0-9]+/[1-9])))"
)
_CLIENT: Final = r"^(?:(?P<http_x_forwarded_for>.*) via )?(?P<remote_addr>\S*)$"
"""`1.2.3.4 via 10.0.0.1`: what the header says, and the peer."""


def _verdaccio(name: str, template: str, about: str, sample: str) -> LogFormat:
    split = split_nginx(template)
    parts: list[Part] = [replace(part, bare=r"[^()]*") if isinstance(part, Slot) and part.name == "client" else part for part in split.parts]
    client = Conversion(("client",), "parts", _CLIENT, ("http_x_forwarded_for", "remote_addr"))
    compiled = CompiledFormat(replace(split, parts=tuple(parts), conversions=(client,)), "none", _VERDACCIO_VALUES)
    reader = TextReader(compiled, _VERDACCIO_MESSAGE, "none", _VERDACCIO_ANSWER)
    return LogFormat(name, about, "https://verdaccio.org/docs/logger/", sample, ConvertingReader(reader, (client,)), 3)


_TAGS: Final = r"(?:[DIWEFA], \[[^\]]*\] +[A-Z]+ -- [^:]*: )?(?:\[[^\]]*\] )*"
_RAILS_STEPS: Final = (
    r"(?: *Processing by | *Completed [0-9]{3} | *Parameters: | *Render(?:ed|ing) | *Redirected to | *Sent (?:file|data) | *Filter chain halted"
    r"| *Read fragment | *Write fragment | *\[ActiveJob\] |$)"
)
_GITEA: Final = "https://docs.gitea.com/administration/logging-config"
_GITEA_VALUES: Final = {"caller": ".*?", "remote_addr": r"[^\s,]*", "status_text": "[A-Za-z' -]*", "handler": "(?: @ .*)?"}
_GITEA_MESSAGE: Final = rf"^{DATED} (?:\S+ )?(?:\[[0-9a-f-]+\] )?\[[TDIWEFC]\] "

FORMATS: Final[tuple[LogFormat, ...]] = (
    _verdaccio(
        "verdaccio",
        "[$time_dated]" + _VERDACCIO,
        "Verdaccio's text with times (format: pretty-timestamped)",
        "[2020-03-28 16:00:48] http <-- 200, user: null(127.0.0.1), req: 'GET /demo/-/demo-1.0.0.tgz', bytes: 0/150186",
    ),
    _verdaccio(
        "verdaccio-untimed",
        _VERDACCIO,
        "Verdaccio's text (format: pretty): needs a wrapper that has a time",
        " http <-- 200, user: null(127.0.0.1), req: 'GET /demo/-/demo-1.0.0.tgz', bytes: 0/150186",
    ),
    text_format(
        "devpi",
        "$time_dated $level [req$number] $request_method $request_uri",
        "devpi-server's own log, which names neither client nor status",
        "https://devpi.net/docs/devpi/devpi/stable/+doc/adminman/server.html",
        # devpi-server 6.20
        "2024-03-12 10:11:12,104 INFO  [req17] GET /root/pypi/+f/0ab/1cd/demo-1.0-py3-none-any.whl",
        3,
        ignored=rf"^{DATED} (?:DEBUG|INFO |WARNI|ERROR|CRITI) ",
        unless=r" INFO  \[req[0-9]+\] [A-Z]+ /\S*$",
        needs_address=False,
        values={"level": "INFO ", "number": "[0-9]+", "request_method": "[A-Z]+"},
    ),
    text_format(
        "gitea",
        "$time_dated $caller[$level] router: completed $request_method $request_uri for $remote_addr, $status $status_text in $duration_text$handler",
        "Gitea and Forgejo: the router's log",
        _GITEA,
        "2024/07/17 13:57:51 ...eb/routing/logger.go:102:func1() [I] router: completed GET /acme/app/releases/download/v1.0/app.zip for"
        " 198.51.100.9:50970, 200 OK in 1.7ms @ repo/repo.go:318(repo.RedirectDownload)",
        3,
        ignored=_GITEA_MESSAGE,
        unless="router: completed ",
        values=_GITEA_VALUES,
    ),
    text_format(
        "gitea-1.15",
        "$time_dated $caller[$level] Completed $request_method $request_uri $status $status_text in $duration_text",
        "Gitea up to 1.15: the router's log, which names no client in the line with the status",
        _GITEA,
        "2021/06/17 13:57:51 ...ers/common/logger.go:29:func1() [I] Completed GET /acme/app/archive/main.zip 200 OK in 1.7ms",
        3,
        ignored=_GITEA_MESSAGE,
        unless=r"\] Completed [A-Z]+ |router: completed ",
        needs_address=False,
        values=_GITEA_VALUES,
    ),
    text_format(
        "rails",
        '${tags}Started $request_method "$request_uri" for $remote_addr at $time_iso8601',
        "Rails, as GitLab's production.log: requests as they come, without a status",
        "https://docs.gitlab.com/administration/logs/#productionlog",
        'Started GET "/gitlabhq/yaml_db/archive/main.zip" for 198.51.100.9 at 2015-02-12 19:34:53 +0200',
        3,
        ignored=f"^{_TAGS}{_RAILS_STEPS}",
        values={"tags": _TAGS, "request_method": "[A-Z]+", "time_iso8601": ISO},
    ),
)
