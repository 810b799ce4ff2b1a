"""Of every request of a window, in which row of an answer it is, or why in none: for the questions whose rows no metric makes."""
