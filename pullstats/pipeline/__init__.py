"""The straight line, twice: `ingest` brings logs in, `answer` gives reports out.

The one place that knows every stage. Import the half you need: each loads only its own stages.
"""
