"""The minerals that Lithoscope knows, those that users add, and how they vary in nature."""

from lithoscope.minerals.library import Library, load_library, load_minerals_file
from lithoscope.minerals.rocks import Rock, find_rock, load_rocks, sample_rock
from lithoscope.minerals.sampling import sample_compositions

__all__ = [
    "Library",
    "Rock",
    "find_rock",
    "load_library",
    "load_minerals_file",
    "load_rocks",
    "sample_compositions",
    "sample_rock",
]
