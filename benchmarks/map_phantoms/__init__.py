"""How good maps are: phantoms whose truth is known, and whether intervals hold it."""
