"""The pure rules: no clock, no randomness, no I/O, no framework. Everyone may import it."""
