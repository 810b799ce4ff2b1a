"""The questions, a file each: a value that answers for itself."""
