"""The texture that a kind of rock has."""

from __future__ import annotations

import dataclasses

from lithoscope.minerals.rocks import Rock
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

# A scan that is smaller than so many grains across is given finer grains.
_GRAINS_ACROSS = 8

_GRANITIC = TextureRecipe(grain_um=1000.0, graphic_share=0.05, myrmekite_share=0.1)
_FOLIATED = TextureRecipe(grain_um=500.0, fabric="foliated", lobate=0.04)
_OPHITIC = TextureRecipe(grain_um=600.0, fabric="ophitic", lobate=0.02)
_VOLCANIC = TextureRecipe(grain_um=250.0, lobate=0.03)
_FINE = TextureRecipe(grain_um=60.0)
_ORE = TextureRecipe(grain_um=300.0, cracks=3)

_STYLES = {
    "granite": _GRANITIC,
    "aplite": dataclasses.replace(_GRANITIC, grain_um=300.0, graphic_share=0.1),
    "lct pegmatite": dataclasses.replace(_GRANITIC, grain_um=5000.0, graphic_share=0.25),
    "nyf pegmatite": dataclasses.replace(_GRANITIC, grain_um=5000.0, graphic_share=0.3),
    "granodiorite": _GRANITIC,
    "tonalite": dataclasses.replace(_GRANITIC, graphic_share=0.0),
    "gabbro": dataclasses.replace(_OPHITIC, grain_um=1200.0),
    "dolerite": _OPHITIC,
    "basalt": dataclasses.replace(_OPHITIC, grain_um=120.0),
    "andesite": _VOLCANIC,
    "dacite": _VOLCANIC,
    "rhyolite": _VOLCANIC,
    "trachyte": _VOLCANIC,
    "phonolite": _VOLCANIC,
    "gneiss": dataclasses.replace(_FOLIATED, myrmekite_share=0.1),
    "schist": _FOLIATED,
    "amphibolite": dataclasses.replace(_FOLIATED, banding=0.8),
    "slate": dataclasses.replace(_FOLIATED, grain_um=40.0),
    "banded iron formation": dataclasses.replace(_FOLIATED, grain_um=100.0, banding=2.0),
    "serpentinite": TextureRecipe(vein="chrysotile", vein_um=150.0),
    "shale": dataclasses.replace(_FOLIATED, grain_um=40.0),
    "limestone": _FINE,
    "chert": _FINE,
    "bauxite": _FINE,
    "porphyry copper ore": dataclasses.replace(_ORE, vein="quartz", vein_um=400.0),
    "massive sulfide ore": _ORE,
    "nickel sulfide ore": _ORE,
    "lead-zinc ore": _ORE,
    "tin-tungsten vein": dataclasses.replace(_ORE, grain_um=800.0),
    "gold quartz vein": dataclasses.replace(_ORE, grain_um=600.0),
}


def texture_of_rock(rock: Rock, extent_um: tuple[float, float]) -> TextureRecipe:
    """Return the texture of a kind of rock, for a scan of some size.

    Parameters
    ----------
    rock
        A rock; one without a style of its own is massive, with grains of half a millimetre.
    extent_um
        Height and width of the scan in µm. Where it is less than eight grains across, grains are
        finer than the rock's, so that the scan shows the whole rock.
    """
    style = _STYLES.get(rock.name, TextureRecipe())
    across = (extent_um[0] * extent_um[1]) ** 0.5
    return dataclasses.replace(style, grain_um=min(style.grain_um, across / _GRAINS_ACROSS))
