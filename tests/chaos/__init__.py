"""A run in which processes die all the time, and an account of what became of every job."""
