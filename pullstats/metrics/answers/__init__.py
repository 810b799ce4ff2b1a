"""What stands around the numbers of an answer: words, order, what must not be told, and how they came about."""
