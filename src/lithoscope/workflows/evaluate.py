"""Score a map, or a set of spectra, against labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.errors import LabelError, MineralError, nearest_names
from lithoscope.evaluation.agreement import Agreement, Score, agreement_from_labels
from lithoscope.evaluation.regions import regions_from_labels
from lithoscope.io.label_maps import UNLABELLED, read_label_map
from lithoscope.io.label_tables import LabelTable, read_label_table
from lithoscope.io.stored_results import Answer, StoredMap, open_stored_map, read_answers
from lithoscope.minerals import load_library
from lithoscope.workflows.labelled_answers import classes_of_answers, finder_of_answers

Progress = Callable[[str, int, int, str], None]

_CONNECTED = "connected pixels of one label"
_AS_TOLD = "as the column 'region' says"
_FILES = "all spectra of one file"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A result beside labels.

    Parameters
    ----------
    labels
        The classes.
    agreement
        How well they agree.
    smoothed
        Accuracy of the smoothed map; ``None`` for spectra.
    unknown
        Share of what is labelled that the result marks as unknown; it counts by its best group.
    regions_are
        What was resampled for the intervals.
    things
        ``pixels`` or ``spectra``.
    """

    labels: LabelSet
    agreement: Agreement
    smoothed: Score | None
    unknown: float
    regions_are: str
    things: str

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        names = self.labels.labels
        found = self.agreement
        shown = [
            index
            for index in range(len(names))
            if found.confusion[index].any() or found.confusion[:, index].any()
        ]
        return {
            self.things: found.number,
            "regions": found.regions,
            "regions_are": self.regions_are,
            "accuracy": _score(found.accuracy),
            "accuracy_smoothed": _score(self.smoothed),
            "mean_iou": _score(found.mean_iou),
            "calibration_error": _score(found.calibration_error),
            "unknown_share": self.unknown,
            "minerals": [
                {
                    "mineral": names[one.index],
                    "members": list(self.labels.groups[one.index].members),
                    self.things: one.labelled,
                    "regions": one.regions,
                    "named": one.named,
                    "right": one.right,
                    "iou": _score(one.iou),
                }
                for one in found.classes
            ],
            "confusion": {
                "labelled": [names[index] for index in shown],
                "named": [*(names[index] for index in shown), "void"],
                "counts": found.confusion[np.ix_(shown, [*shown, len(names)])].tolist(),
            },
        }


def _score(score: Score | None) -> dict[str, float | None] | None:
    if score is None:
        return None
    return {"value": score.value, "low": score.low, "high": score.high}


def evaluate(
    result: str | Path,
    labels: str | Path,
    *,
    seed: int = 0,
    progress: Progress = lambda stage, done, total, note: None,
) -> Evaluation:
    """Compare a result with labels; what is not labelled plays no part.

    A label that names a member of a group counts as that group. A spectrum's set of classes is not
    in the JSON of `classify`: a labelled mineral that no answer mentions is a class of its own.

    Parameters
    ----------
    result
        Folder that `map` wrote, its ``result.zarr``, or the JSON of `classify`.
    labels
        For a map a table ``y,x,mineral``, a mask ``.png`` with its legend, or the truth of a
        phantom; for spectra a table ``file,index,mineral``. See `io.label_tables` and
        `io.label_maps`.
    seed
        Seed of the bootstrap.
    progress
        Called with the stage (reading labels, then resampling), steps done, steps in all, and
        nothing more.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    LabelError
        If labels do not belong to the result, or name minerals that it does not know.
    """
    target, given = Path(result), Path(labels)
    if target.is_dir():
        return _of_map(open_stored_map(target), given, seed, progress)
    return _of_spectra(read_answers(target), given, seed, progress)


def _stage(progress: Progress, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done, total, "")


def class_of_names(names: Iterable[str], labels: LabelSet, path: Path) -> dict[str, int]:
    """Return the class of each name: a group's label, a member, or another name of one.

    Raises
    ------
    LabelError
        If there are names of no class; the message gives them all.
    """
    library = load_library()
    classes, strange = {}, []
    for name in sorted(set(names)):
        try:
            own = labels.labels.index(name) if name in labels.labels else None
            known = name if name in labels.members else library.get(name).name
            classes[name] = labels.index_of(known) if own is None else own
        except MineralError:
            near = nearest_names(name, labels.members, count=1)
            strange.append(f"'{name}'" + (f" (near: {near[0]})" if near else ""))
    if strange:
        more = f" and {len(strange) - 10} more" if len(strange) > 10 else ""
        raise LabelError(
            f"{path} names {', '.join(strange[:10])}{more}, which the model does not know.",
            expected="minerals of the model, or its groups",
            remedy="leave these labels out, or map with a model that knows them (lithoscope train)",
        )
    return classes


