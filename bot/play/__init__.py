"""Scored games: pure rules, scores and texts, without Discord, Redis or a model."""
