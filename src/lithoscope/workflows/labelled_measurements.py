"""Measured spectra and pixels that a table labels, on a model's axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import LabelError
from lithoscope.evaluation.regions import regions_from_labels
from lithoscope.io import open_scan, open_spectra
from lithoscope.io.label_tables import Label, LabelTable
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.training.on_data import BinnedSplit
from lithoscope.workflows.evaluate import class_of_names


@dataclass(frozen=True, eq=False)
class LabelledMeasurements:
    """Measured spectra with their classes and regions.

    Parameters
    ----------
    spectra
        Counts on the model's axis, and classes.
    regions
        Number of each one's region, shape (spectrum,).
    regions_are
        What a region is, in words.
    left_out
        Labelled spectra of fewer counts than the model answers for.
    """

    spectra: BinnedSplit
    regions: NDArray[np.int64]
    regions_are: str
    left_out: int


def read_labelled(
    table: LabelTable,
    files: Sequence[Path],
    checkpoint: Checkpoint,
    *,
    energy_axis: EnergyAxis | None = None,
) -> LabelledMeasurements:
    """Read what a table labels, scaled down where it has more counts than the model knows.

    Parameters
    ----------
    table
        Labels of pixels or of spectra.
    files
        Scans or spectra that hold them; a table without the column ``file`` goes with one.
    checkpoint
        The model whose axis and classes are used.
    energy_axis
        For files that lack one.

    Raises
    ------
    LabelError
        If a label names a file that is not given, a place that a file does not have or a mineral
        that the model does not know, or too few counts are left.
    """
    classes = class_of_names((x.mineral for x in table.labels), checkpoint.labels, table.path)
    counts, labels = [], []
    for path, own in _by_file(table, files).items():
        read = _pixels if table.of_pixels else _spectra
        counts.append(read(path, own, table, checkpoint, energy_axis))
        labels += [(path, label) for label in own]
    binned = np.concatenate(counts)
    least, most = checkpoint.condition.counts
    totals = binned.sum(axis=1, keepdims=True)
    kept = np.flatnonzero(totals[:, 0] >= least)
    if not kept.size:
        raise LabelError(
            f"None of the {len(labels)} labelled spectra of {table.path} has enough counts.",
            expected=f"{least:,.0f} counts on the model's axis",
        )
    binned = binned * np.minimum(most / np.maximum(totals, 1), 1)
    named = np.array([classes[label.mineral] for _, label in labels])
    regions, regions_are = _regions(table, labels, named)
    return LabelledMeasurements(
        BinnedSplit(binned[kept].astype(np.float32), named[kept]),
        regions[kept],
        regions_are,
        len(labels) - kept.size,
    )


def _by_file(table: LabelTable, files: Sequence[Path]) -> dict[Path, list[Label]]:
    """Return the labels of each file, which the table names whole or by its last part."""
    named = {label.file for label in table.labels}
    places: dict[str, Path] = {}
    for name in named:
        fitting = [path for path in files if name in ("", str(path), path.name)]
        if len(fitting) != 1:
            raise LabelError(
                f"{table.path} labels {name or 'one file without its name'}, and "
                f"{len(fitting)} of the given files fit.",
                expected="each labelled file given once"
                + ("" if name else ", or a column 'file' that tells several apart"),
            )
        places[name] = fitting[0]
    unused = [str(path) for path in files if path not in places.values()]
    if unused:
        raise LabelError(
            f"{table.path} labels nothing in {', '.join(unused[:5])}.",
            expected="labels in each file that is given",
        )
    grouped: dict[Path, list[Label]] = defaultdict(list)
    for label in table.labels:
        grouped[places[label.file]].append(label)
    return grouped


def _pixels(
    path: Path,
    labels: Sequence[Label],
    table: LabelTable,
    checkpoint: Checkpoint,
    energy_axis: EnergyAxis | None,
) -> NDArray[np.float32]:
    scan = open_scan(path, energy_axis=energy_axis)
    places = np.array([label.place for label in labels])
    outside = np.flatnonzero((places >= scan.shape).any(axis=1))
    if outside.size:
        label = labels[outside[0]]
        raise LabelError(
            f"{table.path}, line {label.line}: y {label.place[0]}, x {label.place[1]}.",
            expected=f"pixels of {path}, {scan.shape[0]} rows and {scan.shape[1]} columns, from 0",
        )
    rebin = checkpoint.axis.rebinner(scan.axis)
    counts = np.zeros((len(labels), len(checkpoint.axis)), dtype=np.float32)
    for first, block in scan.blocks():
        inside = np.flatnonzero((places[:, 0] >= first) & (places[:, 0] < first + len(block)))
        if inside.size:
            counts[inside] = rebin(block[places[inside, 0] - first, places[inside, 1]])
    return counts


def _spectra(
    path: Path,
    labels: Sequence[Label],
    table: LabelTable,
    checkpoint: Checkpoint,
    energy_axis: EnergyAxis | None,
) -> NDArray[np.float32]:
    spectra = open_spectra(path, energy_axis=energy_axis)
    rows = []
    for label in labels:
        if label.place[0] >= len(spectra):
            raise LabelError(
                f"{table.path}, line {label.line}: index {label.place[0]}.",
                expected=f"0 to {len(spectra) - 1}, of the spectra in {path}",
            )
        spectrum = spectra[label.place[0]]
        rows.append(checkpoint.axis.rebinner(spectrum.axis)(spectrum.counts[None, :]))
    return np.concatenate(rows)


def _regions(
    table: LabelTable, labels: Sequence[tuple[Path, Label]], classes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], str]:
    if table.has_regions:
        keys = [label.region for _, label in labels]
        return np.unique(keys, return_inverse=True)[1], "as the column 'region' says"
    files = np.unique([str(path) for path, _ in labels], return_inverse=True)[1]
    if not table.of_pixels:
        return files, "all spectra of one file"
    regions = np.zeros(len(labels), dtype=np.int64)
    for file in np.unique(files):
        own = np.flatnonzero(files == file)
        places = tuple(np.array([labels[int(row)][1].place for row in own]).T)
        drawn = np.full([int(place.max()) + 1 for place in places], -1)
        drawn[places] = classes[own]
        regions[own] = regions_from_labels(drawn)[places] + regions.max() + 1
    return regions, "connected pixels of one label"
