"""Names that mean several minerals: rocks, and series of which nature names only the ends."""

from __future__ import annotations

from lithoscope.errors import MineralError

ROCKS: dict[str, tuple[str, ...]] = {
    "amphibolite": ("magnesio-hornblende", "andesine", "quartz"),
    "andesite": ("andesine", "augite", "magnesio-hornblende"),
    "anorthosite": ("labradorite", "augite", "ilmenite"),
    "aplite": ("quartz", "orthoclase", "albite"),
    "basalt": ("labradorite", "augite", "forsterite", "magnetite"),
    "carbonatite": ("calcite", "dolomite", "fluorapatite", "magnetite"),
    "chert": ("quartz",),
    "dacite": ("andesine", "quartz", "magnesio-hornblende"),
    "diorite": ("andesine", "magnesio-hornblende", "annite"),
    "dolerite": ("labradorite", "augite", "ilmenite"),
    "dolostone": ("dolomite", "calcite"),
    "dunite": ("forsterite", "chromite"),
    "eclogite": ("pyrope", "almandine", "diopside", "rutile"),
    "gabbro": ("labradorite", "augite", "enstatite"),
    "gneiss": ("quartz", "orthoclase", "oligoclase", "annite"),
    "granite": ("quartz", "orthoclase", "albite", "annite", "muscovite"),
    "granodiorite": ("quartz", "oligoclase", "orthoclase", "annite"),
    "greisen": ("quartz", "muscovite", "topaz", "cassiterite"),
    "kimberlite": ("forsterite", "phlogopite", "pyrope", "ilmenite"),
    "limestone": ("calcite", "dolomite"),
    "marble": ("calcite", "dolomite"),
    "pegmatite": ("quartz", "orthoclase", "albite", "muscovite", "spodumene", "beryl", "schorl"),
    "peridotite": ("forsterite", "enstatite", "diopside", "chromite"),
    "phonolite": ("orthoclase", "nepheline", "aegirine"),
    "pyroxenite": ("enstatite", "diopside", "augite"),
    "quartzite": ("quartz", "muscovite"),
    "rhyolite": ("quartz", "orthoclase", "oligoclase"),
    "sandstone": ("quartz", "orthoclase", "calcite"),
    "schist": ("muscovite", "annite", "quartz", "almandine"),
    "serpentinite": ("antigorite", "magnetite", "chromite"),
    "shale": ("kaolinite", "muscovite", "quartz"),
    "skarn": ("andradite", "grossular", "diopside", "wollastonite"),
    "slate": ("muscovite", "clinochlore", "quartz"),
    "syenite": ("orthoclase", "albite", "magnesio-hornblende"),
    "tonalite": ("oligoclase", "quartz", "annite"),
    "trachyte": ("orthoclase", "augite", "annite"),
}

SERIES: dict[str, tuple[str, ...]] = {
    "amphibole": ("tremolite", "actinolite", "magnesio-hornblende"),
    "biotite": ("annite", "phlogopite"),
    "chlorite": ("clinochlore", "chamosite"),
    "columbite": ("columbite-(fe)", "columbite-(mn)"),
    "coltan": ("columbite-(fe)", "columbite-(mn)", "tantalite-(fe)", "tantalite-(mn)"),
    "feldspar": ("orthoclase", "albite", "oligoclase", "andesine", "labradorite", "anorthite"),
    "garnet": ("almandine", "pyrope", "spessartine", "grossular", "andradite"),
    "lepidolite": ("trilithionite", "polylithionite"),
    "mica": ("muscovite", "phlogopite", "annite", "trilithionite", "polylithionite"),
    "olivine": ("forsterite", "fayalite"),
    "plagioclase": ("albite", "oligoclase", "andesine", "labradorite", "bytownite", "anorthite"),
    "pyroxene": ("enstatite", "diopside", "augite", "hedenbergite", "aegirine"),
    "tantalite": ("tantalite-(fe)", "tantalite-(mn)"),
    "tourmaline": ("schorl", "elbaite"),
    "wolframite": ("ferberite", "hubnerite"),
}


def refuse_collective_name(name: str) -> None:
    """Raise `MineralError` if a name, in lower case, means several minerals."""
    if members := ROCKS.get(name):
        raise MineralError(
            f"'{name}' is a rock, a mixture of minerals.",
            expected=f"minerals, such as {', '.join(members)}",
            remedy=f"name the minerals: {','.join(members)}",
        )
    if members := SERIES.get(name):
        raise MineralError(
            f"'{name}' is a name for several minerals.",
            expected=f"one of them: {', '.join(members)}",
            remedy=f"name all that matter: {','.join(members)}",
        )
