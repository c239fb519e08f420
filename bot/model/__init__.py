"""Model files: check, import, quantize, tokenize. Used by the worker, the command line, bench."""
