"""What runs by itself: a table of jobs, and a process that rings the bell for each; the truth is rows with a time."""
