"""Which events: `--where` and its fellows, and errors with a caret under the place.

tokens → filters → selection; caret
"""
