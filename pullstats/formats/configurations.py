"""Log formats in a server's configuration: `@nginx.conf:name`, `@apache2.conf:name`, `@haproxy.cfg:frontend`.

Files that a configuration includes are read, too, as long as they lie in its folder or below.

Source: nginx.org/en/docs/ngx_core_module.html#include; httpd.apache.org/docs/2.4/mod/core.html#include;
docs.haproxy.org/2.8/configuration.html#2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pullstats.errors import InputError, unknown_name
from pullstats.formats.nginx_conf import parse_conf
from pullstats.small_files import read_small

_MAX_CONF: Final = 16 << 20
_MAX_FILES: Final = 500
_INCLUDE: Final = re.compile(r"^\s*include(?:optional)?\s+(?:\"([^\"\n]+)\"|'([^'\n]+)'|([^\s;\"'#]+))\s*;?", re.IGNORECASE | re.MULTILINE)
_QUOTED: Final = r'(?:"((?:\\.|[^"\\])*)"|(\'(?:\\.|[^\'\\])*\')|((?:\\.|\S)+))'
_APACHE: Final = re.compile(r"^[ \t]*(?P<directive>LogFormat|CustomLog)[ \t]+(?P<rest>.+)$", re.IGNORECASE | re.MULTILINE)
_ARGUMENT: Final = re.compile(_QUOTED, re.DOTALL)
_HAPROXY: Final = re.compile(
    r"^[ \t]*(?:(?P<section>frontend|listen|defaults|backend)\b[ \t]*(?P<name>\S*)|log-format[ \t]+(?P<format>.+)"
    r"|option[ \t]+(?P<option>httpslog|httplog(?:[ \t]+clf)?)[ \t]*)$",
    re.MULTILINE,
)
_HTTPLOG: Final = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr%{+Q}r"  # captures bring their blanks along
)
_HAPROXY_OPTIONS: Final = {
    "httplog": _HTTPLOG,
    "httpslog": _HTTPLOG + " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc",
    "httplog clf": '%ci - - [%trg] %{+Q}r %ST %B "" "" %cp %ms "%ft" "%b" "%s" %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq "%CC" "%CS"%hrl',
}
"""What HAProxy writes by its options (src/log.c of 3.1)."""
_HAPROXY_NAMED: Final = re.compile(r"\$\{?HAPROXY_HTTPS?_(?:CLF_)?LOG_FMT\}?")
_APACHE_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Configured:
    """A log format of a configuration.

    Attributes:
        server: `nginx`, `apache` or `haproxy`.
        name: what it is called there.
        text: the template, as the server sees it.
    """

    server: str
    name: str
    text: str


def find_directive(text: str) -> Configured | None:
    """Read a whole directive that was pasted, `LogFormat "…" name` or `log_format name '…';`; None if it is none."""
    if not re.match(r"\s*(?:log_format|LogFormat|CustomLog|log-format)\s", text):
        return None
    return next(iter(parse_formats(text if text.rstrip().endswith(";") or "log_format" not in text else f"{text};")), None)


def read_configured(reference: str) -> Configured:
    """Read the format that `@FILE` or `@FILE:NAME` points to.

    Raises:
        InputError: the file cannot be read, holds no format, or several and no name is given.
        UsageError: it holds none of that name, with the nearest one.
    """
    path_text, _, name = reference.removeprefix("@").partition(":")
    found = {item.name: item for text in read_with_includes(Path(path_text)) for item in parse_formats(text)}
    if not found:
        raise InputError(f"'{path_text}' holds no log_format, LogFormat or log-format directive; without one nginx and Apache write nginx-combined")
    if name and name not in found:
        noun = f"log format in {path_text}"
        raise unknown_name(noun, name, found)
    if not name and len(found) > 1:
        raise InputError(f"'{path_text}' holds several log formats ({', '.join(sorted(found))}); choose one with @{path_text}:NAME")
    return found[name] if name else next(iter(found.values()))


def read_with_includes(path: Path) -> Iterator[str]:
    """Read a configuration, then the files it includes that lie in its folder or below, each once.

    Raises:
        InputError: the first one cannot be read.
    """
    try:
        text = read_small(path)[:_MAX_CONF].decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read the configuration '{path}': {error.strerror}") from error
    yield text
    root = path.resolve().parent
    seen, waiting, size = {path.resolve()}, list(_included(text, root)), len(text)
    while waiting and len(seen) < _MAX_FILES and size < _MAX_CONF:
        file = waiting.pop(0).resolve()
        if file in seen or not file.is_relative_to(root) or not file.is_file():
            continue
        seen.add(file)
        try:
            text = read_small(file)[:_MAX_CONF].decode("utf-8", "replace")
        except OSError:
            continue  # as a server would have to be root for some of them
        size += len(text)
        yield text
        waiting += _included(text, root)


def _included(text: str, root: Path) -> Iterator[Path]:
    """List the files that a configuration includes: patterns below its folder, folders whole."""
    for match in _INCLUDE.finditer(text):
        pattern = next(group for group in match.groups() if group)
        try:
            pattern = str(Path(pattern).relative_to(root)) if Path(pattern).is_absolute() else pattern
        except ValueError:
            continue
        if ".." in Path(pattern).parts:
            continue
        try:
            matches = sorted(root.glob(pattern))[:_MAX_FILES]
        except (OSError, ValueError, NotImplementedError):
            continue  # no pattern that finds files
        for found in matches:
            yield from sorted(found.rglob("*"))[:_MAX_FILES] if found.is_dir() else [found]


def parse_formats(text: str) -> list[Configured]:
    """List the log formats of a configuration, in order."""
    nginx = [Configured("nginx", item.name, item.text) for item in parse_conf(text)]
    return [*nginx, *_parse_apache(text), *_parse_haproxy(text)]


def _parse_apache(text: str) -> Iterator[Configured]:
    """List `LogFormat "…" name`, and what `CustomLog` writes without a name of its own."""
    for match in _APACHE.finditer(text.replace("\\\n", " ")):
        arguments = [_argument(found) for found in _ARGUMENT.finditer(match["rest"])]
        is_format = match["directive"].lower() == "logformat"
        template = arguments[0] if is_format and arguments else arguments[1] if len(arguments) > 1 else ""
        if "%" not in template:
            continue
        name = arguments[1] if is_format and len(arguments) > 1 else "default" if is_format else Path(arguments[0]).name
        yield Configured("apache", name, template)


def _argument(found: re.Match[str]) -> str:
    quoted, single, bare = found[1], found[2], found[3]
    text = quoted if quoted is not None else single[1:-1] if single is not None else bare
    return re.sub(r"\\([\"'\\tnr])", lambda match: _APACHE_ESCAPES.get(match[1], match[1]), text)


def _parse_haproxy(text: str) -> Iterator[Configured]:
    """List `log-format`, or what an option stands for, named by the section it stands in."""
    section = "default"
    for match in _HAPROXY.finditer(text):
        if match["section"]:
            section = match["name"] or match["section"]
        elif match["option"]:
            yield Configured("haproxy", section, _HAPROXY_OPTIONS[" ".join(match["option"].split())])
        else:
            template = match["format"].strip()
            quote = template[:1]
            if quote in "\"'" and template.rfind(quote) > 0:
                template = template[1 : template.rfind(quote)]
            template = re.sub(r"\\([ \"'\\#])", r"\1", template) if quote != "'" else template
            template = _HAPROXY_NAMED.sub(_name_format, template)
            yield Configured("haproxy", section, re.sub(r" {2,}", " ", template))


def _name_format(match: re.Match[str]) -> str:
    """Write out the format that a configuration takes from HAProxy's environment."""
    option = "httpslog" if "HTTPS_" in match[0] else "httplog clf" if "CLF_" in match[0] else "httplog"
    return _HAPROXY_OPTIONS[option]
