"""``lithoscope minerals``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lithoscope.cli.confusable import confusable
from lithoscope.cli.options import JsonOption
from lithoscope.cli.terminal import (
    broken_between,
    limit_blas_threads,
    print_json,
    print_line,
    print_table,
    progress_bar,
)

app = typer.Typer(help="The mineral library, and what can be told apart.", no_args_is_help=True)
app.command("confusable")(confusable)

# Columns that the longest key of `show`, "weight percent", takes with its margin.
_KEY_WIDTH = 17


@app.command("list")
def list_minerals(as_json: JsonOption = False) -> None:
    """List all minerals and materials.

    Example: lithoscope minerals list
    """
    from lithoscope.workflows.describe import describe_library

    rows = describe_library()
    if as_json:
        print_json(rows)
        return
    columns = [("name", "left"), ("formula", "left"), ("class", "left"), ("g/cm3", "right")]
    print_table(
        columns,
        [
            [row["name"], row["formula"], row["class"], f"{row['density_g_cm3']:.2f}"]
            for row in rows
        ],
    )


@app.command("show")
def show_mineral(
    name: Annotated[str, typer.Argument(help="Name or alias of a mineral.")],
    as_json: JsonOption = False,
) -> None:
    """Show one mineral: formula, ranges, lines, spectrum, and what it is confused with.

    Example: lithoscope minerals show spodumene
    """
    limit_blas_threads()
    from lithoscope.workflows.describe import describe_mineral

    with progress_bar("what it is confused with", "minerals") as progress:
        facts = describe_mineral(name, progress)
    if as_json:
        print_json(facts)
        return
    _print_facts(facts)


def _print_facts(facts: dict[str, Any]) -> None:
    aliases = f" ({', '.join(facts['aliases'])})" if facts["aliases"] else ""
    print_line(f"{facts['name']}{aliases}")
    rows = [
        ("formula", facts["formula"]),
        ("class", facts["class"]),
        ("symbol", facts["symbol"] or ""),
        ("density", f"{facts['density_g_cm3']:g} g/cm3"),
        ("weight percent", ", ".join(facts["weight_percent"])),
        ("mole fractions", _ranges(facts["end_members"], 1, "")),
        ("traces", _ranges(facts["traces"], 1e6, " ppm")),
        ("main lines", _main_lines(facts["lines"])),
    ]
    print_table([("", "left"), ("", "left")], [[key, text] for key, text in rows if text])
    print_line("")
    _print_spectrum(facts)
    print_line("")
    _print_confusion(facts)


def _ranges(ranges: dict[str, list[float]], factor: float, unit: str) -> str:
    parts = [
        f"{part} {low * factor:g} to {high * factor:g}{unit}"
        for part, (low, high) in ranges.items()
    ]
    return broken_between(parts, "; ", _KEY_WIDTH)


def _main_lines(lines: list[dict[str, Any]]) -> str:
    parts = [f"{line['line']} {line['energy_keV']:.3f}" for line in lines]
    return broken_between([*parts[:-1], *(f"{part} keV" for part in parts[-1:])], ", ", _KEY_WIDTH)


def _print_spectrum(facts: dict[str, Any]) -> None:
    import numpy as np

    from lithoscope.cli.terminal_plot import spectrum_lines

    counts = np.array(facts["spectrum"]["counts_per_s"])
    edges = np.array(facts["spectrum"]["edges_keV"])
    strongest = {line["line"].split()[0]: line["energy_keV"] for line in reversed(facts["lines"])}
    marks = [(energy, symbol) for symbol, energy in strongest.items()]
    print_line(f"expected spectrum on {facts['instrument']}, counts over three decades")
    for line in spectrum_lines(counts, edges, marks):
        print_line(line)


def _print_confusion(facts: dict[str, Any]) -> None:
    where = f"on {facts['instrument']} at {facts['counts']:,} counts"
    if not facts["confused_with"]:
        print_line(f"confused with nothing in the library {where} (above 5 %)")
        return
    rows = [
        [
            row["mineral"],
            f"{100 * row['error']:.0f}",
            "over 1,000,000" if row["counts_needed"] is None else f"{row['counts_needed']:,}",
        ]
        for row in facts["confused_with"]
    ]
    columns = [("with", "left"), ("error %", "right"), ("counts for 5 %", "right")]
    print_line(f"confused {where} (50 % is a coin flip)")
    print_table(columns, rows)
