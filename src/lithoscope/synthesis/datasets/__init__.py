"""Data sets on disk: split, written, and read back from here or from elsewhere."""
