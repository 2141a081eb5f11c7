"""``lithoscope classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lithoscope.cli.options import (
    AnswerProbabilityOption,
    EnergyAxisOption,
    FalseAlarmsOption,
    InstrumentOption,
    JsonOption,
    MineralsOption,
    ModelOrAutoOption,
    axis_from_option,
    minerals_from_option,
)
from lithoscope.cli.terminal import (
    print_json,
    print_line,
    print_table,
    print_warnings,
    progress_bar,
)
from lithoscope.errors import InvalidValueError


def classify(
    files: Annotated[list[Path], typer.Argument(metavar="SPECTRUM...", help="Spectra to name.")],
    model: ModelOrAutoOption = "auto",
    instrument: InstrumentOption = None,
    minerals: MineralsOption = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many answers to list.")] = 3,
    energy_axis: EnergyAxisOption = None,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain",
            help="Draw which channels spoke for the class of one spectrum (.png, .svg).",
        ),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage",
            help="Also give the set of minerals that holds the truth in this share of cases, "
            "such as 0.95; guaranteed only for spectra exchangeable with the simulated ones that "
            "the model was calibrated by.",
        ),
    ] = None,
    answer_probability: AnswerProbabilityOption = 0.8,
    false_alarms: FalseAlarmsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the mineral of single spectra.

    Example: lithoscope classify point1.msa point2.spx --top 5
    To see why: lithoscope classify point1.msa --explain why.png
    """
    from lithoscope.io import open_spectra
    from lithoscope.workflows.classify import classify_spectra

    chosen = minerals_from_option(minerals)
    names = None if chosen is None else [mineral.name for mineral in chosen]
    opened = [open_spectra(file, energy_axis=axis_from_option(energy_axis)) for file in files]
    if explain is not None:
        _check_explained(explain, sum(map(len, opened)))
    answers: list[dict[str, Any]] = []
    for file, spectra in zip(files, opened, strict=True):
        with progress_bar(file.name, "spectra") as progress:
            said = classify_spectra(
                spectra,
                model=model,
                minerals=names,
                instrument=instrument,
                top=top,
                coverage=coverage,
                answer_probability=answer_probability,
                false_alarms=false_alarms,
                progress=progress,
            )
        for line in sorted({line for answer in said for line in answer["warnings"]}):
            print_warnings([f"{file}: {line}"])
        answers += [{"file": str(file), **answer} for answer in said]
    if explain is not None:
        from lithoscope.workflows.explain import explain as draw_explanation

        draw_explanation(opened[0][0], explain, model=model, minerals=names, instrument=instrument)
    if as_json:
        print_json(answers)
        return
    columns = [("file", "left"), ("counts", "right"), ("answer", "left"), ("most probable", "left")]
    columns.append(("unknown", "left"))
    print_table(columns, [_cells(answer) for answer in answers])
    for line in _reasons(answers):
        print_line(line)
    if explain is not None:
        print_line(f"explained in {explain}")


def _check_explained(path: Path, number: int) -> None:
    from lithoscope.figures.save import check_figure_path

    check_figure_path(path)
    if number != 1:
        raise InvalidValueError(
            f"{number} spectra with --explain.",
            expected="one, since there is one picture",
            remedy="give a file of one spectrum",
        )


def _label(answer: dict[str, Any]) -> str:
    name = Path(answer["file"]).name
    return name if answer["index"] == 0 else f"{name} #{answer['index']}"


def _reasons(answers: list[dict[str, Any]]) -> list[str]:
    """Lines for mixtures, sets of a coverage, and peaks that a spectrum's minerals leave."""
    lines = []
    for answer in answers:
        parts = answer["abundances"] or []
        if len(parts) > 1:
            mixture = ", ".join(f"{part['share']:.0%} {part['mineral']}" for part in parts)
            lines.append(f"{_label(answer)}: {mixture} of the area")
        if answer.get("coverage_set"):
            names = ", ".join(answer["coverage_set"])
            lines.append(f"{_label(answer)}: set of {answer['coverage']:.3g} coverage: {names}")
        peaks = [peak["text"] for peak in answer["unexplained"] or []]
        if peaks:
            lines.append(f"{_label(answer)}: unexplained: {'; '.join(peaks)}")
    return lines


def _answer(answer: dict[str, Any]) -> str:
    if answer["label"] is None:
        return ""
    level = answer["level"]
    return answer["label"] if level == "unresolved" else f"{answer['label']} ({level})"


def _cells(answer: dict[str, Any]) -> list[str]:
    label = _label(answer)
    ranked = ", ".join(f"{row['mineral']} {row['probability']:.1%}" for row in answer["top"])
    return [
        label,
        f"{answer['counts']:.0f}",
        _answer(answer["answer"]),
        ranked or answer["answer"]["level"],
        "yes" if answer["unknown"] else "",
    ]
