"""Checkpoints as others publish them: Hugging Face's, PyTorch's and TensorFlow's files."""
