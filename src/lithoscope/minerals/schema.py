"""The edge where YAML becomes minerals: what is accepted, and what is said when it is not.

A mineral file is a list. An entry is the name of a shipped mineral, or a mapping of which only
``name`` and ``formula`` are needed::

    - quartz
    - name: eucryptite
      formula: LiAlSiO4
      density_g_cm3: 2.66                # 3.0 where it is left out
      class: feldspathoid
      aliases: [eukryptite]
      end_members: {LiAlSiO4: [0.9, 1.0], LiFeSiO4: [0.0, 0.1]}   # mole fractions
      traces_ppm: {Rb: [10, 500]}                                 # ppm by mass
      cell: {a_A: 13.53, c_A: 9.04, gamma_deg: 120, formula_units: 18}
      d_spacings_A: {3.38: 100, 4.54: 12}                         # in Å, and intensity
      references: [hom, "my own analyses, 2026"]                  # keys of references.yaml, or text
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lithoscope.core.cell import Cell
from lithoscope.core.mineral import Mineral
from lithoscope.core.plain_yaml import load_yaml_document
from lithoscope.errors import FileFormatError, LithoscopeError, MineralError, nearest_names

DEFAULT_DENSITY_G_CM3 = 3.0
_PPM = 1e-6
_SHOWN_LENGTH = 60

# They part the names in labels, lists and maps, or stand there for what is no mineral.
_NAME_SEPARATORS = "/,;+"
_RESERVED_NAMES = ("unknown", "void")

_Pair = Field(min_length=2, max_length=2)
_Range = Annotated[list[float], _Pair]
_RangePpm = Annotated[list[Annotated[float, Field(gt=0, le=100_000)]], _Pair]


class CellEntry(BaseModel):
    """A unit cell as it stands in YAML: b and c are a, and angles 90°, where they are left out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

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
    kind, class, aliases, symbol, end_members
        As in `lithoscope.core.mineral.Mineral` (``class`` is its ``mineral_class``).
    traces_ppm
        Trace element to its range in ppm by mass.
    cell, d_spacings_A, references
        As in `lithoscope.core.mineral.Mineral`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    formula: str
    density_g_cm3: float = DEFAULT_DENSITY_G_CM3
    kind: Literal["mineral", "material"] = "mineral"
    mineral_class: str = Field("", alias="class")
    aliases: list[str] = []
    symbol: str = ""
    end_members: dict[str, _Range] = {}
    traces_ppm: dict[str, _RangePpm] = {}
    cell: CellEntry | None = None
    d_spacings_A: dict[float, float] = {}
    references: list[str] = []

    def to_mineral(self) -> Mineral:
        """Make the mineral; what it cannot be raises a `LithoscopeError`."""
        if self.name in _RESERVED_NAMES or set(self.name) & set(_NAME_SEPARATORS):
            raise MineralError(
                f"the name '{_shown(self.name)}' cannot be used.",
                expected=f"a name without {' '.join(_NAME_SEPARATORS)}, "
                f"and none of {', '.join(_RESERVED_NAMES)}",
            )
        return Mineral(
            name=self.name,
            formula=self.formula,
            density_g_cm3=self.density_g_cm3,
            kind=self.kind,
            mineral_class=self.mineral_class,
            aliases=tuple(self.aliases),
            symbol=self.symbol,
            end_members={key: (low, high) for key, (low, high) in self.end_members.items()},
            traces={key: (low * _PPM, high * _PPM) for key, (low, high) in self.traces_ppm.items()},
            cell=None if self.cell is None else self.cell.to_cell(),
            d_spacings=self.d_spacings_A,
            references=tuple(self.references),
        )


_KEYS = tuple(field.alias or name for name, field in MineralEntry.model_fields.items())


def read_minerals(text: str, source: str, shipped: Callable[[str], Mineral]) -> list[Mineral]:
    """Read a list of minerals from YAML.

    Parameters
    ----------
    text
        The YAML text.
    source
        What to call it in messages, such as its path.
    shipped
        Finds the mineral that an entry names, or raises `MineralError`.

    Raises
    ------
    FileFormatError
        If it is not YAML, or not a list.
    MineralError
        If an entry is not sound; the message names the file and the entry.
    """
    entries = _load_yaml(text, source)
    if not isinstance(entries, list) or not entries:
        raise FileFormatError(
            f"{source} is not a list of minerals.",
            expected="entries such as '- name: eucryptite' with 'formula: LiAlSiO4' below, "
            "or '- quartz'",
        )
    minerals = []
    for number, entry in enumerate(entries, start=1):
        where = f"{source}, entry {number}"
        try:
            minerals.append(shipped(entry) if isinstance(entry, str) else _to_mineral(entry))
        except ValidationError as error:
            raise _explained(error, f"{where}{_named(entry)}") from None
        except LithoscopeError as error:
            raise MineralError(
                f"{where}{_named(entry)}: {error.problem}",
                expected=error.expected,
                remedy=error.remedy,
            ) from None
    return minerals


def _to_mineral(entry: object) -> Mineral:
    return MineralEntry.model_validate(entry).to_mineral()


def _named(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f" ({_shown(name)})" if isinstance(name, str) else ""


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


def _explained(error: ValidationError, where: str) -> MineralError:
    """Say the first of pydantic's complaints in our words."""
    fault = error.errors(include_url=False)[0]
    key = ".".join(_shown(part) for part in fault["loc"])
    if not fault["loc"]:
        return MineralError(
            f"{where} is {_shown(fault['input'])}.",
            expected="a mapping with 'name' and 'formula', or the name of a shipped mineral",
        )
    if fault["type"] == "extra_forbidden":
        near = nearest_names(key, _KEYS, count=1)
        return MineralError(
            f"{where}: there is no key '{key}'.",
            expected=f"keys among {', '.join(_KEYS)}",
            remedy=f"write '{near[0]}'" if near else "remove it",
        )
    if fault["type"] == "missing":
        return MineralError(
            f"{where}: '{key}' is missing.", expected="at least 'name' and 'formula'"
        )
    return MineralError(
        f"{where}: {key} is {_shown(fault['input'])}.",
        expected=fault["msg"].removeprefix("Input should be ").removeprefix("List should have "),
        remedy="quote names and formulas that YAML reads as something else, such as 'No'",
    )


def _load_yaml(text: str, source: str) -> object:
    try:
        return load_yaml_document(text, trusted=True).value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileFormatError(f"{source}{place}: {error.problem}.", expected="YAML") from None
    except yaml.YAMLError as error:
        raise FileFormatError(
            f"{source} is not YAML: {_shown(error)}.", expected="a text file with a YAML list"
        ) from None
