"""One file per kind of question, and what stands around its answer.

breakdown, series (course, rolling), uniques (turnover, sketch), holders (timeline), concentration,
compare (alignment, noise), explain (ledger) → framing, small_rows, epochs
"""
