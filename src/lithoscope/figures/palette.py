"""Colours: each mineral its own, told apart also by colour-blind readers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

# Seventeen colours that start from what mineralogists are used to and were moved until every two,
# also with VOID, UNKNOWN and OTHER, are at least 11 CIEDE2000 units apart (Sharma et al. 2005,
# Color Res. Appl. 30) in normal, deuteranopic and protanopic vision (Machado et al. 2009, IEEE
# Trans. Vis. Comput. Graph. 15). tests/figures/test_palette.py measures it.
POOL = {
    "pale": "#ced8eb",
    "pink": "#f5a79d",
    "sky": "#5893ff",
    "brown": "#623114",
    "cream": "#ebf5c4",
    "green": "#276245",
    "olive": "#89931d",
    "red": "#b1003b",
    "teal": "#80b1b1",
    "yellow": "#ffe21d",
    "orange": "#f5a758",
    "black": "#14141d",
    "slate": "#455876",
    "violet": "#890ac4",
    "lilac": "#ceb1f5",
    "blue": "#141d89",
    "tan": "#a7936c",
}
VOID_COLOUR = "#ffffff"
UNKNOWN_COLOUR = "#ff00c8"
OTHER_COLOUR = "#808080"

# Minerals that are often found together have different colours.
_TRADITION = {
    "pale": ("quartz", "arsenopyrite"),
    "pink": ("orthoclase", "rhodochrosite"),
    "sky": ("albite", "oligoclase", "andesine", "labradorite", "bytownite", "anorthite"),
    "brown": ("annite", "phlogopite", "pyrrhotite", "goethite"),
    "cream": ("muscovite", "talc", "gypsum", "halite"),
    "green": (
        "diopside",
        "augite",
        "hedenbergite",
        "enstatite",
        "actinolite",
        "malachite",
        "tremolite",
    ),
    "olive": ("forsterite", "fayalite", "epidote", "clinochlore", "chamosite"),
    "red": ("almandine", "pyrope", "spessartine", "hematite", "cinnabar"),
    "teal": ("fluorapatite", "molybdenite", "kaolinite"),
    "yellow": ("pyrite", "gold", "sulfur", "anhydrite"),
    "orange": ("chalcopyrite", "zircon", "monazite-(ce)", "grossular"),
    "black": ("magnetite", "chromite", "schorl", "uraninite"),
    "slate": ("galena", "ilmenite", "cassiterite", "rutile", "stibnite"),
    "violet": ("fluorite", "bornite", "polylithionite", "trilithionite"),
    "lilac": ("spodumene", "petalite", "titanite", "elbaite"),
    "blue": ("beryl", "chalcocite", "kyanite", "cordierite"),
    "tan": ("calcite", "dolomite", "ankerite", "siderite", "sphalerite", "topaz"),
}
_HOMES = {mineral: colour for colour, minerals in _TRADITION.items() for mineral in minerals}


def mineral_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return the colour of each label, no two of the first 17 alike.

    A label has the colour of its first member that tradition gives one, else one drawn from its
    first member's name, so that it is the same in every figure. Where two labels shown together
    share a colour, the later one moves to a colour that no other label here would have.

    Parameters
    ----------
    labels
        Labels shown in one figure, the most abundant first; members are joined by ``/``.

    Returns
    -------
    dict
        Label to ``#rrggbb``. Labels beyond the pool's 17 colours keep their own though it is taken.
    """
    homes = {label: _home(label) for label in labels}
    owners: dict[str, str] = {}
    for label, home in homes.items():
        owners.setdefault(home, label)
    names = list(POOL)
    free = [name for name in names if name not in owners]
    colours = {}
    for label, home in homes.items():
        if owners[home] != label and free:
            # Starting at its own place in the pool keeps the choice apart from the order of others.
            place = names.index(home)
            home = min(free, key=lambda name: (names.index(name) - place) % len(names))
            free.remove(home)
        colours[label] = POOL[home]
    return colours


def _home(label: str) -> str:
    members = label.split("/")
    for member in members:
        if member in _HOMES:
            return _HOMES[member]
    digest = hashlib.sha256(members[0].encode("utf-8", errors="replace")).digest()
    return list(POOL)[int.from_bytes(digest[:4], "big") % len(POOL)]
