"""Adapt a model to labelled measurements, and guard what it knew."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import CheckpointError, InvalidValueError, LabelError
from lithoscope.evaluation.agreement import Agreement, agreement_from_labels
from lithoscope.inference.predict import Scorer, logits_from_counts
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.judge import UnknownJudge
from lithoscope.io.label_tables import read_label_table
from lithoscope.models.checkpoint import (
    DEFAULT_MODEL,
    Checkpoint,
    check_model_folder,
    find_checkpoint,
)
from lithoscope.training.finetune import ReplayBatches, regions_for_test
from lithoscope.training.on_data import BinnedSplit
from lithoscope.workflows.labelled_measurements import LabelledMeasurements, read_labelled
from lithoscope.workflows.new_model import Progress, save_with_card
from lithoscope.workflows.refit import refitted
from lithoscope.workflows.rehearsal import Rehearsal

DEFAULT_SPECTRA, DEFAULT_MOST_LOSS = 40_000, 1.0
# A quarter of each batch is measured.
_BATCH, _MEASURED = 128, 32
# A tenth of what models are trained with from nothing.
_LEARNING_RATE = 2e-4
_TEST_SHARE = 1 / 3


@dataclass(frozen=True)
class BeforeAndAfter:
    """One measure of the model as it was and as it is, each a share."""

    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Finetuned:
    """A finetuned model and what became of it.

    Parameters
    ----------
    checkpoint
        The model, as it was saved.
    simulated
        Accuracy on simulated spectra that neither saw.
    measured
        Accuracy on the measured regions that were kept for the test.
    unknown
        Share of these that is marked as unknown.
    intervals
        The measured accuracies with their 95 % intervals by region.
    notes
        Facts for people, a line each.
    """

    checkpoint: Checkpoint
    simulated: BeforeAndAfter
    measured: BeforeAndAfter
    unknown: BeforeAndAfter
    intervals: tuple[Agreement, Agreement]
    notes: tuple[str, ...]


def finetune(
    files: Sequence[str | Path],
    labels: str | Path,
    folder: str | Path,
    *,
    model: str | Checkpoint = DEFAULT_MODEL,
    spectra: int = DEFAULT_SPECTRA,
    most_loss: float = DEFAULT_MOST_LOSS,
    seed: int = 0,
    energy_axis: EnergyAxis | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> Finetuned:
    """Go on training a model on labelled measurements among simulated spectra, and save it.

    A third of each mineral's regions is kept for a test, whole, since neighbouring pixels are
    alike. The model must still name simulated spectra, of the condition that it was trained under.

    Parameters
    ----------
    files
        Scans or spectra.
    labels
        Table of labels, see `io.label_tables`.
    folder
        Where the new model goes; its log goes beside it, to ``<folder>-log``.
    model
        The model to begin from.
    spectra
        Spectra to train on, three simulated to one measured.
    most_loss
        Points of accuracy on simulated spectra that may be lost.
    seed
        Seed of all that is drawn.
    energy_axis
        For files that lack one.
    progress
        Called with stage, steps done, steps in all, and a remark.

    Raises
    ------
    LabelError
        If labels and files do not go together, or no mineral has two regions.
    CheckpointError
        If the model cannot be rehearsed, or more is lost than allowed; then nothing is saved.
    """
    if spectra < _BATCH or not 0 <= most_loss <= 100:
        raise InvalidValueError(
            f"{spectra} spectra, at most {most_loss} points lost.",
            expected=f"{_BATCH} spectra or more, 0 to 100 points",
        )
    target = Path(folder)
    check_model_folder(target)
    started = time.perf_counter()
    old = find_checkpoint(model) if isinstance(model, str) else model
    rehearsed = Rehearsal.of(old, seed)
    table = read_label_table(Path(labels))
    measured = read_labelled(table, [Path(file) for file in files], old, energy_axis=energy_axis)
    training, test, regions = _split(measured, table.path, seed)
    held_out = rehearsed.held_out(progress)
    new = _fitted(old, training, rehearsed, spectra, target, progress)
    simulated = BeforeAndAfter(*(_accuracy(one, held_out) for one in (old, new)))
    lost = 100 * (simulated.before - simulated.after)
    if lost > most_loss:
        raise CheckpointError(
            f"The finetuned model names {simulated.after:.1%} of {len(held_out):,} simulated "
            f"spectra right and the old {simulated.before:.1%}: {lost:.1f} points are lost, and "
            "nothing was saved.",
            expected=f"a loss of {most_loss:g} points at most",
            remedy="check the labels, label more, train on fewer --spectra, or allow --most-loss",
        )
    fitted = time.perf_counter()
    progress("test", 0, 1, "thresholds")
    new = dataclasses.replace(new, threshold=rehearsed.threshold(new))
    progress("test", 1, 1, "")
    new, told = refitted(new, progress)
    agreements = tuple(_agreement(one, test, regions) for one in (old, new))
    result = Finetuned(
        checkpoint=new,
        simulated=simulated,
        measured=BeforeAndAfter(*(one.accuracy.value for one in agreements)),
        unknown=BeforeAndAfter(*(_unknown(one, test) for one in (old, new))),
        intervals=(agreements[0], agreements[1]),
        notes=(*_notes(measured, training, test, old), *told),
    )
    timings = {
        "group_s": 0.0,
        "train_s": round(fitted - started, 1),
        "test_s": round(time.perf_counter() - fitted, 1),
    }
    card = _card(old, result, table.path, spectra, seed, len(held_out))
    saved = save_with_card(dataclasses.replace(new, card=card), target, timings)
    return dataclasses.replace(result, checkpoint=saved)


def _split(
    measured: LabelledMeasurements, path: Path, seed: int
) -> tuple[BinnedSplit, BinnedSplit, np.ndarray]:
    """Return what is trained on, what is tested on, and the regions of the latter."""
    spectra = measured.spectra
    kept = regions_for_test(spectra.classes, measured.regions, share=_TEST_SHARE, seed=seed)
    if not kept.any():
        raise LabelError(
            f"{path} has no mineral of two regions ({measured.regions_are}): nothing to test by.",
            expected="two regions or more of one mineral at least",
            remedy="label a second grain or file, or say in a column 'region' what is one",
        )
    parts = [BinnedSplit(spectra.counts[rows], spectra.classes[rows]) for rows in (~kept, kept)]
    return parts[0], parts[1], measured.regions[kept]


def _fitted(
    old: Checkpoint,
    training: BinnedSplit,
    rehearsed: Rehearsal,
    spectra: int,
    folder: Path,
    progress: Progress,
) -> Checkpoint:
    # Imported here: Lightning takes seconds, and nothing but training needs it.
    from lithoscope.training.fit import fit_network
    from lithoscope.training.loop import FitSettings

    # In evaluation mode, as a loaded network is: normalisation keeps the statistics of simulated
    # spectra, which a few measured ones in each batch would shift, and the weights alone move.
    network = copy.deepcopy(old.network).eval()
    weights = hashlib.sha256(
        b"".join(value.cpu().numpy().tobytes() for value in network.state_dict().values())
    )
    batches = ReplayBatches(
        training,
        rehearsed.stream(seed=0, batch_size=_BATCH - _MEASURED),
        measured_per_batch=_MEASURED,
        started_from=weights.hexdigest(),
    )
    fit_network(
        network,  # type: ignore[arg-type]
        batches,
        FitSettings(spectra, batches.batch_size, learning_rate=_LEARNING_RATE),
        log_folder=folder.with_name(folder.name + "-log"),
        chain=old.bound_chain,
        progress=lambda seen, accuracy: progress("train", seen, spectra, f"{accuracy:.1%}"),
    )
    return old.with_network(network.cpu(), name=folder.name)


def _accuracy(checkpoint: Checkpoint, split: BinnedSplit) -> float:
    named = logits_from_counts(checkpoint, torch.from_numpy(split.counts)).argmax(dim=1)
    return float((named.numpy() == split.classes).mean())


def _agreement(checkpoint: Checkpoint, split: BinnedSplit, regions: np.ndarray) -> Agreement:
    shares = torch.softmax(
        logits_from_counts(checkpoint, torch.from_numpy(split.counts)), dim=1
    ).numpy()
    return agreement_from_labels(
        labelled=split.classes,
        named=shares.argmax(axis=1),
        confidence=np.minimum(shares.max(axis=1), 1.0),
        regions=regions,
        n_classes=len(checkpoint.labels),
    )


def _unknown(checkpoint: Checkpoint, split: BinnedSplit) -> float:
    """Share that `map` would call unknown."""
    counts, look = torch.from_numpy(split.counts), Scorer(checkpoint).features_and_logits
    seen = Seen(counts, *look(counts))
    judge = UnknownJudge(checkpoint, range(len(checkpoint.labels)), look=look)
    _, unknown = judge(seen, split.totals, classes=seen.logits.argmax(dim=1).numpy())
    return float(unknown.mean())


def _notes(
    measured: LabelledMeasurements, training: BinnedSplit, test: BinnedSplit, old: Checkpoint
) -> tuple[str, ...]:
    names = old.labels.labels
    untested = [names[label] for label in np.setdiff1d(training.classes, test.classes)]
    notes = [
        f"{len(training)} spectra to train on, {len(test)} kept for the test, by regions: "
        f"{measured.regions_are}."
    ]
    if untested:
        notes.append(f"Of one region, and so not tested: {', '.join(untested)}.")
    if measured.left_out:
        notes.append(f"{measured.left_out} labelled spectra have too few counts.")
    return tuple(notes)


def _card(
    old: Checkpoint, result: Finetuned, labels: Path, spectra: int, seed: int, held_out: int
) -> dict[str, Any]:
    simulated, measured = result.simulated, result.measured
    trained = old.card.get("trained_on", "what its card does not say")
    after = result.intervals[1]
    return {
        "not_modelled": "not known",
        **result.checkpoint.card,
        "recipe": {**old.card.get("recipe", {}), "seed": seed},
        "classes": len(old.labels),
        "parameters": sum(weight.numel() for weight in old.network.parameters()),
        "trained_on": f"{trained}; then, from the model '{old.name}', on labelled measurements "
        f"({labels.name}) among simulated spectra of the same kind",
        "seen": f"{spectra:,} spectra in finetuning, a quarter of them measured",
        "tested_on": f"{after.number} measured spectra in {after.regions} regions that were not "
        f"trained on: {measured.after:.1%} named right, {measured.before:.1%} before finetuning; "
        f"and {held_out:,} simulated spectra under '{old.condition.name}': {simulated.after:.1%}, "
        f"{simulated.before:.1%} before",
        "baseline": f"the model '{old.name}' as it was",
        "accuracy": {},
        # It holds what the old network named right.
        "ceiling": [],
        "finetuned": {
            "from": old.name,
            "simulated": dataclasses.asdict(simulated),
            "measured": dataclasses.asdict(measured),
            "unknown": dataclasses.asdict(result.unknown),
            "notes": list(result.notes),
        },
    }
