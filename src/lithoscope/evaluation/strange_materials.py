"""Steels, glasses, resins and metals that the library lacks: detectors are tested on them."""

from __future__ import annotations

from collections.abc import Mapping

Samples = Mapping[str, tuple[str, float]]

# Formula and density in g/cm³. Alloys: nominal compositions in mass of their standards (ASTM A600,
# A128, A240; AISI maraging 300) turned into atoms. The library has steel 304, and iron, which
# carbon steel is to X-rays.
STEELS: Samples = {
    "high-speed steel m2": ("Fe0.833W0.02Mo0.0299Cr0.0458V0.022C0.0406Mn0.00313Si0.00613", 8.16),
    "manganese steel": ("Fe0.82Mn0.126C0.0534", 7.87),
    "ferritic steel 430": ("Fe0.811Cr0.179Si0.00977", 7.75),
    "steel 316": ("Fe0.664Cr0.182Ni0.114Mo0.0145Mn0.0152Si0.00993", 8.0),
    "duplex steel 2205": ("Fe0.679Cr0.236Ni0.0523Mo0.0174Mn0.0152", 7.8),
    "maraging steel 300": ("Fe0.694Ni0.182Co0.0882Mo0.0289Ti0.00723", 8.1),
    "electrical steel": ("Fe0.938Si0.0617", 7.65),
}
# Parts by moles of oxide, made up in round numbers after what such glasses hold (none is a standard
# of a maker). The library has soda-lime glass.
GLASSES: Samples = {
    "borosilicate glass": ("83SiO2·12B2O3·4Na2O·Al2O3", 2.23),
    "e-glass": ("55SiO2·8Al2O3·24CaO·5MgO·8B2O3", 2.58),
    "aluminosilicate glass": ("66SiO2·11Al2O3·13Na2O·3K2O·7MgO", 2.45),
    "alkali-resistant glass": ("71SiO2·10ZrO2·17Na2O·2K2O", 2.7),
    "screen glass": ("70SiO2·9Na2O·6K2O·5SrO·4BaO·2Al2O3·4CaO", 2.7),
    "barium crown glass": ("63SiO2·15BaO·9K2O·8B2O3·5ZnO", 3.1),
    "phosphate glass": ("55P2O5·20Al2O3·25BaO", 2.9),
}
# Monomers, but for the epoxy, which holds 20 % of bromine by mass, as circuit boards do.
RESINS: Samples = {
    "polyvinyl chloride": ("C2H3Cl", 1.4),
    "silicone": ("C2H6SiO", 1.1),
    "polysulfone": ("C27H22O4S", 1.24),
    "polyphenylene sulfide": ("C6H4S", 1.35),
    "brominated epoxy": ("C0.442H0.445O0.09Br0.0225", 1.4),
}
# Of light elements alone: to a beryllium window they are scatter, as epoxy, acrylic and carbon of
# the library are. All but the last are confused with one of these by the tables of what can be told
# apart (docs/unknown.md).
LIGHT_RESINS: Samples = {
    "polyethylene": ("CH2", 0.94),
    "polystyrene": ("CH", 1.05),
    "polyamide": ("C6H11NO", 1.14),
    "polyester": ("C10H8O4", 1.38),
    "phenolic resin": ("C7H6O", 1.3),
    "polytetrafluoroethylene": ("C2F4", 2.2),
}
# The library has aluminium, silicon, titanium, chromium, iron, nickel, zinc, zirconium, tin, and
# those that nature has.
METALS: Samples = {
    "magnesium": ("Mg", 1.74),
    "vanadium": ("V", 6.0),
    "manganese": ("Mn", 7.21),
    "cobalt": ("Co", 8.86),
    "yttrium": ("Y", 4.47),
    "niobium": ("Nb", 8.57),
    "molybdenum": ("Mo", 10.2),
    "tantalum": ("Ta", 16.4),
    "tungsten": ("W", 19.3),
    "lead": ("Pb", 11.3),
}
MATERIALS: Mapping[str, Samples] = {
    "steels": STEELS,
    "glasses": GLASSES,
    "resins with Si, S, Cl or Br": RESINS,
    "resins of light elements": LIGHT_RESINS,
    "metals": METALS,
}
