"""The network behind ``map --smooth unet``: its phantoms, its training, what it is worth."""
