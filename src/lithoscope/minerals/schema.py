"""The edge where YAML becomes minerals: what is accepted.

A mineral file is a list. An entry is the name of a shipped mineral, or a mapping of which only
``name`` and ``formula`` are needed::

    - quartz
    - name: eucryptite
      formula: LiAlSiO4
      density_g_cm3: 2.66                # 3.0 where it is left out
      class: feldspathoid
      aliases: [eukryptite]
      end_members: {LiAlSiO4: [0.9, 1.0], LiFeSiO4: [0.0, 0.1]}   # mole fractions
      typical: {LiFeSiO4: [0.0, 0.02]}                # where nine of ten compositions lie
      traces_ppm: {Rb: [10, 500]}                                 # 95 % lie within, by mass
      cell: {a_A: 13.53, c_A: 9.04, gamma_deg: 120, formula_units: 18}
      d_spacings_A: {3.38: 100, 4.54: 12}                         # in Å, and intensity
      references: [hom, "my own analyses, 2026"]                  # keys of references.yaml, or text
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lithoscope.core.cell import Cell
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.core.plain_yaml import load_own_yaml
from lithoscope.errors import LithoscopeError, MineralError
from lithoscope.minerals.charges import check_charges

DEFAULT_DENSITY_G_CM3 = 3.0
_PPM = 1e-6

# They part the names in labels, lists and maps, or stand there for what is no mineral.
_NAME_SEPARATORS = "/,;+"
_RESERVED_NAMES = ("unknown", "void")


def _passes(check: Callable[[Any], object]) -> AfterValidator:
    """Return a validator that lets pydantic say where a value stands that a check refuses."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except LithoscopeError as error:
            raise ValueError(error) from None
        return value

    return AfterValidator(validate)


def _check_order(pair: list[float]) -> None:
    low, high = pair
    if low > high:
        raise MineralError(
            f"a range from {low:g} to {high:g} is upside down.",
            expected="the lower bound first",
            remedy=f"write [{high:g}, {low:g}]",
        )


def _check_name(name: str) -> None:
    if name in _RESERVED_NAMES or set(name) & set(_NAME_SEPARATORS):
        raise MineralError(
            f"the name '{name[:60]}' cannot be used.",
            expected=f"a name without {' '.join(_NAME_SEPARATORS)}, "
            f"and none of {', '.join(_RESERVED_NAMES)}",
        )


_Name = Annotated[str, _passes(_check_name)]
_Formula = Annotated[str, _passes(parse_formula)]
_Pair = Field(min_length=2, max_length=2)
_Range = Annotated[list[float], _Pair, _passes(_check_order)]
_Ppm = Annotated[float, Field(gt=0, le=100_000)]
_RangePpm = Annotated[list[_Ppm], _Pair, _passes(_check_order)]
_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True)


class CellEntry(BaseModel):
    """A unit cell as it stands in YAML: b and c are a, and angles 90°, where they are left out."""

    model_config = _CONFIG

    a_A: float
    b_A: float | None = None
    c_A: float | None = None
    alpha_deg: float = 90.0
    beta_deg: float = 90.0
    gamma_deg: float = 90.0
    formula_units: int = 1

    def to_cell(self) -> Cell:
        """Make the cell; what it cannot be raises a `MineralError`."""
        return Cell(
            self.a_A,
            self.a_A if self.b_A is None else self.b_A,
            self.a_A if self.c_A is None else self.c_A,
            self.alpha_deg,
            self.beta_deg,
            self.gamma_deg,
            self.formula_units,
        )


class MineralEntry(BaseModel):
    """A mineral as it stands in YAML.

    Parameters
    ----------
    name, formula
        The only keys that an entry needs.
    density_g_cm3
        Density in g/cm³; 3.0, that of a common silicate, where it is left out.
    kind, class, aliases, symbol, end_members, typical
        As in `lithoscope.core.mineral.Mineral` (``class`` is its ``mineral_class``).
    traces_ppm
        Trace element to its range in ppm by mass.
    cell, d_spacings_A
        As in `lithoscope.core.mineral.Mineral`.
    references
        Keys of the package's ``references.yaml``, or free text.
    """

    model_config = _CONFIG

    name: _Name
    formula: _Formula
    density_g_cm3: float = DEFAULT_DENSITY_G_CM3
    kind: Literal["mineral", "material"] = "mineral"
    mineral_class: str = Field("", alias="class")
    aliases: list[_Name] = []
    symbol: str = ""
    end_members: dict[_Formula, _Range] = {}
    typical: dict[str, _Range] = {}
    traces_ppm: dict[str, _RangePpm] = {}
    cell: Annotated[CellEntry, _passes(CellEntry.to_cell)] | None = None
    d_spacings_A: dict[float, float] = {}
    references: list[str] = []

    def to_mineral(self) -> Mineral:
        """Make the mineral; what it cannot be raises a `LithoscopeError`."""
        if self.kind == "mineral":
            for formula in (self.formula, *self.end_members):
                check_charges(formula)
        return Mineral(
            name=self.name,
            formula=self.formula,
            density_g_cm3=self.density_g_cm3,
            kind=self.kind,
            mineral_class=self.mineral_class,
            aliases=tuple(self.aliases),
            symbol=self.symbol,
            end_members={key: (low, high) for key, (low, high) in self.end_members.items()},
            typical={key: (low, high) for key, (low, high) in self.typical.items()},
            traces={key: (low * _PPM, high * _PPM) for key, (low, high) in self.traces_ppm.items()},
            cell=None if self.cell is None else self.cell.to_cell(),
            d_spacings=self.d_spacings_A,
            references=tuple(_citations().get(key, key) for key in self.references),
        )


KEYS = tuple(field.alias or name for name, field in MineralEntry.model_fields.items())


@functools.cache
def _citations() -> dict[str, str]:
    """Return the package's table of references."""
    file = importlib.resources.files("lithoscope.minerals") / "data" / "references.yaml"
    return cast("dict[str, str]", load_own_yaml(file.read_text(encoding="utf-8")).value)
