"""Whose an address is: the owner of its network, or one's own name for it; and whether that owner is who asks.

An ISP's customers and a cloud's tenants are not the owner of their addresses; a company, a university, an authority is.

Source: network types as `enrich/rules/networks/owners.toml` tells them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

ORG, NETWORKS, NAMED_BY = "org", "networks", "named_by"
KEYS: Final = (ORG, NETWORKS, NAMED_BY)
OWN, UNKNOWN, CLOUD, ISP = "own", "unknown", "cloud", "isp"
GROUPS: Final = (OWN, UNKNOWN, CLOUD, ISP)
"""In the order in which they are told: those who may be customers first."""
_GROUP_OF_TYPE: Final = {
    "business": OWN,
    "education": OWN,
    "government": OWN,
    "private": OWN,
    "cloud": CLOUD,
    "hosting": CLOUD,
    "isp": ISP,
}
_IS_LISTED: Final = pl.col("organization_name").is_not_null()
COLUMNS: Final = ("organization_name", "as_organization", "network_type")
"""Event columns that the keys read."""
BY_LIST, BY_OWNER = "your list", "address owner"


def org_groups() -> dict[str, pl.Expr]:
    """Give name and value of each key: whose networks, of which kind, and who says so."""
    by_type = pl.col("network_type").replace_strict(_GROUP_OF_TYPE, default=UNKNOWN, return_dtype=pl.String)
    is_known = _IS_LISTED | pl.col("as_organization").is_not_null()
    by_type = pl.when(is_known).then(by_type).otherwise(pl.lit(UNKNOWN))
    return {
        ORG: pl.coalesce("organization_name", "as_organization"),
        NETWORKS: pl.when(_IS_LISTED).then(pl.lit(OWN)).otherwise(by_type),
        NAMED_BY: pl.when(_IS_LISTED).then(pl.lit(BY_LIST)).when(is_known).then(pl.lit(BY_OWNER)),
    }


def place_group() -> pl.Expr:
    """Give the place of each row's kind of network among `GROUPS`."""
    return pl.col(NETWORKS).replace_strict({name: place for place, name in enumerate(GROUPS)}, return_dtype=pl.Int64)