def _of_map(result: StoredMap, path: Path, seed: int, progress: Progress) -> Evaluation:
    truth, regions, regions_are = _labels_on_map(result, path, _stage(progress, "labels"))
    inside = truth != UNLABELLED
    labelled, numbers = truth[inside], regions[inside]

    def compare(layer: NDArray[np.int64], stage: str) -> Agreement:
        return agreement_from_labels(
            labelled=labelled,
            named=layer[inside],
            confidence=result.confidence[inside],
            regions=numbers,
            n_classes=len(result.labels),
            seed=seed,
            progress=_stage(progress, stage),
        )

    return Evaluation(
        labels=result.labels,
        agreement=compare(result.mineral, "intervals"),
        smoothed=compare(result.mineral_smoothed, "intervals, smoothed").accuracy,
        unknown=float(result.unknown[inside].mean()),
        regions_are=regions_are,
        things="pixels",
    )


def _labels_on_map(
    result: StoredMap, path: Path, progress: Callable[[int, int], None]
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Class and region of each pixel, both -1 where nothing is labelled, and what regions are."""
    shape = result.mineral.shape
    if path.suffix.lower() != ".csv":
        drawn = read_label_map(path)
        if drawn.numbers.shape != shape:
            raise LabelError(
                f"{path} has {drawn.numbers.shape[0]} x {drawn.numbers.shape[1]} pixels.",
                expected=f"as many as the map, {shape[0]} x {shape[1]} (rows x columns)",
            )
        used = [drawn.minerals[number] for number in np.unique(drawn.numbers) if number >= 0]
        classes = class_of_names(used, result.labels, path)
        by_number = np.array([classes.get(name, UNLABELLED) for name in drawn.minerals])
        truth = np.where(drawn.numbers < 0, UNLABELLED, by_number[drawn.numbers])
        return truth, regions_from_labels(truth), _CONNECTED
    table = read_label_table(path, progress=progress)
    if not table.of_pixels or len({label.file for label in table.labels}) > 1:
        raise LabelError(
            f"{path} labels spectra, or several scans.", expected="y,x,mineral of one scan"
        )
    truth = np.full(shape, UNLABELLED, dtype=np.int64)
    regions = np.full(shape, -1, dtype=np.int64)
    classes = class_of_names((label.mineral for label in table.labels), result.labels, path)
    numbers = numbers_of_regions(table)
    for label in table.labels:
        if not (label.place[0] < shape[0] and label.place[1] < shape[1]):
            raise LabelError(
                f"{path}, line {label.line}: y {label.place[0]}, x {label.place[1]}.",
                expected=f"pixels from 0 on of a map of {shape[0]} rows and {shape[1]} columns",
            )
        truth[label.place] = classes[label.mineral]
        regions[label.place] = numbers.get(label.region, -1)
    if table.has_regions:
        return truth, regions, _AS_TOLD
    return truth, regions_from_labels(truth), _CONNECTED


def numbers_of_regions(table: LabelTable) -> dict[str, int]:
    """Return a number for each named region."""
    return {name: number for number, name in enumerate(sorted({x.region for x in table.labels}))}


def _of_spectra(
    answers: tuple[Answer, ...], path: Path, seed: int, progress: Progress
) -> Evaluation:
    table = read_label_table(path, progress=_stage(progress, "labels"))
    if table.of_pixels:
        raise LabelError(
            f"{path} labels pixels, and the result is one of spectra.",
            expected="the columns file,mineral (and index, region)",
        )
    find = finder_of_answers(answers, path)
    said = [find(label.file, label.place[0], label.line) for label in table.labels]
    labels = classes_of_answers(answers, table)
    classes = class_of_names((label.mineral for label in table.labels), labels, path)
    regions_of = numbers_of_regions(
        table
        if table.has_regions
        else replace(table, labels=tuple(replace(x, region=x.file) for x in table.labels))
    )
    agreement = agreement_from_labels(
        labelled=np.array([classes[label.mineral] for label in table.labels]),
        named=np.array([labels.index_of(one.members[0]) if one.members else VOID for one in said]),
        confidence=np.array([one.probability for one in said]),
        regions=np.array([regions_of[label.region or label.file] for label in table.labels]),
        n_classes=len(labels),
        seed=seed,
        progress=_stage(progress, "intervals"),
    )
    return Evaluation(
        labels=labels,
        agreement=agreement,
        smoothed=None,
        unknown=float(np.mean([one.unknown for one in said])),
        regions_are=_AS_TOLD if table.has_regions else _FILES,
        things="spectra",
    )
