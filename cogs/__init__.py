"""Slash commands, one file per family; loaded by name. Check, defer, enqueue, answer."""
