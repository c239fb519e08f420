"""Text to ids and back, by the vocabulary that a model has."""
