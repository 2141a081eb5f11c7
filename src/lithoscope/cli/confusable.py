"""``lithoscope minerals confusable``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lithoscope.cli.options import (
    InstrumentOption,
    JsonOption,
    MineralsOption,
    minerals_from_option,
)
from lithoscope.cli.terminal import (
    limit_blas_threads,
    print_json,
    print_line,
    print_table,
    staged_progress,
)


def confusable(
    instrument: InstrumentOption = None,
    counts: Annotated[
        float, typer.Option("--counts", help="Counts of a spectrum, 30 to a million.")
    ] = 3000,
    minerals: MineralsOption = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Also draw the matrix of errors: a .png or .svg file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which minerals an instrument cannot tell apart, and what would help.

    Example: lithoscope minerals confusable --instrument m4-tornado --counts 3000
    """
    from lithoscope.minerals import load_library
    from lithoscope.workflows.describe_confusion import describe_identifiability
    from lithoscope.workflows.identify import identify_minerals

    limit_blas_threads()
    if figure is not None:
        from lithoscope.figures.save import check_figure_path

        check_figure_path(figure)
    chosen = minerals_from_option(minerals)
    with staged_progress() as progress:
        found = identify_minerals(
            list(load_library()) if chosen is None else chosen,
            instrument or "m4-tornado",
            counts=counts,
            progress=progress,
        )
    if figure is not None:
        from lithoscope.figures.confusion_matrix import confusion_figure
        from lithoscope.figures.save import save_figure

        save_figure(confusion_figure(found.pairs, counts=counts, title=found.instrument), figure)
    facts = describe_identifiability(found)
    if as_json:
        print_json(facts)
        return
    _print(facts)


def _print(facts: dict[str, Any]) -> None:
    counts = f"{facts['counts']:,.0f}"
    together = [group for group in facts["groups"] if len(group["members"]) > 1]
    print_line(
        f"{facts['instrument']}: {len(facts['minerals'])} minerals, {len(facts['groups'])} groups "
        "that the best possible classifier can tell apart"
    )
    if together:
        print_line("")
        print_line(
            f"One group, since confused above {facts['confused_error']:.0%} "
            f"even at {facts['group_counts']:,} counts:"
        )
        print_table(
            [("group", "left"), ("what would part a pair of it (error % then)", "left")],
            [
                [group["label"].replace("/", " / "), _group_help(group, facts["within_groups"])]
                for group in together
            ],
        )
    merged = [
        group
        for group in facts["groups_at_counts"]
        if len(group["members"]) > 1 and group not in together
    ]
    if merged:
        print_line("")
        print_line(f"At {counts} counts these too are confused above 25 %, every pair of them:")
        for group in merged:
            print_line("  " + " / ".join(group["members"]))
    _print_pairs(facts["confusable_pairs"], counts)


def _print_pairs(pairs: list[dict[str, Any]], counts: str) -> None:
    print_line("")
    if not pairs:
        print_line(f"No other pair is confused above 5 % at {counts} counts.")
        return
    print_line(f"Confused in other groups, above 5 % at {counts} counts (50 % is a coin flip):")
    print_table(
        [
            ("pair", "left"),
            ("error %", "right"),
            ("counts for 5 %", "right"),
            ("what would help (error % then)", "left"),
        ],
        [
            [
                " - ".join(pair["minerals"]),
                f"{100 * pair['error']:.0f} ± {100 * pair['uncertainty']:.0f}",
                _counts(pair["counts_needed"]),
                _help(pair["helps"]) if pair["error"] > 0.1 else "",
            ]
            for pair in pairs
        ],
    )


def _counts(counts: int | None) -> str:
    return "over 1,000,000" if counts is None else f"{float(f'{counts:.2g}'):,.0f}"


def _help(helps: list[dict[str, Any]]) -> str:
    best = [f"{row['change']} ({100 * row['error']:.0f})" for row in helps[:2]]
    return ",\n".join(best) or "nothing that was tried"


def _group_help(group: dict[str, Any], pairs: list[dict[str, Any]]) -> str:
    inside = [pair for pair in pairs if set(pair["minerals"]) <= set(group["members"])]
    if all(pair["one_formula"] for pair in inside):
        return "one formula: no X-ray fluorescence can"
    found = [f"{' - '.join(pair['minerals'])}: {_help(pair['helps'])}" for pair in inside]
    return "; ".join(found)
