"""Net counts of lines: the network cnn-lines beside NNLS line fitting and the truth.

    python -m benchmarks.line_intensities train      # some 10 minutes, goes on when cut off
    python -m benchmarks.line_intensities            # trains if need be, and measures
    python -m benchmarks.line_intensities page       # writes the page again

Trains on the whole library on drawn M4 Tornado machines, `realistic` without thin grains and rough
surfaces (after which net counts are not known), one thread, into ``build/line-intensities``. Then
it measures, on other seeds, under `poisson` and under the training's condition, all methods on the
same spectra. Results go to ``benchmarks/results/line_intensities.jsonl``, and the page
``docs/line-intensities.md`` is written from them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from benchmarks.line_intensities.measure import measured
from benchmarks.line_intensities.page import page
from benchmarks.line_intensities.source import FOLDER, MODEL, train

from lithoscope.models.line_model import load_line_model

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "line_intensities.jsonl"
PAGE = ROOT / "docs" / "line-intensities.md"


def main() -> None:
    """Train, measure, store, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="?", choices=["train", "page"])
    task = parser.parse_args().task
    # OpenMP threads, xraylib's too, wait for each other busily: beside other work, tenfold.
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if task == "train" or (task is None and not MODEL.is_file()):
        train()
    if task is None:
        model = load_line_model(MODEL)
        lines = [json.dumps({"part": "training", **model.card, "groups": len(model.groups)})]
        for row in measured(model):
            lines.append(json.dumps(row))
            print(lines[-1], flush=True)
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if task != "train":
        rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
        PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
