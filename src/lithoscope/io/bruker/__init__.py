"""Bruker's files: the container and stream of .bcf maps, and the header they share with .spx."""
