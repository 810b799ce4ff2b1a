"""What the tests share: made-up requests and logs, independent counts, ways to ask."""
