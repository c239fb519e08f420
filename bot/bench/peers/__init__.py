"""Contenders that are not ours: one small program each, run in a child. They import no more of
the project than `bot.bench.child`, so that another environment can run them."""
