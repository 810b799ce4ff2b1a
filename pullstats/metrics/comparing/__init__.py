"""Whether two sides differ by more than they always do."""
