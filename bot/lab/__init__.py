"""The GPT-2 paper's zero-shot tasks: what is asked of a model, and what its answers mean. Pure."""
