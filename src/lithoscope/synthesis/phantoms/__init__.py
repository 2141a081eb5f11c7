"""Phantoms: simulated scans of rocks whose truth is known, pixel by pixel."""

from lithoscope.synthesis.phantoms.phantom import Phantom
from lithoscope.synthesis.phantoms.recipe import PhantomRecipe, ScanRecipe
from lithoscope.synthesis.phantoms.styles import texture_of_rock
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

__all__ = ["Phantom", "PhantomRecipe", "ScanRecipe", "TextureRecipe", "texture_of_rock"]
