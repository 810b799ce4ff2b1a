"""The ways servers write what they would not write as it is."""

from __future__ import annotations

from typing import Literal

Escaping = Literal["none", "backslash", "percent", "plus", "doubled"]
r"""`backslash`: nginx, Apache and Go (`\x22`); `percent`: CloudFront, some texts twice (`%2520`);
`plus`: IIS, a `+` for a blank; `doubled`: CSV, `""` for a quote; `none`: nothing is left to undo (JSON)."""
