"""Command-line tools that are run from a checkout and never shipped with the bot."""
