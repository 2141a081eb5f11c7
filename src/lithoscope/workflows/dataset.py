"""Make a data set: simulate labelled spectra, split them, and write them with a card."""

from __future__ import annotations

import csv
import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.io.aside import check_room, whole_folder
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.datasets.reading import hash_of_dataset, load_dataset
from lithoscope.synthesis.datasets.records import SplitMaker, size_of_split, varies
from lithoscope.synthesis.datasets.splits import Splits
from lithoscope.synthesis.datasets.writing import estimated_size, write_split
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.dataset_card import card_of_dataset

# Seeds of a data set's splits; no two data sets share one.
_SEEDS = 8

Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class DatasetPlan:
    """What a data set is to hold.

    Parameters
    ----------
    minerals
        Its classes, two or more.
    instrument
        The instrument, as its makers describe it; the spectra are on its own energy axis.
    condition
        Distortions and counts.
    splits
        Shares of training, validation and test.
    spectra
        Spectra of all classes and splits together.
    seed
        Seed of all that is drawn.
    """

    minerals: tuple[Mineral, ...]
    instrument: Instrument
    condition: Condition
    splits: Splits
    spectra: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.minerals) < 2:
            raise InvalidValueError(
                f"A data set of {len(self.minerals)} mineral.", expected="two or more to tell apart"
            )
        if self.spectra < 1 or self.seed < 0:
            raise InvalidValueError(
                f"{self.spectra} spectra of seed {self.seed}.",
                expected="one or more, and a seed of 0 or more",
            )
        self.quotas  # noqa: B018  (dealing them out checks that there are enough)

    @property
    def quotas(self) -> NDArray[np.int64]:
        """Spectra of each class in each split, shape (split, class)."""
        return self.splits.quotas(self.spectra, len(self.minerals))

    @property
    def is_noise_free(self) -> bool:
        """Whether counts are expected ones."""
        return self.condition.severities.get("poisson", 0) == 0

    @property
    def size(self) -> int:
        """Bytes that it takes on disk while it is made, rather too many than too few."""
        channels, counts = self.instrument.axis.n_channels, self.condition.counts
        return estimated_size(self.spectra, channels, counts, whole=not self.is_noise_free)

    def attributes(self, split: str) -> dict[str, Any]:
        """Return what the files of a split say of themselves."""
        names = ", ".join(mineral.name for mineral in self.minerals[:3])
        more = len(self.minerals) - 3
        of = f"{names} and {more} more" if more > 0 else names
        return {
            "title": f"{split} of {of}, {self.condition.name}, {self.instrument.name}",
            "split": split,
            "source": "simulated",
            "noise_free": self.is_noise_free,
            "mineral_classes": [mineral.mineral_class for mineral in self.minerals],
            "instrument": dataclasses.asdict(self.instrument),
            "condition": {
                "name": self.condition.name,
                "severities": dict(self.condition.severities),
                "counts": list(self.condition.counts),
            },
            "seed": self.seed,
            "lithoscope_version": version("lithoscope"),
        }


def make_dataset(
    plan: DatasetPlan,
    folder: Path,
    *,
    progress: Progress = lambda stage, done, total, note: None,
) -> dict[str, Any]:
    """Simulate a data set and write it, whole or not at all.

    Parameters
    ----------
    plan
        What it holds.
    folder
        New or empty; work goes to ``<folder>.partial``, which is removed when it is cut off.
    progress
        Called with a stage, spectra done, spectra in all, and a remark.

    Returns
    -------
    dict
        The facts of its card.

    Raises
    ------
    OutputError
        If the folder holds something, or the disk would not hold the data set.
    """
    with whole_folder(folder) as partial:
        check_room(partial, plan.size, number=plan.spectra, things="spectra", fewer_with="-n")
        labels = _write_splits(plan, partial, progress)
        _write_labels(plan, partial, labels)
        facts = _facts(plan, partial)
        (partial / "CARD.md").write_text(card_of_dataset(facts), encoding="utf-8")
    return facts


def _write_splits(
    plan: DatasetPlan, folder: Path, progress: Progress
) -> dict[str, NDArray[np.uint16]]:
    names = [mineral.name for mineral in plan.minerals]
    maker = SplitMaker(np.array([varies(mineral) for mineral in plan.minerals]))
    labels = {}
    for number, (split, quotas) in enumerate(zip(plan.splits.names, plan.quotas, strict=True)):
        total = int(quotas.sum())
        size, batch_size = size_of_split(total)
        stream = SpectrumStream(
            plan.minerals,
            LabelSet.of_minerals(names),
            [plan.instrument],
            plan.condition,
            plan.instrument.axis.edges_keV,
            batch_size=batch_size,
            seed=_SEEDS * plan.seed + number,
            size=size,
        )
        progress(f"{split}, drawn", 0, total, "")
        labels[split] = write_split(
            folder,
            split,
            maker.records(stream, quotas),
            axis=plan.instrument.axis,
            minerals=names,
            whole=not plan.is_noise_free,
            attributes={**plan.attributes(split), "symbols": list(stream.symbols)},
            report=functools.partial(_report, progress, total),
        )
    return labels


def _report(progress: Progress, total: int, stage: str, done: int) -> None:
    progress(stage, done, total, "")


def _write_labels(plan: DatasetPlan, folder: Path, labels: dict[str, NDArray[np.uint16]]) -> None:
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["split", "index", "mineral"])
        for split, numbers in labels.items():
            for index, number in enumerate(numbers.tolist()):
                rows.writerow([split, index, plan.minerals[number].name])


def _facts(plan: DatasetPlan, folder: Path) -> dict[str, Any]:
    counts = {
        mineral.name: dict(zip(plan.splits.names, map(int, column), strict=True))
        for mineral, column in zip(plan.minerals, plan.quotas.T, strict=True)
    }
    axis = plan.instrument.axis
    return {
        **{key: plan.attributes("")[key] for key in ("condition", "seed", "lithoscope_version")},
        "spectra": plan.spectra,
        "splits": dict(zip(plan.splits.names, plan.quotas.sum(axis=1).tolist(), strict=True)),
        "minerals": counts,
        "one_composition": [m.name for m in plan.minerals if not varies(m)],
        "instrument": plan.instrument.name,
        "energy_axis": dataclasses.asdict(axis),
        "noise_free": plan.is_noise_free,
        "sha256": hash_of_dataset(load_dataset(folder)),
    }
