"""SQL over one snapshot of a store, by DuckDB, which reads nothing else and writes nothing.

`engine` knows DuckDB and no store: what may be asked, and what DuckDB may do. `tables` knows what there is to ask, `results` how DuckDB's values
become columns of ours. `asking` puts them together.
"""
