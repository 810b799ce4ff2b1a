"""The letter about a period, for mail, a discussion or a wiki: a few sentences and tables, in Markdown, HTML, plain text or JSON.

questions  →  reports  →  sections (`sections.py`)  →  Letter  →  one of `FORMATS` (`formats.py`)
"""
