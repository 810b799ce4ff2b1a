"""When: windows, buckets in any zone, what is final, where logs are silent, when versions came out.

windows → spans, buckets → clock_changes; completeness; dates, releases
"""
