"""Orders of versions that take more than a line to say, an ecosystem each; see `version_order`."""
