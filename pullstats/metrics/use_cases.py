"""What an image is pulled for as Docker tells its verified publishers: by agent and cloud alone, whatever the pattern (`docker-use-case@1`).

Tools of local development on a cloud are taken for CI, tools of CI on a cloud for production. The page names Docker Desktop and
docker commands, containerd, build tools and mirrors, Kubernetes and orchestrators; which other client is of which kind is our reading.

To add one: a client in `_TOOLS`. A client that changes its place is a new version.

Source: https://docs.docker.com/docker-hub/repos/manage/trusted-content/insights-analytics/, Tracked companies report, INFERRED_USE_CASE.
"""

from __future__ import annotations

from typing import Final

import polars as pl

LABEL: Final = "docker-use-case@1"
LOCAL, BUILD, PRODUCTION, UNKNOWN = "local-dev", "ci-cd", "prod", "unknown"
USE_CASES: Final = (LOCAL, BUILD, PRODUCTION, UNKNOWN)
CALLED: Final = {
    "local dev": LOCAL,
    "local": LOCAL,
    "development": LOCAL,
    "dev": LOCAL,
    "ci/cd": BUILD,
    "cicd": BUILD,
    "ci": BUILD,
    "production": PRODUCTION,
}
"""What else they are called, there and as our classes."""
_TOOLS: Final = {
    LOCAL: ("docker", "docker-cli", "moby-client", "podman"),
    BUILD: ("containerd", "buildkit", "buildah", "kaniko", "ko", "skopeo", "containers-image", "crane", "gcrane", "go-containerregistry", "regctl"),
    PRODUCTION: ("cri-o", "argocd", "flux"),
}
_KINDS: Final = {"ci": BUILD, "mirror": BUILD}
"""Kinds of client that are all of one use: build servers, and what mirrors registries."""
_ON_CLOUD: Final = {LOCAL: BUILD, BUILD: PRODUCTION}


def name_use_case() -> pl.Expr:
    """Name what an image is pulled for: a value of `USE_CASES`, of client, its kind and the cloud."""
    clients = {client: use for use, names in _TOOLS.items() for client in names}
    by_client = pl.col("user_agent_name").replace_strict(clients, default=None, return_dtype=pl.String)
    by_kind = pl.col("user_agent_kind").replace_strict(_KINDS, default=UNKNOWN, return_dtype=pl.String)
    use = pl.coalesce(by_client, by_kind)
    return pl.when(pl.col("cloud_provider").is_not_null()).then(use.replace(_ON_CLOUD)).otherwise(use)
