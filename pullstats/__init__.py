"""pullstats: who pulls what, read from access logs, on one machine."""
