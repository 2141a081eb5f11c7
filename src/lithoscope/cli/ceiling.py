"""``lithoscope ceiling``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lithoscope.cli.options import JsonOption, ModelOption
from lithoscope.cli.terminal import print_json, print_line, print_table, staged_progress
from lithoscope.errors import InvalidValueError

if TYPE_CHECKING:
    from lithoscope.workflows.ceiling import ModelBesideCeiling


def ceiling(
    model: ModelOption = "default",
    condition: Annotated[
        str,
        typer.Option("--condition", help="poisson, calibration, bragg, realistic, bragg@3, ..."),
    ] = "poisson",
    counts: Annotated[str, typer.Option("--counts", help="Count levels, by commas.")] = (
        "100,300,1000,3000,10000"
    ),
    spectra: Annotated[int, typer.Option("--spectra", min=100, help="Spectra a level.")] = 2000,
    templates: Annotated[
        int, typer.Option("--templates", min=4, help="Expected spectra of each class.")
    ] = 1024,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all draws.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Tell how often the best possible classifier is right, and a model on the same spectra.

    Example: lithoscope ceiling --condition poisson --counts 1000,3000
    """
    from lithoscope.models.checkpoint import find_checkpoint
    from lithoscope.workflows.ceiling import model_beside_ceiling

    with staged_progress() as progress:
        found = model_beside_ceiling(
            find_checkpoint(model),
            condition=condition,
            levels=_levels(counts),
            spectra=spectra,
            templates=templates,
            seed=seed,
            progress=lambda done, total: progress("templates", done, total, ""),
        )
    if as_json:
        print_json([_as_data(one) for one in found])
        return
    _print(found, condition)


def _levels(text: str) -> list[float]:
    try:
        levels = [float(part) for part in text.split(",")]
    except ValueError:
        levels = []
    if not levels or not all(1 <= level <= 1e9 for level in levels):
        raise InvalidValueError(
            f"--counts {text}.", expected="numbers from 1 to 1e9 by commas, such as 300,1000"
        )
    return levels


def _as_data(one: ModelBesideCeiling) -> dict[str, Any]:
    ceiling = one.ceiling
    return {
        **asdict(ceiling),
        "converged": ceiling.converged,
        "bound": ceiling.bound,
        "network": one.network,
    }


def _print(found: list[ModelBesideCeiling], condition: str) -> None:
    columns = ["counts", "K/4 %", "K/2 %", "K %", "posterior %", "upper %", "ceiling %", "model %"]
    rows = []
    for one in found:
        own = one.ceiling
        shares = (*own.estimates, own.mean_posterior, own.upper)
        bracket = f"{100 * own.estimates[-1]:.1f} to {100 * own.upper:.1f}"
        rows.append(
            [
                f"{own.counts:,.0f}",
                *(f"{100 * share:.1f}" for share in shares),
                f"{100 * own.bound:.1f}" if own.converged else bracket,
                f"{100 * one.network:.1f}",
            ]
        )
    print_table([(name, "right") for name in columns], rows)
    last = found[0].ceiling
    print_line(
        f"Own simulation under '{condition}', {last.spectra} spectra a level (standard error "
        f"{100 * last.standard_error:.1f} points at {last.counts:,.0f} counts), "
        f"K = {last.templates} templates a class."
    )
