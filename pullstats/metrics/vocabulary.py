"""The values that dimensions with a fixed set of values can have, and what else people call them."""

from __future__ import annotations

from typing import Final

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLASS_OF_KIND: Final = {
    "ci": "ci",
    "mirror": "mirror",
    "update-poller": "updater",
    "scanner": "scanner",
    "probe": "probe",
    "bot": "bot",
    "browser": "browser",
}
CLASSES: Final = ("production", "ci", "development", "mirror", "updater", "scanner", "probe", "bot", "browser", "unknown")
"""Why an origin comes; see `behaviour`."""
KINDS: Final = (
    *("package-manager", "container-runtime", "container-tool", "mirror", "update-poller", "scanner"),
    *("ci", "probe", "bot", "browser", "http-library", "unknown"),
)
INSTALLING: Final = "package-manager"
"""Kind of the clients that install."""
TAKES_ITS_OWN: Final = (INSTALLING, "container-runtime")
ACTIONS: Final = ("ping", "auth", "search", "index", "metadata", "manifest", "blob", "download", "upload", "other")
ECOSYSTEMS: Final = (
    *("oci", "pypi", "npm", "maven", "golang", "cargo", "gem", "hex", "nuget", "composer", "conda", "helm", "deb", "rpm", "apk"),
    *("huggingface", "github", "generic"),
)
KNOWN_AS: Final = {"docker": "oci", "pip": "pypi", "go": "golang", "rubygems": "gem", "apt": "deb", "alpine": "apk", "github-release": "github"}
"""What people call ecosystems that purl names otherwise."""
STATUS_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
