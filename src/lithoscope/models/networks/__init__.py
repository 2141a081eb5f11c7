"""One file a network; `models.registry` lists them by name."""
