"""Engines: run a checked model file step by step. Used by the worker and the benchmarks."""
