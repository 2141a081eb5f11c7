"""``lithoscope evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lithoscope.cli.options import JsonOption
from lithoscope.cli.terminal import print_json, print_line, print_table, staged_progress

if TYPE_CHECKING:
    from lithoscope.evaluation.agreement import Score
    from lithoscope.workflows.evaluate import Evaluation

_NAME_WIDTH = 22


def evaluate(
    result: Annotated[
        Path, typer.Argument(help="Folder that map wrote, or the JSON of classify --json.")
    ],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            help="Table (y,x,mineral of pixels; file,index,mineral of spectra), a mask .png with "
            "its legend in a .csv beside it, or a phantom's truth.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Score a map, or a set of spectra, against labels.

    Example: lithoscope evaluate sample-map --labels labels.csv
    """
    from lithoscope.workflows.evaluate import evaluate as compare

    with staged_progress() as progress:
        found = compare(result, labels, progress=progress)
    if as_json:
        print_json(found.as_data())
        return
    _print(found)


def _print(found: Evaluation) -> None:
    from lithoscope.figures.style import short_label

    agreement, names = found.agreement, [*found.labels.labels, "void"]
    rows = []
    for one in agreement.classes:
        wrong = agreement.confusion[one.index].copy()
        wrong[one.index] = 0
        taken = f"{short_label(names[wrong.argmax()], width=_NAME_WIDTH - 4)} {wrong.max()}"
        rows.append(
            [
                short_label(names[one.index], width=_NAME_WIDTH - 4),
                f"{one.labelled}",
                f"{one.regions}",
                f"{100 * one.right / one.labelled:.1f}",
                f"{100 * one.iou.value:.1f}",
                taken if wrong.any() else "",
            ]
        )
    columns = [
        ("labelled", "left"),
        (found.things, "right"),
        ("regions", "right"),
        ("right %", "right"),
        ("IoU %", "right"),
        ("else mostly named", "left"),
    ]
    print_table(columns, rows)
    print_line(f"{agreement.number} {found.things} in {agreement.regions} regions:")
    scores = [
        ("accuracy", agreement.accuracy),
        ("accuracy, smoothed", found.smoothed),
        ("mean IoU", agreement.mean_iou),
        ("calibration error", agreement.calibration_error),
    ]
    for name, score in scores:
        if score is not None:
            print_line(f"  {name:18} {_text(score)}")
    print_line(f"  {'marked unknown':18} {100 * found.unknown:5.1f} %")
    print_line(f"Intervals of 95 % by regions: {found.regions_are}.")


def _text(score: Score) -> str:
    text = f"{100 * score.value:5.1f} %"
    if score.low is None or score.high is None:
        return text + "  (one region: no interval)"
    return f"{text}  ({100 * score.low:.1f} to {100 * score.high:.1f})"
