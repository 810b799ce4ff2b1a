"""The ways servers write what they would not write as it is."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import unquote

_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def plain_text(text: str) -> str:
    r"""Write as `\xhh` the bytes of a text (or a file's name) that were no UTF-8, as `\udhhh` surrogates that stand alone."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()


Escaping = Literal["none", "backslash", "percent", "plus", "doubled"]
r"""`backslash`: nginx, Apache and Go (`\x22`); `percent`: CloudFront, some texts twice (`%2520`);
`plus`: IIS, a `+` for a blank; `doubled`: CSV, `""` for a quote; `none`: nothing is left to undo (JSON)."""


def unescape_percent(text: str) -> str:
    """Undo `%HH`, twice where it was done twice: a client's own `%` came as `%25` then, too.

    Example:
        >>> unescape_percent("curl%2F7.88"), unescape_percent("curl%252F7.88")
        ('curl/7.88', 'curl/7.88')
    """
    once = unquote(text, errors="backslashreplace")
    return once if " " in once or not _PERCENT.search(once) else unquote(once, errors="backslashreplace")
