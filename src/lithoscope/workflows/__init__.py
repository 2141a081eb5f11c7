"""Whole tasks, as the command line and Python users call them."""
