"""Made-up traffic whose reasons are known: who polls, builds, mirrors, watches, tries, and how many machines there are.

Every kind of client does what its program does (see `sequences`), at the times its scheduler or its user would choose (see
`moments`); a world draws their parameters from wide ranges. The same seed gives the same lines.
"""
