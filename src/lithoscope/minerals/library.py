"""The mineral library: the one that ships, and those that users write."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lithoscope.core.mineral import Mineral
from lithoscope.errors import FileFormatError, MineralError, nearest_names
from lithoscope.minerals.collective import refuse_collective_name
from lithoscope.minerals.names import name_key

_SHIPPED = (
    "silica_feldspars.yaml",
    "feldspathoids_zeolites.yaml",
    "micas.yaml",
    "sheet_silicates.yaml",
    "pyroxenes.yaml",
    "calcic_amphiboles.yaml",
    "amphiboles.yaml",
    "garnets_olivines.yaml",
    "island_silicates.yaml",
    "ring_silicates.yaml",
    "carbonates.yaml",
    "phosphates.yaml",
    "sulfates_halides.yaml",
    "oxides.yaml",
    "spinels.yaml",
    "niobates.yaml",
    "sulfides.yaml",
    "sulfosalts.yaml",
    "tellurides_native.yaml",
    "materials.yaml",
)
_MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Library:
    """Minerals that can be looked up by name.

    Parameters
    ----------
    minerals
        The entries, in the order in which they are iterated.

    Raises
    ------
    MineralError
        If there is none, or two share a name or an alias.
    """

    minerals: tuple[Mineral, ...]
    _by_key: Mapping[str, Mineral] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.minerals:
            raise MineralError("A library without minerals.", expected="at least one entry")
        by_key: dict[str, Mineral] = {}
        for mineral in self.minerals:
            own = {name_key(name): name for name in (mineral.name, *mineral.aliases)}
            if taken := [key for key in own if key in by_key]:
                key = taken[0]
                raise MineralError(
                    f"'{own[key]}' means two entries: {by_key[key].name} and {mineral.name}.",
                    expected="each name and alias once",
                    remedy="remove or rename one of them",
                )
            by_key.update(dict.fromkeys(own, mineral))
        object.__setattr__(self, "_by_key", by_key)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries, in order."""
        return tuple(mineral.name for mineral in self.minerals)

    def get(self, name: str) -> Mineral:
        """Return a mineral by name or alias, in any case.

        Raises
        ------
        MineralError
            If there is none, with the nearest names; or if it is the name of a rock or of a
            series, with the minerals that it stands for.
        """
        key = name_key(name)
        if mineral := self._by_key.get(key):
            return mineral
        refuse_collective_name(name)
        near = dict.fromkeys(self._by_key[k].name for k in nearest_names(key, self._by_key))
        raise MineralError(
            f"'{name}' is not in the mineral library.",
            expected=f"one of its {len(self)} entries"
            + (f", such as {', '.join(near)}" if near else ""),
            remedy="see 'lithoscope minerals list', or describe it in a YAML file",
        )

    def updated_with(self, minerals: Iterable[Mineral]) -> Library:
        """Return a library in which these replace entries of their name, and others are added.

        Raises
        ------
        MineralError
            If a name or an alias then means two entries.
        """
        own = {name_key(mineral.name): mineral for mineral in minerals}
        kept = tuple(own.pop(name_key(entry.name), entry) for entry in self.minerals)
        return Library((*kept, *own.values()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name_key(name) in self._by_key

    def __iter__(self) -> Iterator[Mineral]:
        return iter(self.minerals)

    def __len__(self) -> int:
        return len(self.minerals)


@functools.cache
def load_library() -> Library:
    """Return the library that ships with Lithoscope."""
    from lithoscope.minerals.reading import read_minerals

    folder = importlib.resources.files("lithoscope.minerals") / "data"
    minerals: list[Mineral] = []
    for name in _SHIPPED:
        text = (folder / name).read_text(encoding="utf-8")
        minerals += read_minerals(text, name, _refuse_bare_name, trusted=True)
    return Library(tuple(minerals))


def _refuse_bare_name(name: str) -> Mineral:
    raise MineralError(f"'{name}' is no entry.", expected="a mapping with 'name' and 'formula'")


def load_minerals_file(path: str | Path) -> Library:
    """Read a user's minerals from YAML.

    Parameters
    ----------
    path
        A YAML file of the form that `lithoscope.minerals.schema` describes: a list whose entries
        need no more than ``name`` and ``formula``, or are names of shipped minerals.

    Returns
    -------
    Library
        The minerals of the file alone, in its order.

    Raises
    ------
    FileFormatError
        If the file cannot be read, is larger than 1 MiB, or is no YAML list.
    MineralError
        If an entry is not sound, or two share a name; the message names file, line and
        entry.
    """
    from lithoscope.minerals.reading import read_minerals

    path = Path(path)
    return Library(tuple(read_minerals(_read_text(path), str(path), load_library().get)))


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error.strerror or error}.",
            expected="a YAML file that lists minerals",
        ) from None
    if len(raw) > _MAX_FILE_BYTES:
        raise FileFormatError(
            f"{path} is larger than 1 MiB.", expected="a YAML file that lists minerals"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileFormatError(f"{path} is not text in UTF-8.", expected="a YAML file") from None
