"""Calibrate a trained model anew and refit its detector of the unknown, its weights as they are.

    python -m benchmarks.recalibrate default -o DIR --figure docs/images/reliability.png

Held-out spectra and made-up samples are simulated; the shipped model takes some three minutes on
one core for the calibration, and about as long again for the detector. The figure shows reliability
before and after, on the test spectra of the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lithoscope.figures.reliability_plot import ReliabilityCurve, reliability_figure
from lithoscope.figures.save import check_figure_path, save_figure
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.calibrate import recalibrate

_SHOWN = (100.0, 1_000.0, 10_000.0, 1_000_000.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recalibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of a shipped model, or a folder")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--spectra", type=int, help="at each level, to calibrate by")
    parser.add_argument("--figure", type=Path, help="where the reliability curves go")
    chosen = parser.parse_args()
    if chosen.figure:
        check_figure_path(chosen.figure)
    checkpoint = recalibrate(
        chosen.model,
        chosen.output,
        count=chosen.spectra,
        progress=lambda stage, done, total, note: print(stage, f"{done}/{total}", note, flush=True),
    )
    for row in table(checkpoint):
        print(row)
    if chosen.figure:
        save_figure(reliability_figure(curves(checkpoint), title=_title(checkpoint)), chosen.figure)


def table(checkpoint: Checkpoint) -> list[str]:
    temperatures = dict(
        zip(checkpoint.temperature.counts, checkpoint.temperature.values, strict=True)
    )
    rows = [
        "| condition | counts | T | ECE before | after | Brier before | after | NLL before | after "
        "| 95 % sets hold | classes in a set |",
        "|---|" + "---:|" * 10,
    ]
    for name, levels in checkpoint.card["calibration"].items():
        for row in levels:
            rows.append(
                f"| {name} | {row['counts']:,.0f} | {temperatures[row['counts']]:.3f} "
                f"| {row['ece_before']:.4f} | {row['ece_after']:.4f} "
                f"| {row['brier_before']:.4f} | {row['brier_after']:.4f} "
                f"| {row['nll_before']:.3f} | {row['nll_after']:.3f} "
                f"| {row['coverage']:.1%} | {row['set_size']:.2f} |"
            )
    return rows


def curves(checkpoint: Checkpoint) -> list[ReliabilityCurve]:
    return [
        ReliabilityCurve(
            f"{name}, {row['counts']:,.0f} counts",
            before=tuple(map(tuple, row["reliability_before"])),
            after=tuple(map(tuple, row["reliability_after"])),
        )
        for name, levels in checkpoint.card["calibration"].items()
        for row in levels
        if row["counts"] in _SHOWN
    ]


def _title(checkpoint: Checkpoint) -> str:
    return f"Reliability of '{checkpoint.name}' on own simulation, before and after temperature"


if __name__ == "__main__":
    main()
