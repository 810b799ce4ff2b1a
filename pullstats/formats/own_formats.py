"""Formats that the user describes: `--log-format`.

In which language a text is written shows in its directives; where the template is a JSON object,
its keys are known from it. `@FILE` and `@FILE:NAME` take it from a server's configuration.

To add a language: see `languages.py`.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.errors import InputError
from pullstats.formats import apache_directives, caddy_placeholders, envoy_operators, go_templates, haproxy_variables, nginx_variables
from pullstats.formats.configurations import find_directive, read_configured
from pullstats.formats.conversions import ConvertingReader
from pullstats.formats.json_templates import compile_json_template, parse_json_template
from pullstats.formats.languages import Language, finish, split_parts, take_best
from pullstats.formats.log_format import LogFormat, Reader
from pullstats.formats.template import Template
from pullstats.formats.templates import MAX_LENGTH, check_template, compile_template, show_template
from pullstats.formats.text_lines import TextReader
from pullstats.formats.variables import ADDRESS, FORWARDED, FROM_UTC, TIMES
from pullstats.formats.w3c import W3cReader, describe_fields

LANGUAGES: Final[tuple[Language, ...]] = (
    go_templates.LANGUAGE,
    envoy_operators.LANGUAGE,
    haproxy_variables.LANGUAGE,
    nginx_variables.LANGUAGE,
    caddy_placeholders.LANGUAGE,
    apache_directives.LANGUAGE,
)
"""In the order in which they are told: a sign of the later ones may stand in a text of the earlier."""

_BY_NAME: Final = {language.name.removesuffix("-custom"): language for language in LANGUAGES}
_FIELDS: Final = re.compile(r"\s*#\s*fields:", re.IGNORECASE)


def custom_format(text: str) -> LogFormat:
    """Build the format that `--log-format` describes.

    Args:
        text: a template in one of `LANGUAGES`, a W3C `#Fields:` line, a whole directive of a
            configuration, or `@FILE[:NAME]`.

    Raises:
        InputError: it does not compile, or says neither what was asked for nor who asked.
    """
    found = read_configured(text) if text.startswith("@") else find_directive(text)
    if found is None and _FIELDS.match(text):
        return _describe_fields(text.strip())
    language = _BY_NAME[found.server] if found else _tell_language(text)
    text = language.unescape(text) if found is None else found.text
    if found is not None and language is caddy_placeholders.LANGUAGE:
        text = language.unescape(text)
    template, reader = _compile(text, language)
    check_template(template, needs_time=False, needs_address=False, needs_target=True)
    return LogFormat(language.name, language.help, language.doc_url, text, reader, caution=_caution(template))


def _describe_fields(directive: str) -> LogFormat:
    log_format = describe_fields(directive)
    assert isinstance(log_format.reader, W3cReader)
    check_template(log_format.reader.text.compiled.template, needs_time=False, needs_address=False, needs_target=True)
    return log_format


def _tell_language(text: str) -> Language:
    if len(text) > MAX_LENGTH:
        raise InputError(f"the log format is too long ({len(text)} characters); {MAX_LENGTH} is the limit")
    for language in LANGUAGES:
        if language.sign.search(text):
            return language
    raise InputError(
        f"the log format {show_template(text)} has no $variables (nginx) and no %directives (Apache, HAProxy, Envoy);"
        " paste the string of the server's own directive, or name its configuration with @nginx.conf:name"
    )


def _compile(text: str, language: Language) -> tuple[Template, Reader]:
    parsed = parse_json_template(text, language) if text.lstrip().startswith("{") else None
    if isinstance(parsed, dict):
        return compile_json_template(text, parsed, language)
    parts, forms = split_parts(text, language, 0)
    template = finish(text, take_best(parts, language.best), forms)
    check_template(template, needs_time=False, needs_address=False)
    reader = TextReader(compile_template(template))
    return template, ConvertingReader(reader, template.conversions) if template.conversions else reader


def _caution(template: Template) -> str | None:
    """Say what lines of a format cannot tell."""
    if template.says.isdisjoint((*FROM_UTC, *TIMES)):
        return "the log format has no time, so that lines can only be read where a wrapper such as syslog gives one"
    if template.says.isdisjoint((*ADDRESS, *FORWARDED)):
        return "the log format has no client address, so that there are no origins and no unique clients"
    return None
