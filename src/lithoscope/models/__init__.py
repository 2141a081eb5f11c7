"""Networks, their registry, and the checkpoint that keeps all a model needs together."""
