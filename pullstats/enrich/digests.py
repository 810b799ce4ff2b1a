"""Which platform a digest stands for, as the image indexes of a registry say.

A runtime that states no architecture (containerd, BuildKit) still asks for the manifest of its
own: the index tells which one that is.

Sources: OCI image-spec image-index.md and Docker's manifest list ("manifests[].platform"), as
`docker buildx imagetools inspect --raw`, `skopeo inspect --raw` and `crane manifest` print them;
`docker manifest inspect -v` ("Descriptor").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.errors import InputError
from pullstats.small_files import read_small_text

PLATFORM_SCHEMA: Final = pl.Schema({"digest": pl.String(), "os": pl.String(), "arch": pl.String()})
MAX_SIZE: Final = 64 << 20
_DIGEST: Final = re.compile(r"^[a-z0-9+._-]+:[0-9a-f]{32,128}$")
_WORD: Final = re.compile(r"^[a-z0-9._-]{1,32}$")


def load_digests(paths: Sequence[Path]) -> pl.DataFrame:
    """Read image indexes.

    Args:
        paths: files that hold an index, several behind each other, or a JSON list of them.

    Returns:
        A row per platform digest: `digest`, `os`, `arch` (GOOS and GOARCH names, `arm/v7`).

    Raises:
        InputError: a file cannot be read, or holds no index.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        before = len(found)
        for document in _read_documents(path):
            found |= dict(_platforms(document))
        if len(found) == before and not any(_is_index(document) for document in _read_documents(path)):
            raise InputError(
                f"'{path}' is no image index: it names no manifests with a platform; save one with 'skopeo inspect --raw docker://IMAGE'"
            )
    return pl.DataFrame([(digest, *platform) for digest, platform in found.items()], schema=PLATFORM_SCHEMA, orient="row")


def _read_documents(path: Path) -> list[Any]:
    """Read all JSON values of a file."""
    try:
        text = read_small_text(path, MAX_SIZE).strip()
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' is no image index: it is no text") from error
    decoder, position, documents = json.JSONDecoder(), 0, []
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise InputError(f"'{path}' is no image index: it is no JSON") from error
        documents += value if isinstance(value, list) else [value]
        position += len(text[position:]) - len(text[position:].lstrip())
    return documents


def _is_index(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("manifests"), list)


def _platforms(document: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give digest and platform of every manifest an index names; attestations have none."""
    if not isinstance(document, dict):
        return
    entries = document["manifests"] if _is_index(document) else [document.get("Descriptor", document)]
    for entry in entries:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        digest = entry.get("digest") if isinstance(entry, dict) else None
        if not isinstance(platform, dict) or not isinstance(digest, str) or not _DIGEST.match(digest):
            continue
        name, arch, variant = (str(platform.get(key) or "") for key in ("os", "architecture", "variant"))
        if _WORD.match(name) and _WORD.match(arch) and "unknown" not in (name, arch):
            yield digest, (name, f"{arch}/{variant}" if arch == "arm" and _WORD.match(variant) else arch)
