"""A mineral, or another material that can lie under the beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lithoscope.core.cell import Cell
from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.errors import MineralError

KINDS = ("mineral", "material")


@dataclass(frozen=True)
class Mineral:
    """An entry of the mineral library.

    Parameters
    ----------
    name
        IMA name in lower case, such as ``fluorapatite``.
    formula
        The ideal formula, as mineralogists write it.
    density_g_cm3
        Density in g/cm³.
    kind
        ``mineral`` or ``material`` (metals, resin, glass: what is no mineral).
    mineral_class
        Strunz class or family, such as ``feldspar`` or ``sulfide``.
    aliases
        Other names that mean the same.
    symbol
        IMA-approved symbol (Warr 2021), empty for materials.
    end_members
        For solid solutions: end-member formula to its range of mole fraction (low, high).
    typical
        End member to the narrower range in which nine of ten natural compositions lie; for those
        that are not named, their whole range.
    traces
        Trace element to its range of mass fraction (low, high), the central 95 % of a log-normal
        distribution.
    cell
        Unit cell of the ideal formula; ``None`` for what is not known or no crystal.
    d_spacings
        Strongest powder lines: distance of lattice planes in Å to intensity, 100 for the strongest.
    references
        Where the numbers come from.
    """

    name: str
    formula: str
    density_g_cm3: float
    kind: str = "mineral"
    mineral_class: str = ""
    aliases: tuple[str, ...] = ()
    symbol: str = ""
    end_members: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    typical: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    traces: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    cell: Cell | None = None
    d_spacings: Mapping[float, float] = field(default_factory=dict)
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or self.name != self.name.lower().strip():
            raise MineralError(
                f"A mineral is named '{self.name}'.", expected="its name in lower case"
            )
        if self.kind not in KINDS:
            raise MineralError(
                f"{self.name}: kind '{self.kind}' is not known.", expected=" or ".join(KINDS)
            )
        if not (np.isfinite(self.density_g_cm3) and 0 < self.density_g_cm3 < 25):
            raise MineralError(
                f"{self.name}: a density of {self.density_g_cm3} g/cm3.",
                expected="more than 0 and less than 25 g/cm3",
            )
        composition_from_formula(self.formula)
        self._check_end_members()
        self._check_traces()
        self._check_d_spacings()

    def _check_end_members(self) -> None:
        for formula, (low, high) in self.end_members.items():
            composition_from_formula(formula)
            if not 0 <= low <= high <= 1:
                raise MineralError(
                    f"{self.name}: end member {formula} ranges from {low} to {high}.",
                    expected="0 <= low <= high <= 1 mole fraction",
                )
        for formula, (low, high) in self.typical.items():
            if formula not in self.end_members:
                raise MineralError(
                    f"{self.name}: {formula} has a typical range and is no end member.",
                    expected=f"one of {', '.join(self.end_members) or 'its end members'}",
                )
            lowest, highest = self.end_members[formula]
            if not lowest <= low <= high <= highest:
                raise MineralError(
                    f"{self.name}: {formula} is typically {low:g} to {high:g}.",
                    expected=f"a range within that of the end member, {lowest:g} to {highest:g}",
                )
        if self.end_members:
            self._check_sum(self.end_members, "end members")
            self._check_sum(self.typical_ranges, "typical ranges")

    def _check_sum(self, ranges: Mapping[str, tuple[float, float]], what: str) -> None:
        lows = sum(low for low, _ in ranges.values())
        highs = sum(high for _, high in ranges.values())
        if not lows <= 1 + 1e-9 or not highs >= 1 - 1e-9:
            raise MineralError(
                f"{self.name}: its {what} sum to {lows:.3g} to {highs:.3g}.",
                expected="ranges within which mole fractions can sum to 1",
            )

    def _check_traces(self) -> None:
        for element, (low, high) in self.traces.items():
            Composition({element: 1.0})
            if not 0 < low <= high <= 0.1:
                raise MineralError(
                    f"{self.name}: trace {element} ranges from {low} to {high}.",
                    expected="0 < low <= high <= 0.1 mass fraction",
                )

    def _check_d_spacings(self) -> None:
        for d_A, intensity in self.d_spacings.items():
            if not 0.1 <= d_A <= 100:
                raise MineralError(
                    f"{self.name}: a distance of lattice planes of {d_A}.", expected="0.1 to 100 Å"
                )
            if not 0 < intensity <= 100:
                raise MineralError(
                    f"{self.name}: the powder line at {d_A} Å has intensity {intensity}.",
                    expected="more than 0, at most 100",
                )

    @property
    def typical_ranges(self) -> dict[str, tuple[float, float]]:
        """The range in which each end member typically lies."""
        return {**self.end_members, **self.typical}

    @property
    def composition(self) -> Composition:
        """Element mass fractions of the ideal formula."""
        return composition_from_formula(self.formula)

    @property
    def is_material(self) -> bool:
        """Whether this is no mineral but metal, resin or glass."""
        return self.kind == "material"
