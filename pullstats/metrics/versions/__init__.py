"""What became of releases: who asks for which, which is newer, when each came out, who moved and who did not."""
