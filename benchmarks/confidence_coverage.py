"""Coverage, calibration and answers of a model on fresh simulated spectra, batch by batch.

    python -m benchmarks.confidence_coverage default --seeds 7000003,8000009 --batches 5

Each batch is 2 048 spectra of 32 machines drawn anew, under the condition of the model's training,
with seeds that neither training nor calibration nor tests have used. What batches scatter more
than their spectra explain is what their machines and grains have in common. Ten batches take
two minutes on one core. The second table says at which level answers were given, and which share
of those held the truth. Counts between the levels of the calibration are among those tried.
"""

from __future__ import annotations

import argparse

import numpy as np

from lithoscope.evaluation.calibration import held_out_from_stream
from lithoscope.inference.answer import answer_from_probabilities, tree_of_labels
from lithoscope.inference.calibration import prediction_sets, probabilities_from_logits
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.workflows.model_spectra import ModelSpectra
from lithoscope.workflows.recipe import Recipe

_COUNTS = (100.0, 550.0, 1_000.0, 10_000.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.confidence_coverage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of a shipped model, or a folder")
    parser.add_argument("--seeds", default="7000003,8000009")
    parser.add_argument("--batches", type=int, default=5, help="of each seed")
    parser.add_argument("--coverage", type=float, default=0.95)
    chosen = parser.parse_args()
    model = find_checkpoint(chosen.model)
    if model.conformal is None:
        parser.error("the model is not calibrated: see python -m benchmarks.recalibrate")
    library = load_library()
    minerals = [library.get(name) for name in model.labels.members]
    recipe = Recipe.model_validate(model.card["recipe"])
    spectra = ModelSpectra(recipe, minerals, model.labels, model.axis)
    held: dict[float, list[float]] = {counts: [] for counts in _COUNTS}
    answers: dict[float, list[tuple[str, bool]]] = {counts: [] for counts in _COUNTS}
    tree = tree_of_labels(model.labels, library)
    excess: dict[float, list[float]] = {counts: [] for counts in _COUNTS}
    for seed in map(int, chosen.seeds.split(",")):
        stream = spectra.for_tests(model.condition, seed=seed)
        size = stream.batch_size
        whole = held_out_from_stream(model, stream, spectra=chosen.batches * size, levels=_COUNTS)
        for level in whole:
            counts = np.full(len(level.classes), level.counts)
            said = probabilities_from_logits(
                logits=level.logits, counts=counts, temperature=model.temperature
            )
            sets = prediction_sets(
                conformal=model.conformal,
                probabilities=said,
                counts=counts,
                coverage=chosen.coverage,
            )
            true = sets[np.arange(len(sets)), level.classes]
            gap = said.max(axis=1) - (said.argmax(axis=1) == level.classes)
            held[level.counts] += true.reshape(-1, size).mean(axis=1).tolist()
            excess[level.counts] += gap.reshape(-1, size).mean(axis=1).tolist()
            named = [answer_from_probabilities(row, tree) for row in said]
            answers[level.counts] += [
                (one.level, model.labels.groups[truth].members[0] in one.members)
                for one, truth in zip(named, level.classes, strict=True)
            ]
    print("| counts | sets hold | SD of batches | if independent | confidence - right |")
    print("|---:|---:|---:|---:|---:|")
    for counts in _COUNTS:
        values, gaps = np.array(held[counts]), np.array(excess[counts])
        alone = np.sqrt(chosen.coverage * (1 - chosen.coverage) / size)
        error = values.std(ddof=1) / np.sqrt(len(values))
        print(
            f"| {counts:,.0f} | {values.mean():.2%} ± {error:.2%} | {values.std(ddof=1):.2%} "
            f"| {alone:.2%} | {gaps.mean():+.2%} ± {gaps.std(ddof=1) / np.sqrt(len(gaps)):.2%} |"
        )
    shown = ("mineral", "group", "alternatives", "series", "unresolved")
    print("\n| counts | " + " | ".join(f"{name}, right" for name in shown) + " |")
    print("|---:|" + "---:|" * len(shown))
    for counts, said_of in answers.items():
        cells = []
        for name in shown:
            right = [held for level, held in said_of if level == name]
            share = f"{len(right) / len(said_of):.1%}"
            cells.append(share if name == "unresolved" else f"{share}, {np.mean(right):.1%}")
        print(f"| {counts:,.0f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
