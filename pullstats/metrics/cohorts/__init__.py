"""Who came when for the first time, and who of them came again."""
