"""Tables and figures of one arm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lithoscope.evaluation.corruption_error import corruption_errors
from lithoscope.figures.study_plots import bars_figure, curves_figure, matrix_figure
from lithoscope.report.study_page import Block, Paragraph, StudyTable
from lithoscope.workflows.study.conclusions import corruption_means, steps_of_ledger
from lithoscope.workflows.study.data_size import data_size_blocks
from lithoscope.workflows.study.phantom_blocks import phantom_blocks
from lithoscope.workflows.study.pictures import picture
from lithoscope.workflows.study.results import NOTHING, ArmResults, seeds_said, shown, spread
from lithoscope.workflows.study.unknown_blocks import unknown_blocks

# More conditions than these are a matrix and not curves.
_FEW = 3
_REFERENCES = ("best possible", "SAM")


def blocks_of_arm(results: ArmResults, networks: ArmResults | None) -> Iterator[Block]:
    """All that an arm's lines show.

    Parameters
    ----------
    results
        The arm's.
    networks
        The arm that holds the best possible and SAM, which stand beside every accuracy measured
        under the same condition.
    """
    yield from _accuracy(results, networks)
    for measure, blocks in (
        ("calibration", _calibration),
        ("missing ranges", _missing_ranges),
        ("corruption", _corruption),
        ("carrying over", _ledger),
        ("phantoms", phantom_blocks),
        ("unknown", unknown_blocks),
    ):
        if results.has(measure):
            yield from blocks(results)
    yield from data_size_blocks(results)
    yield from _cost(results)


def _accuracy(results: ArmResults, networks: ArmResults | None) -> Iterator[Block]:
    columns = results.columns()
    conditions = list(dict.fromkeys(condition for condition, _ in columns))
    for condition in conditions if len(conditions) <= _FEW else []:
        levels = [level for one, level in columns if one == condition]
        yield Paragraph(f"Share named right under '{condition}', %, by total counts:")
        shares = {
            case: [_share(results, case, condition, level) for level in levels]
            for case in results.lines
        }
        rows = [
            [case, str(len(results.lines[case])), *cells]
            for case, cells in shares.items()
            if set(cells) != {NOTHING}
        ]
        # With classes left out, names are fewer, and naming is easier than for the references.
        all_learnt = not any(case.left_out for case in results.arm.cases().values())
        if networks is not None and networks is not results and all_learnt:
            rows += _reference_rows(networks, condition, levels)
        yield StudyTable(["", "seeds", *(f"{float(level):,.0f}" for level in levels)], rows)
        if len(levels) > 1:
            yield _curves(results, condition, levels)
    if len(conditions) > _FEW:
        yield from _matrix(results, columns)


def _reference_rows(networks: ArmResults, condition: str, levels: list[str]) -> Iterator[list[str]]:
    for case in _REFERENCES:
        cells = [_share(networks, case, condition, level) for level in levels]
        if set(cells) != {NOTHING}:
            yield [f"({case}, trained under what it is tested on)", "1", *cells]


def _share(results: ArmResults, case: str, condition: str, level: str) -> str:
    low = results.values(case, "ceiling", condition, level, "low")
    if low:
        high = results.values(case, "ceiling", condition, level, "high")
        same = low == high
        return shown(low) if same else f"{shown(low)} to {shown(high)}"
    return shown(results.values(case, "accuracy", condition, level))


def _curves(results: ArmResults, condition: str, levels: list[str]) -> Block:
    curves = {}
    for case in results.lines:
        points = {
            float(level): spread([100 * value for value in values])
            for level in levels
            if (values := results.values(case, "accuracy", condition, level))
        }
        if points:
            curves[case] = points
    figure = curves_figure(
        curves, x_label="total counts", y_label="named right, %", title=results.arm.title
    )
    caption = f"Share named right under '{condition}' by total counts; own simulation."
    return picture(results, f"accuracy-{condition}", figure, caption)


def _matrix(results: ArmResults, columns: list[tuple[str, str]]) -> Iterator[Block]:
    level = columns[0][1]
    conditions = [condition for condition, one in columns if one == level]
    yield Paragraph(
        f"Share named right, %, at {float(level):,.0f} counts, under each condition; one column "
        "for each case, mean ± standard deviation over its seeds:"
    )
    cases = list(results.lines)
    yield StudyTable(
        ["tested under", *(f"{case} ({seeds_said(len(results.lines[case]))})" for case in cases)],
        [
            [condition, *(_share(results, case, condition, level) for case in cases)]
            for condition in conditions
        ],
    )
    values = np.full((len(conditions), len(cases)), np.nan)
    for row, condition in enumerate(conditions):
        for column, case in enumerate(cases):
            found = results.values(case, "accuracy", condition, level)
            values[row, column] = 100 * spread(found)[0] if found else np.nan
    figure = matrix_figure(
        cases, conditions, values.T, title=results.arm.title, unit="named right, %"
    )
    caption = f"Share named right at {float(level):,.0f} counts; own simulation."
    yield picture(results, "matrix", figure, caption)


def _calibration(results: ArmResults) -> Iterator[Block]:
    yield Paragraph(
        "Confidence as the network gives it, and after temperature scaling (one temperature for "
        "each level of counts, fitted under the condition of training to compositions and machines "
        "of their own): expected calibration error (ECE, 15 bins, 0 is perfect), Brier score (0 to "
        "2) and likelihood (NLL, nats), on the same spectra:"
    )
    heads = {"ece": "ECE", "brier": "Brier", "nll": "NLL"}
    heads |= {f"{name}_scaled": f"{head}, scaled" for name, head in heads.items()}
    rows = []
    for case, lines in results.lines.items():
        for condition, levels in lines[0].result.get("calibration", {}).items():
            for level in levels:
                place = ("calibration", condition, level)
                found = [results.values(case, *place, name) for name in heads]
                cells = [shown(values, factor=1, digits=3) for values in found]
                rows.append([case, condition, f"{float(level):,.0f}", *cells])
    yield StudyTable(["", "condition", "counts", *heads.values()], rows)


def _missing_ranges(results: ArmResults) -> Iterator[Block]:
    yield Paragraph(
        "Share named right, %, with a range of each spectrum missing, anywhere from 1 to 12 keV, "
        "by its width:"
    )
    widths: list[str] = []
    rows = []
    for case, lines in results.lines.items():
        for condition, levels in lines[0].result.get("missing ranges", {}).items():
            for level, shares in levels.items():
                widths = list(shares)
                place = ("missing ranges", condition, level)
                cells = [shown(results.values(case, *place, width)) for width in widths]
                rows.append([case, condition, f"{float(level):,.0f}", *cells])
    yield StudyTable(["", "condition", "counts", *(f"{one} keV" for one in widths)], rows)


def _corruption(results: ArmResults) -> Iterator[Block]:
    means = {case: values for case, values in corruption_means(results).items() if values}
    if not means:
        return
    yield Paragraph(
        "Errors under one distortion at a time, with noise, 1,000 counts, summed over severities "
        "and divided by SAM's (Hendrycks and Dietterich 2019); below 1 is more robust than SAM. "
        "The mean over distortions, then each:"
    )
    reference = results.lines["SAM"][0].result["corruption"]
    rows = [["mean", *(shown(values, factor=1, digits=2) for values in means.values())]]
    each = {
        case: [corruption_errors(line.result["corruption"], reference) for line in lines]
        for case, lines in results.lines.items()
        if case in means
    }
    for name in reference:
        cells = [shown([one[name] for one in found], factor=1, digits=2) for found in each.values()]
        rows.append([name, *cells])
    yield StudyTable(["distortion", *means], rows)
    bars = {case: spread(values) for case, values in means.items()}
    figure = bars_figure(bars, x_label="mean corruption error (SAM = 1)", title="Robustness", at=1)
    yield picture(results, "corruption", figure, "Mean corruption error; own simulation.")


def _ledger(results: ArmResults) -> Iterator[Block]:
    levels = list(dict.fromkeys(level for _, level in results.columns()))
    for level in levels:
        steps = {case: steps_of_ledger(results, case, level) for case in results.lines}
        names = list(dict.fromkeys(name for found in steps.values() for name in found))
        if not names:
            continue
        yield Paragraph(
            f"Mean share over materials named right, %, at {float(level):,.0f} counts. Minerals: "
            "ideal formulas, simulated for one instrument by this code and by XMI-MSIM. Elements: "
            "pure ones, simulated by this code, and measured on a Bruker XS-52, thinned:"
        )
        yield StudyTable(
            ["", *names],
            [
                [case, *(shown(list(found.get(name, {}).values())) for name in names)]
                for case, found in steps.items()
            ],
        )
    yield from _materials(results, levels[0])


def _materials(results: ArmResults, level: str) -> Iterator[Block]:
    step = "elements, measured"
    lines = [line for found in results.lines.values() for line in found]
    names = list(dict.fromkeys(key for line in lines for key in _of(line.result, step)))
    if names:
        yield Paragraph(f"Each measured element at {float(level):,.0f} counts, %:")
        rows = [
            [
                case,
                *(shown(results.values(case, "carrying over", step, one, level)) for one in names),
            ]
            for case in results.lines
        ]
        yield StudyTable(["", *names], rows)


def _of(result: dict[str, dict[str, dict[str, float]]], step: str) -> dict[str, float]:
    return result.get("carrying over", {}).get(step, {})


def _cost(results: ArmResults) -> Iterator[Block]:
    columns = {
        "parameters": "parameters",
        "multiply_adds": "multiply-adds",
        "simulating_cpu_s": "simulating, s of processor",
        "fitting_cpu_s": "fitting, s of processor",
        "spectra_per_s": "spectra/s",
        "peak_memory_MB": "peak memory so far, MB",
    }
    rows = []
    for case, lines in results.lines.items():
        cost = [results.values(case, "cost", name) for name in columns]
        if any(cost):
            device = str(lines[0].result["cost"].get("device", "CPU"))
            cells = [shown(values, factor=1, digits=0) for values in cost]
            rows.append([case, f"{lines[0].spectra:,}", *cells, device])
    if rows:
        yield Paragraph(
            "Cost; what networks are fitted to is simulated once for all that are fitted to the "
            "same; memory is that of the process until the run's end, so that it only grows along "
            "a study:"
        )
        yield StudyTable(["", "fitted to", *columns.values(), "on"], rows)
