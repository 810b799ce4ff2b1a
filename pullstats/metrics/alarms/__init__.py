"""When a number is an alarm: the conditions that people set, and what the logs and the past say of them."""
