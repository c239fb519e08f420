"""An engine of our own for many streams at once. Opened by `engine/select.py`; needs numba."""
