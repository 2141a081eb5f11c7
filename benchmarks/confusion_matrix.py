"""The whole confusion matrix of each shipped model, of which its card lists the largest entries.

    python -m benchmarks.confusion_matrix -o docs/tables

Writes `confusion-MODEL-CONDITION.csv`: a line for each pair of true and named class that occurred
among some 60 simulated spectra of each class at 1,000 counts, the diagonal too, with the number of
spectra of the true class and how many of these were named so. Takes four minutes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.predict import logits_from_counts
from lithoscope.io.aside import written_aside
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint, shipped_models
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.workflows.model_spectra import spectra_of_model

CONDITION_NAMES = ("poisson", "realistic")
COUNTS, SPECTRA, SEED = 1_000.0, 16_384, 6_000_011


def confusion_counts(checkpoint: Checkpoint, condition: str) -> NDArray[np.int64]:
    """How many spectra of each class were named as each, shape (true class, named class)."""
    stream = spectra_of_model(checkpoint).for_tests(CONDITIONS[condition], seed=SEED).at(COUNTS)
    pairs = np.zeros((len(checkpoint.labels),) * 2, dtype=np.int64)
    for number in range(-(-SPECTRA // stream.batch_size)):
        batch = stream.batch(number)
        named = logits_from_counts(checkpoint, batch.counts).argmax(dim=1).numpy()
        np.add.at(pairs, (batch.classes.numpy(), named), 1)
    return pairs


def write_matrix(path: Path, pairs: NDArray[np.int64], labels: tuple[str, ...]) -> None:
    """Write the pairs that occurred, the most frequent of each true class first."""
    totals = pairs.sum(axis=1)
    with written_aside(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["true", "named", "spectra", "named_so"])
        for true, row in enumerate(pairs):
            for named in np.argsort(-row, kind="stable")[: np.count_nonzero(row)]:
                writer.writerow([labels[true], labels[named], totals[true], row[named]])


def main() -> None:
    """Write the matrices of all shipped models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    folder = parser.parse_args().output
    for model in shipped_models():
        checkpoint = find_checkpoint(model)
        for condition in CONDITION_NAMES:
            pairs = confusion_counts(checkpoint, condition)
            path = folder / f"confusion-{model}-{condition}.csv"
            write_matrix(path, pairs, checkpoint.labels.labels)
            right = np.trace(pairs) / pairs.sum()
            print(f"{path}: {pairs.sum()} spectra, {100 * right:.1f}% right", flush=True)


if __name__ == "__main__":
    main()
