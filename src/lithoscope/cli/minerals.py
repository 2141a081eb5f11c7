"""``lithoscope minerals``."""

from __future__ import annotations

from typing import Annotated

import typer

from lithoscope.cli.confusable import confusable
from lithoscope.cli.options import JsonOption
from lithoscope.cli.terminal import print_json, print_line, print_table

app = typer.Typer(help="The mineral library, and what can be told apart.", no_args_is_help=True)
app.command("confusable")(confusable)


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
    """Show one mineral: formula, ranges, density, main lines.

    Example: lithoscope minerals show spodumene
    """
    from lithoscope.workflows.describe import describe_mineral

    facts = describe_mineral(name)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if key == "lines":
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(value, dict):
            text = "; ".join(f"{part} {low:g} to {high:g}" for part, (low, high) in value.items())
        if text not in ("", None):
            print_line(f"{key}: {text}")
    columns = [("line", "left"), ("keV", "right")]
    print_table(columns, [[row["line"], f"{row['energy_keV']:.3f}"] for row in facts["lines"]])
