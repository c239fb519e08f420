"""Tries models: whether one works at all, and how good several are beside each other."""
