"""Many spectra of known minerals in one file: .zarr, .npz or .hspy.

- ``.zarr``: a group with ``counts`` (spectrum, channel), ``energy_keV`` (channel centres) and
  ``mineral``, whole numbers that point into the attribute ``minerals``, a list of names.
- ``.npz``: ``counts``, ``energy_keV`` and ``mineral``, one name a spectrum.
- ``.hspy``: a signal of one navigated axis whose metadata hold one name a spectrum in
  ``Sample.mineral``, as ``signal.metadata.set_item("Sample.mineral", names)`` puts it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError, SpectrumError
from lithoscope.io.axes import axis_from_centres
from lithoscope.io.formats import checked_counts
from lithoscope.io.stored_arrays import check_array, open_zarr_group

LABELLED_FORMATS = (".zarr", ".npz", ".hspy")
_MOST_SPECTRA, _MOST_CLASSES, _LONGEST_NAME = 1 << 26, 10_000, 200
_LAYOUT = (
    "a zarr group with 'counts' (spectrum, channel), 'energy_keV' (channel centres), 'mineral' "
    "(whole numbers) and the attribute 'minerals' (a list of names)"
)


@dataclass(frozen=True, eq=False)
class LabelledSpectra:
    """Spectra of known minerals, read as they are asked for.

    Parameters
    ----------
    path
        The file.
    axis
        Their energy axis.
    minerals
        Names of classes.
    labels
        Which of them each spectrum is, shape (spectrum,).
    read
        Gives the counts of spectra `first` to ``last - 1``, shape (spectrum, channel).
    attributes
        What else the file says.
    """

    path: Path
    axis: EnergyAxis
    minerals: tuple[str, ...]
    labels: NDArray[np.int64]
    read: Callable[[int, int], NDArray[Any]]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.labels) <= _MOST_SPECTRA:
            raise SpectrumError(
                f"{self.path} holds {len(self.labels)} spectra.", expected=f"1 to {_MOST_SPECTRA}"
            )
        if not 1 <= len(self.minerals) <= _MOST_CLASSES:
            raise SpectrumError(
                f"{self.path} names {len(self.minerals)} minerals.",
                expected=f"1 to {_MOST_CLASSES}",
            )
        for name in self.minerals:
            if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
                raise SpectrumError(
                    f"{self.path} names a mineral {name[:40]!r}.",
                    expected=f"names of 1 to {_LONGEST_NAME} printable characters",
                )
        if len(set(self.minerals)) != len(self.minerals):
            raise SpectrumError(f"{self.path} names a mineral twice.", expected="each name once")
        if self.labels.min() < 0 or self.labels.max() >= len(self.minerals):
            raise SpectrumError(
                f"{self.path} has labels from {self.labels.min()} to {self.labels.max()} for "
                f"{len(self.minerals)} minerals.",
                expected="numbers that point into the list of minerals, from 0 on",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of_names(
        cls,
        path: Path,
        axis: EnergyAxis,
        names: NDArray[np.str_],
        read: Callable[[int, int], NDArray[Any]],
    ) -> LabelledSpectra:
        """Make it of one name a spectrum."""
        minerals, labels = np.unique(names, return_inverse=True)
        return cls(path, axis, tuple(minerals.tolist()), labels.astype(np.int64), read)


def open_labelled_spectra(path: Path) -> LabelledSpectra:
    """Open a file of labelled spectra; see the module for what it has to hold.

    Raises
    ------
    SpectrumError
        If the file is missing, damaged, or has another layout.
    """
    suffix = path.suffix.lower()
    if suffix not in LABELLED_FORMATS or not path.exists():
        raise SpectrumError(
            f"{path} does not exist or is no file of labelled spectra.",
            expected=f"a file that ends in {', '.join(LABELLED_FORMATS)}",
        )
    try:
        if suffix == ".npz":
            from lithoscope.io.npz_files import open_npz_labelled

            axis, names, read = open_npz_labelled(path)
            return LabelledSpectra.of_names(path, axis, names, read)
        if suffix == ".hspy":
            from lithoscope.io.hyperspy_files import open_hyperspy_labelled

            axis, names, read = open_hyperspy_labelled(path)
            return LabelledSpectra.of_names(path, axis, names, read)
        return _open_zarr(path)
    except InvalidValueError as error:
        raise SpectrumError(
            f"{path}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None


def _open_zarr(path: Path) -> LabelledSpectra:
    try:
        group = open_zarr_group(path)
        arrays = {name: group[name] for name in ("counts", "energy_keV", "mineral")}
        attributes = dict(group.attrs)
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        raise SpectrumError(
            f"{path} is damaged or has another layout ({str(problem)[:200]}).", expected=_LAYOUT
        ) from None
    counts, energies, labels = arrays.values()
    shapes = {name: array.shape for name, array in arrays.items()}
    kinds = [array.dtype.kind for array in arrays.values()]
    fits = len(counts.shape) == 2 and shapes["energy_keV"] == counts.shape[1:]
    if not fits or labels.shape != counts.shape[:1] or 0 in counts.shape:
        raise SpectrumError(f"{path} holds arrays of shapes {shapes}.", expected=_LAYOUT)
    if kinds[0] not in "uif" or kinds[1] not in "uif" or kinds[2] not in "ui":
        raise SpectrumError(f"{path} holds arrays of types {kinds}.", expected=_LAYOUT)
    minerals = attributes.get("minerals")
    if not isinstance(minerals, list) or not all(isinstance(name, str) for name in minerals):
        raise SpectrumError(f"{path} has no list of names 'minerals'.", expected=_LAYOUT)
    for array in arrays.values():
        check_array(array, path, SpectrumError)
    return LabelledSpectra(
        path=path,
        axis=axis_from_centres(_read(energies, path), given=None, path=path, error=SpectrumError),
        minerals=tuple(minerals),
        labels=_read(labels, path).astype(np.int64),
        read=lambda first, last: checked_counts(
            _read(counts, path, slice(first, last)), path, SpectrumError
        ),
        attributes=attributes,
    )


def _read(array: Any, path: Path, rows: slice = slice(None)) -> NDArray[Any]:
    try:
        return np.asarray(array[rows])
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        raise SpectrumError(
            f"{path} is damaged: an array cannot be read ({str(problem)[:200]}).",
            expected=_LAYOUT,
        ) from None
