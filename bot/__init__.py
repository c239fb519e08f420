"""Bardling: a Discord bot that lets a server play with a quantized GPT-2 it hosts itself."""

__version__ = "0.1.0"
