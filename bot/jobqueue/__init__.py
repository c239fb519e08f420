"""The job queue on Redis and its memory twin. Used by services and the worker."""
