"""Draws the next tokens from rows of logits. Used by every engine, so all draw alike.

One random stream per request and one number per token: the same logits and the same seed give
the same text, on any worker and in any batch. All arithmetic is of float64, row by row the same,
whatever the other rows are.
"""

from bot.engine.sampling.batch import Draw, draw_batch
from bot.engine.sampling.sampler import Sampler

__all__ = ["Draw", "Sampler", "draw_batch"]
