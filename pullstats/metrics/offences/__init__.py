"""Requests that need not have been made: what each kind of waste is, how it is found, and what to tell whoever makes it."""
