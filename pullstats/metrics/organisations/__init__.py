"""Owners of networks: whose they are, what comes from them, and whether it grew."""
