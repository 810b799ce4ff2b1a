"""Why an origin comes: requests to visits, visits to features, features to a class with its score and evidence.

requests ─► visits ─► features (periods, rhythm, takings) ─► signs (classes.toml) ─► class, score, evidence
"""
