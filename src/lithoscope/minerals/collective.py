"""Names that mean several minerals: rocks, and series of which nature names only the ends."""

from __future__ import annotations

from lithoscope.errors import MineralError
from lithoscope.minerals.names import name_key

_PLAGIOCLASE = ("albite", "oligoclase", "andesine", "labradorite", "bytownite", "anorthite")
_POTASSIUM_FELDSPAR = ("orthoclase", "microcline", "sanidine")
_HORNBLENDE = ("magnesio-hornblende", "tschermakite", "edenite", "pargasite", "hastingsite")
_TOURMALINE = ("schorl", "dravite", "elbaite", "fluor-liddicoatite")

SERIES: dict[str, tuple[str, ...]] = {
    "alkali feldspar": (*_POTASSIUM_FELDSPAR, "anorthoclase", "albite"),
    "amphibole": (
        *("tremolite", "actinolite", "ferro-actinolite", *_HORNBLENDE, "kaersutite"),
        *("anthophyllite", "gedrite", "cummingtonite", "grunerite", "glaucophane"),
        *("riebeckite", "arfvedsonite", "richterite", "holmquistite"),
    ),
    "apatite": ("fluorapatite", "hydroxylapatite", "chlorapatite"),
    "biotite": ("annite", "phlogopite"),
    "chlorite": ("clinochlore", "chamosite"),
    "clay": ("kaolinite", "illite", "montmorillonite", "nontronite", "saponite"),
    "columbite": ("columbite-(fe)", "columbite-(mn)"),
    "coltan": ("columbite-(fe)", "columbite-(mn)", "tantalite-(fe)", "tantalite-(mn)"),
    "fahlore": ("tetrahedrite-(fe)", "tennantite-(fe)"),
    "feldspar": (*_POTASSIUM_FELDSPAR, "anorthoclase", *_PLAGIOCLASE, "celsian"),
    "garnet": (
        *("almandine", "pyrope", "spessartine", "grossular", "andradite"),
        *("uvarovite", "schorlomite"),
    ),
    "hornblende": _HORNBLENDE,
    "k-feldspar": _POTASSIUM_FELDSPAR,
    "lepidolite": ("trilithionite", "polylithionite"),
    "mica": (
        *("muscovite", "phlogopite", "annite", "siderophyllite", "trilithionite"),
        *("polylithionite", "paragonite", "margarite", "celadonite"),
    ),
    "olivine": ("forsterite", "fayalite"),
    "orthopyroxene": ("enstatite", "ferrosilite"),
    "clinopyroxene": ("diopside", "hedenbergite", "augite", "pigeonite"),
    "plagioclase": _PLAGIOCLASE,
    "potassium feldspar": _POTASSIUM_FELDSPAR,
    "pyroxene": (
        *("enstatite", "ferrosilite", "diopside", "hedenbergite", "augite", "pigeonite"),
        *("aegirine", "jadeite", "omphacite", "spodumene"),
    ),
    "scapolite": ("marialite", "meionite"),
    "serpentine": ("antigorite", "chrysotile"),
    "smectite": ("montmorillonite", "nontronite", "saponite"),
    "tantalite": ("tantalite-(fe)", "tantalite-(mn)"),
    "tourmaline": _TOURMALINE,
    "wolframite": ("ferberite", "hubnerite"),
    "zeolite": ("analcime", "natrolite", "laumontite", "heulandite-ca"),
    "zinnwaldite": ("siderophyllite", "polylithionite"),
}


def refuse_collective_name(name: str) -> None:
    """Raise `MineralError` if a name, in any case, means several minerals."""
    key = name_key(name)
    if members := SERIES.get(key):
        raise MineralError(
            f"'{name}' is a name for several minerals.",
            expected=f"one of them: {', '.join(members)}",
            remedy=f"name all that matter: {','.join(members)}",
        )
    if members := _minerals_of_rock(key):
        raise MineralError(
            f"'{name}' is a rock, a mixture of minerals.",
            expected=f"minerals, such as {', '.join(members)}",
            remedy=f"name the minerals: {','.join(members)}",
        )


def _minerals_of_rock(key: str) -> tuple[str, ...]:
    from lithoscope.minerals.rocks import load_rocks

    for rock in load_rocks():
        if key in map(name_key, (rock.name, *rock.aliases)):
            return rock.main_minerals
    return ()
