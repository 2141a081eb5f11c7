"""Data sets from disk: our own, and those of other simulators or of measured standards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import LithoscopeError, SpectrumError
from lithoscope.io.labelled import LABELLED_FORMATS, LabelledSpectra, open_labelled_spectra
from lithoscope.synthesis.conditions import Condition

SPLITS = ("training", "validation", "test")
_REQUIRED = ("training", "test")
_LAYOUT = (
    "a folder with training, test and, if there is one, validation, each as .zarr, .npz or .hspy "
    "with counts, energy_keV and the name of each spectrum's mineral (docs/datasets.md)"
)
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """Spectra of known minerals, split.

    Parameters
    ----------
    folder
        Where they are.
    splits
        Spectra by the name of their split; there is a training and a test.
    condition
        How they were simulated by Lithoscope; ``None`` for all others, which may be measured and
        are taken as they are.
    instrument
        Name of the instrument that they were simulated for, ``None`` where it is not known.
    voltage_kV
        Its tube voltage.
    """

    folder: Path
    splits: Mapping[str, LabelledSpectra]
    condition: Condition | None = None
    instrument: str | None = None
    voltage_kV: float | None = None

    def __post_init__(self) -> None:
        lacking = [name for name in _REQUIRED if name not in self.splits]
        if lacking or not set(self.splits) <= set(SPLITS):
            raise SpectrumError(
                f"{self.folder} holds {', '.join(self.splits) or 'no split'}, and no "
                f"{' and no '.join(lacking)}.",
                expected=_LAYOUT,
            )
        known = set(_present(self.splits["training"]))
        if len(known) < 2:
            raise SpectrumError(
                f"{self.splits['training'].path} holds spectra of {len(known)} mineral.",
                expected="two or more, which a model can learn to tell apart",
            )
        for name, spectra in self.splits.items():
            if foreign := sorted(set(_present(spectra)) - known):
                raise SpectrumError(
                    f"{spectra.path} holds {', '.join(foreign[:5])}, of which there is nothing "
                    "to train on.",
                    expected="minerals that the training split holds too",
                    remedy=f"move some of their spectra from {name} to training",
                )

    @property
    def labels(self) -> LabelSet:
        """The minerals of the training split, a class each; a name with ``/`` is a group."""
        names = sorted(_present(self.splits["training"]))
        return LabelSet(tuple(Group(tuple(name.split("/"))) for name in names))

    @property
    def is_noise_free(self) -> bool:
        """Whether these are expected counts, onto which noise may be put."""
        condition = self.condition
        return condition is not None and condition.severities.get("poisson", 0) == 0

    def classes(self, split: str) -> NDArray[np.int64]:
        """Class of each spectrum of a split among `labels`, shape (spectrum,)."""
        spectra, order = self.splits[split], {n: i for i, n in enumerate(self.labels.labels)}
        # A name that no spectrum has stands for no class.
        numbers = np.array([order.get(name, -1) for name in spectra.minerals])
        return numbers[spectra.labels]


def _present(spectra: LabelledSpectra) -> list[str]:
    """Minerals of which there are spectra."""
    return [spectra.minerals[number] for number in np.unique(spectra.labels)]


def load_dataset(folder: str | Path) -> Dataset:
    """Open a folder of labelled spectra; counts are read when they are asked for.

    Of a split that lies there in several formats the ``.zarr`` is read, else the ``.npz``.

    Raises
    ------
    SpectrumError
        If the folder lacks a split, or a file of it is damaged or has another layout.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SpectrumError(f"There is no folder {folder}.", expected=_LAYOUT)
    splits = {}
    for name in SPLITS:
        paths = (folder / f"{name}{suffix}" for suffix in LABELLED_FORMATS)
        if path := next((path for path in paths if path.exists()), None):
            splits[name] = open_labelled_spectra(path)
    if "training" not in splits:
        return Dataset(folder, splits)
    said = splits["training"].attributes
    instrument = said.get("instrument")
    tube = instrument.get("tube") if isinstance(instrument, dict) else None
    return Dataset(
        folder,
        splits,
        condition=_condition(said, folder),
        instrument=_text(instrument, "name"),
        voltage_kV=_number(tube, "voltage_kV"),
    )


def _condition(said: Mapping[str, Any], folder: Path) -> Condition | None:
    """Return the condition that the file states; only what says it is simulated has one."""
    if said.get("source") != "simulated" or "condition" not in said:
        return None
    try:
        stated = said["condition"]
        low, high = (float(value) for value in stated["counts"])
        severities = {str(name): float(value) for name, value in stated["severities"].items()}
        return Condition(str(stated["name"])[:200], severities, (low, high))
    except (KeyError, TypeError, ValueError, AttributeError, LithoscopeError) as error:
        raise SpectrumError(
            f"{folder} states a condition that there is not: {str(error)[:200]}.",
            expected="the one that `lithoscope dataset` wrote",
            remedy="make the data set again, or remove the attribute 'condition'",
        ) from None


def hash_of_dataset(dataset: Dataset) -> str:
    """SHA-256 over names and contents of the files that the data set is read from."""
    digest = hashlib.sha256()
    for spectra in dataset.splits.values():
        for path in _files(spectra.path):
            digest.update(path.relative_to(dataset.folder).as_posix().encode() + b"\0")
            digest.update(path.stat().st_size.to_bytes(8, "big"))
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    found = (Path(parent) / name for parent, _, names in os.walk(path) for name in names)
    return sorted(found)


def _text(values: Any, key: str) -> str | None:
    found = values.get(key) if isinstance(values, dict) else None
    return found[:200] if isinstance(found, str) and found.strip() else None


def _number(values: Any, key: str) -> float | None:
    found = values.get(key) if isinstance(values, dict) else None
    return float(found) if isinstance(found, int | float) and 0 < found < 1000 else None
