"""The page for a browser: one file, no network, made of the reports that the terminal prints.

To add a section: a file in `sections/` with a `Section`, and its place in `sections/__init__.py`.
"""
