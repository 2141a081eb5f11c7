"""Measure maps of phantoms whose truth is known, and write docs/maps.md.

    python -m benchmarks.map_phantoms -o docs

Predicted phantoms and pools of predicted spectra are kept in a folder of the model's own
(``--kept``), so that a run that was broken off goes on; the first run takes some half an hour on
one core, later ones ten minutes. Errors by which the package gives its intervals are measured anew
and put into ``src/lithoscope/segmentation/data/share_errors.json``: run it after a model was
trained.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from benchmarks.map_phantoms import accuracy, coverage, detection, pool, scans
from benchmarks.map_phantoms.page import page
from benchmarks.map_phantoms.picture import write_picture

from lithoscope.models.checkpoint import digest_of_checkpoint, find_checkpoint

_ROOT = Path(__file__).parents[2]
_PICTURED = "porphyry copper ore"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.map_phantoms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--kept", type=Path, help="where predictions of earlier runs are")
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs", help="docs folder")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    checkpoint = find_checkpoint(chosen.model)
    labels = checkpoint.labels
    name = f"lithoscope-maps-{digest_of_checkpoint(checkpoint)[:12]}"
    folder = chosen.kept or Path(tempfile.gettempdir()) / name
    folder.mkdir(parents=True, exist_ok=True)
    found = scans.scans_of_rocks(scans.ROCKS, scans.SEED, checkpoint, folder)
    maps = [accuracy.maps_of_scan(scan, len(labels)) for scan in found]
    scores = {
        method: [
            accuracy.scores_of_map(scan, named[method])
            for scan, named in zip(found, maps, strict=True)
        ]
        for method in accuracy.METHODS
    }
    errors = coverage.fitted_errors(checkpoint, folder)
    coverage.write_errors(errors)
    tested = pool.stored_pool(checkpoint, pool.SEED, folder)
    records = coverage.records_of(tested, labels, range(coverage.PHANTOMS), errors)
    text = page(
        scores,
        accuracy.percents_of_minerals(found, maps, len(labels)),
        coverage.coverage_rows(records),
        detection.detection_rows(found, tested, labels),
        errors,
        labels,
        checkpoint.name,
    )
    path = chosen.output / "maps.md"
    path.write_text(text, encoding="utf-8")
    pictured = found[scans.ROCKS.index(_PICTURED)]
    write_picture(pictured, labels, chosen.output / "images" / "maps-phantom.png")
    print(path)


if __name__ == "__main__":
    main()
