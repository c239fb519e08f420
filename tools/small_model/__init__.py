"""Parts of ``tools/train_small.py``: read texts, train a tiny GPT-2, export it, write figures."""
