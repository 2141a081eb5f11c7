"""The page's sections on other codes: fisx and XMI-MSIM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.physics import against_fisx, against_xmimsim
from benchmarks.physics.against_fisx import LineRatio
from benchmarks.physics.against_xmimsim import Ratio
from benchmarks.physics.tables import marked, percent, table

_FISX = """\
## fisx

Line intensities with secondary and tertiary fluorescence, thick sample, 50 degrees in and out, the
M4's tube handed over node by node.

{origin}

*Same tables* is our code on fisx's cross sections and yields: what is left there is code, the rest
is tables (xraylib's Kissel photoionisation and yields against EPDL97 and EADL97); *production* (at
45 keV) and *attenuation* (of the line) say which. *Own scatter* is what coherent scatter of the
line within the sample adds by fisx, in percent of the primary line; fisx's total is taken without
it. Goal {goal:.0%}.
"""
_XMIMSIM = """\
## XMI-MSIM

Monte Carlo with up to three interactions, M lines and cascade, on xraylib's tables as ours; before
convolution with the detector. Goals: main lines {line:.0%}, Rh Kα scattered {scatter:.0%}.
"""


def fisx_section(rows: Sequence[LineRatio], origin: str) -> Iterator[str]:
    """The lines of six minerals beside fisx."""
    yield _FISX.format(origin=origin, goal=against_fisx.GOAL)
    yield table(
        (
            "mineral, line",
            "keV",
            "ours / fisx",
            "primary",
            "same tables",
            "production",
            "attenuation",
            "enhancement %",
            "by fisx %",
            "own scatter %",
        ),
        (
            (
                f"{row.mineral} {row.element} {row.line}",
                f"{row.energy_keV:.2f}",
                marked(row.total, against_fisx.GOAL),
                f"{row.primary:.3f}",
                f"{row.same_tables:.4f}",
                f"{row.production:.3f}",
                f"{row.attenuation:.3f}",
                percent(row.enhancement, 2),
                percent(row.enhancement_by_fisx, 2),
                percent(row.own_scatter, 2),
            )
            for row in rows
        ),
    )


def xmimsim_section(rows: Sequence[Ratio]) -> Iterator[str]:
    """Main lines as their extremes, scatter in full."""
    yield _XMIMSIM.format(line=against_xmimsim.LINE_GOAL, scatter=against_xmimsim.SCATTER_GOAL)
    names = ("Rayleigh Rh Kα", *against_xmimsim.RANGES)
    body = []
    for mineral, group in groupby(rows, key=lambda row: row.mineral):
        members = list(group)
        scatter = {row.quantity: row.ratio for row in members if row.quantity in names}
        lines = [row for row in members if row.quantity not in names]
        lowest, highest = (pick(lines, key=lambda row: row.ratio) for pick in (min, max))
        extremes = (
            f"{marked(one.ratio, against_xmimsim.LINE_GOAL)} ({one.quantity})"
            for one in (lowest, highest)
        )
        cells = [
            marked(scatter[name], against_xmimsim.SCATTER_GOAL) if name in scatter else "–"
            for name in names
        ]
        body.append((mineral, str(len(lines)), *extremes, *cells))
    yield table(("mineral", "main lines", "lowest", "highest", *names), body)
