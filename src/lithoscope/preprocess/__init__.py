"""From measured counts to what a model sees."""
