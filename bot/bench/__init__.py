"""Measurements beside peers, run by `bardling bench`; prints figures, judges nothing."""
