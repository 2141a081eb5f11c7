"""How much of what detectors of the unknown miss is due to mixtures.

    lithoscope benchmark unknown -o DIR
    python -m benchmarks.unknown_without_mixtures DIR/left-out

The benchmark's small model, which lacks some minerals, on known and left-out minerals as it tests
them, without mixtures, and without any distortion but noise; detectors and thresholds as they
are, fitted with mixtures among what is known. At 3,000 counts; some four minutes of one processor
each.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from lithoscope.evaluation.strange_samples import BY_ELEMENT, NEAR
from lithoscope.inference.unknown.combined import Combined
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.synthesis.distortions import NAMES
from lithoscope.workflows.fit_unknown import expected_spectra
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.unknown_separation import Subject, separations

COUNTS = 3_000.0
CONDITIONS = {
    "without mixtures": {"mixture": 0.0},
    "undistorted": {name: 0.0 for name in NAMES if name != "poisson"},
}
_KINDS = {"near": NEAR, "far": BY_ELEMENT}
_SEED = 91


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unknown_without_mixtures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="folder `left-out` of `lithoscope benchmark unknown`")
    parser.add_argument("--known", type=int, default=4_096, help="spectra")
    parser.add_argument("--unknown", type=int, default=1_536, help="spectra of each kind")
    parser.add_argument("--machines", type=int, default=48, help="of the known; a sixth otherwise")
    chosen = parser.parse_args(arguments)
    model = find_checkpoint(chosen.model)
    for name, severities in CONDITIONS.items():
        for row in rows(model, severities, chosen.known, chosen.unknown, chosen.machines):
            if row["kind"] == "false alarms":
                print(f"{name}: {row['share']:.1%} of known spectra called unknown")
            elif row["kind"] == "separation":
                print(
                    f"{name}: {row['unknown']}: AUROC {row['auroc']:.3f}, detected at 1 % "
                    f"{row['detected_at_1']:.1%}, at 5 % {row['detected_at_5']:.1%}"
                )


def rows(
    model: Checkpoint, severities: dict[str, float], known: int, unknown: int, machines: int
) -> list[dict[str, object]]:
    """What the model's combination is worth where distortions have these severities."""
    spectra = spectra_of_model(model)
    changed = {"severities": {**spectra.recipe.severities, **severities}}
    spectra = dataclasses.replace(spectra, recipe=spectra.recipe.model_copy(update=changed))
    library = load_library()
    samples = {
        kind: expected_spectra(
            spectra,
            [library.get(name) for name in names],
            count=unknown,
            seed=_SEED,
            machines=-(-machines // 6),
        )
        for kind, names in _KINDS.items()
    }
    return separations(
        Subject("left out", model, spectra, [Combined.from_arrays(model.detector.arrays)]),
        expected_spectra(spectra, (), count=known, seed=_SEED, machines=machines),
        samples,
        lambda stage, done, total, note: None,
        levels=[COUNTS],
    )


if __name__ == "__main__":
    main()
