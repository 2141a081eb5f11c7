"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lithoscope.errors import InvalidValueError

if TYPE_CHECKING:
    from lithoscope.core.energy import EnergyAxis
    from lithoscope.core.mineral import Mineral

ModelOption = Annotated[
    str, typer.Option("--model", help="Name of a shipped model, or the folder of your own.")
]
ModelOrAutoOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of a shipped model, or the folder of your own; auto: the shipped one that suits "
        "the instrument.",
    ),
]
InstrumentOption = Annotated[
    str | None,
    typer.Option(
        "--instrument",
        help="Name of an instrument, a YAML file, or a .spx or .bcf whose header is used.",
    ),
]
MineralsOption = Annotated[
    str | None,
    typer.Option("--minerals", help="Minerals to choose among: a,b,c or a YAML file."),
]
EnergyAxisOption = Annotated[
    str | None,
    typer.Option(
        "--energy-axis",
        metavar="OFFSET,GAIN",
        help="Energy of channel 0 and width of a channel in keV, for files that lack them.",
    ),
]
SalvageOption = Annotated[
    bool,
    typer.Option("--salvage", help="Read what is left of a damaged .bcf, and say what is missing."),
]
FalseAlarmsOption = Annotated[
    float | None,
    typer.Option(
        "--false-alarms",
        help="Share of known spectra that may be called unknown, 0.001 to 0.5; 0.01 if left out.",
    ),
]
AnswerProbabilityOption = Annotated[
    float,
    typer.Option(
        "--answer-probability",
        min=0.5,
        max=1.0,
        help="Probability that the finest answer must reach: a mineral, a group, two or three, "
        "a series.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def minerals_from_option(text: str | None) -> list[Mineral] | None:
    """Return the library entries that ``--minerals`` names, or ``None`` where it is not given.

    Raises
    ------
    MineralError
        If a name is not in the library, or the file is not sound.
    """
    if text is None:
        return None
    from lithoscope.minerals import load_library, load_minerals_file

    if Path(text).suffix.lower() in (".yaml", ".yml"):
        return list(load_minerals_file(Path(text)))
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InvalidValueError("--minerals names nothing.", expected="a,b,c or a YAML file")
    library = load_library()
    return list({entry.name: entry for entry in map(library.get, names)}.values())


def axis_from_option(text: str | None, n_channels: int = 4096) -> EnergyAxis | None:
    """Return the axis that ``--energy-axis`` gives, or ``None`` where it is not given."""
    if text is None:
        return None
    from lithoscope.core.energy import EnergyAxis

    try:
        offset, gain = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidValueError(
            f"--energy-axis {text}.", expected="two numbers in keV, such as -0.955,0.01"
        ) from None
    return EnergyAxis(offset, gain, n_channels)
