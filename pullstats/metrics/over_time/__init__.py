"""Answers bucket by bucket: which buckets there are, what is known of each, spans that look back, who comes and goes."""
