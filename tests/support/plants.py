"""Secrets that are planted, what must not be left of them, and where to look for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import polars.selectors as cs

USER = "wilhelmina"
CLIENT, HOP = "203.0.113.77", "2001:db8:77::9"
SECRETS = {
    "bearer": "Bearer c2VjcmV0dG9rZW4xMjM0NTY3ODkw",
    "basic": "Basic d2lsaGVsbWluYTpodW50ZXIy",
    "github": "ghp_1234567890abcdefABCDEF1234567890abcd",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "pypi": "pypi-AgEIcHlwaS5vcmcCJDU3ZmI3YjQxLTQ2NWQtNGRjNC04",
}
URL = f"https://{USER}:hunter2hunter2@cdn.example.com/a?X-Amz-Signature=f00dfeedf00dfeed&token=s3cr3ts3cr3t&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
FORBIDDEN = [
    USER, CLIENT, HOP, "hunter2", "f00dfeed", "s3cr3ts3cr3t",
    "c2VjcmV0dG9rZW4", "d2lsaGVsbWluY", "ghp_1234567890", "eyJhbGci", "AKIAIOSFODNN7", "pypi-AgEIcHl",
]  # fmt: skip
PLANTS = [*SECRETS.values(), URL, "password=hunter2hunter2&sig=f00dfeedf00dfeed"]


def every_text(store: Path) -> Iterator[str]:
    """Give every text and byte that the store keeps, opened and as it lies on disk."""
    for path in store.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            for column in frame.select(~(cs.numeric() | cs.temporal() | cs.boolean())):
                values = column.drop_nulls().unique()
                yield "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values.to_list())


def assert_clean(text: str, where: str) -> None:
    lowered = text.lower()
    for secret in FORBIDDEN:
        place = lowered.find(secret.lower())
        assert place < 0, f"{secret!r} in {where}: …{text[max(place - 120, 0) : place + 60]!r}…"
