"""The minerals that Lithoscope knows, those that users add, and how they vary in nature."""

from lithoscope.minerals.library import Library, load_library, load_minerals_file
from lithoscope.minerals.sampling import sample_compositions

__all__ = ["Library", "load_library", "load_minerals_file", "sample_compositions"]
