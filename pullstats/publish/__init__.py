"""Documents for people who open no terminal, made of several reports: each number in them is a number of a report."""
