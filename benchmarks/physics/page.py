"""The page of documentation that the comparison writes: `docs/physics-comparison.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.physics import against_fisx, against_xmimsim, continuum
from benchmarks.physics.against_fisx import LineRatio
from benchmarks.physics.against_xmimsim import Ratio
from benchmarks.physics.continuum import Shape
from benchmarks.physics.machine import OwnCounts, StrayLine
from benchmarks.physics.model_error import REGIONS, Band, Deviations, error_by_region
from benchmarks.physics.peaks import PeakRatio
from benchmarks.physics.tables import marked, percent, table

from lithoscope.core.instrument import Polycapillary

_OPENING = """\
# The simulator beside other codes and real spectra

Written by `python -m benchmarks.physics --data ../shared/data -o docs`; do not edit. Every number
is simulated over reference; **bold** misses its goal.
"""
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
_MEASURED = """\
## Real spectra

NIST's spectra of a Bruker XS-52 (the M4 Tornado's chassis; Rh, 50 kV, lens, vacuum): seven
elements, and acrylic bare and behind five filters. The lens alone is fitted, once for all:
`rise: {rise:.3f}`, `fall_keV: {fall:.2f}`, `steepness: {steepness:.2f}` (the instrument file has
{yaml_rise:g}, {yaml_fall:g}, {yaml_steepness:g}), and with it the pulse-pair resolution,
{pair_ns:.0f} ns. Everything else is as `m4-tornado` describes it, windows and resolution as the
headers do. Pile-up is added to acrylic from its own measured rates.

![Seven elements and acrylic](images/physics/elements.png)

![Acrylic behind filters](images/physics/acrylic-filters.png)

Know before judging: Si is a wafer, the metals are coarse grained, so that they diffract the
continuum from 4 to 15 keV into broad peaks with gaps beside them; Zr holds Hf and Fe, Sn and Ni
hold Fe; metals are taken as thick, acrylic as 0.8 g/cm².
"""
_PEAKS = """\
### Peaks

Net counts of a peak over those of the main peak, simulated over measured. Goals: lines 5 %, scatter
25 %. The error is what counting leaves.
"""
_ESCAPE = """\
Silicon escape, in percent of the line, could not be checked: the maker's software took escape
peaks, and the sum peaks of lines, out of these files as far as it knew them (header: `Corrections`,
`PileUpWithBG: False`).
"""
_CONTINUUM = """\
### Scattered continuum of acrylic, 5 to 30 keV in bins of 1 keV

Both normalised to their counts from 5 to 30 keV, pile-up taken out; bins of 200 counts and more.
Goal {goal:.0%}.
"""
_MACHINE = """\
### The machine itself

Lines that acrylic cannot emit, as counts per 10 000 counts above the element's K edge in the same
spectrum (a dash where a line is not seen at four times its error).
"""
_ZERO = """\
The zero peak is a pulser's: as many counts in a second of live time whatever the sample.
"""
_ERROR = """\
## Model error

`src/lithoscope/physics/data/model_error.csv`, read by
`lithoscope.physics.model_error.relative_model_error_from_energies`: rms of
ln(simulated / measured) in bins of 60 eV with 25 counts and more, counting noise subtracted. The
median over spectra, smoothed, is stored; *largest* is the worst spectrum's.
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


def measured_section(
    fitted: tuple[Polycapillary, float],
    written: Polycapillary,
    peaks: Sequence[PeakRatio],
    shapes: Sequence[Shape],
) -> Iterator[str]:
    """Peaks and continuum of the measured spectra."""
    lens, pair_ns = fitted
    yield _MEASURED.format(
        pair_ns=pair_ns,
        rise=lens.rise,
        fall=lens.fall_keV,
        steepness=lens.steepness,
        yaml_rise=written.rise,
        yaml_fall=written.fall_keV,
        yaml_steepness=written.steepness,
    )
    yield _PEAKS
    yield table(
        ("sample, peak", "over", "measured %", "simulated / measured", "±"),
        (
            (
                f"{row.sample}: {row.peak}",
                row.over,
                percent(row.measured, 3),
                marked(row.ratio, row.goal, 2),
                f"{row.error:.2f}",
            )
            for row in peaks
            if row.kind != "escape"
        ),
    )
    yield _ESCAPE
    yield table(
        ("line", "simulated %", "measured %", "±"),
        (
            (
                row.over,
                percent(row.measured * row.ratio, 3),
                percent(row.measured, 3),
                percent(abs(row.measured * row.error / row.ratio), 3),
            )
            for row in peaks
            if row.kind == "escape"
        ),
    )
    yield _CONTINUUM.format(goal=continuum.GOAL)
    yield table(
        ("acrylic behind", "bins within goal %", "rms %", "those that miss (keV: ratio)"),
        (
            (
                row.sample.removeprefix("acrylic, ") if "," in row.sample else "nothing",
                percent(row.within, 0),
                percent(row.rms),
                ", ".join(f"{energy:g}: {ratio:.2f}" for energy, ratio in row.missed()) or "none",
            )
            for row in shapes
        ),
    )


def machine_section(strays: Sequence[StrayLine], others: Sequence[OwnCounts]) -> Iterator[str]:
    """Stray lines, zero peak and pile-up of the acrylic spectra."""
    yield _MACHINE
    seen = dict.fromkeys(row.element for row in strays if row.is_seen)
    yield table(
        ("sample", *(f"{element} Kα" for element in seen)),
        (
            (other.sample, *(_stray_cell(strays, other.sample, element) for element in seen))
            for other in others
        ),
    )
    yield _ZERO
    yield table(
        (
            "sample",
            "zero peak /s",
            "at eV",
            "FWHM eV",
            "of all counts %",
            "counts/s above 1 keV",
            "piled up at 29 keV %",
        ),
        (
            (
                row.sample,
                f"{row.per_second:.0f}",
                f"{row.position_eV:.1f}",
                f"{row.fwhm_eV:.1f}",
                percent(row.share, 0),
                f"{row.counts_per_s:.0f}",
                percent(row.piled_share, 0),
            )
            for row in others
        ),
    )


def _stray_cell(strays: Sequence[StrayLine], sample: str, element: str) -> str:
    row = next(one for one in strays if (one.sample, one.element) == (sample, element))
    if not row.is_seen:
        return "–"
    return f"{1e4 * row.per_count:.2f} ± {1e4 * row.per_count * row.relative_error:.2f}"


def error_section(every: Sequence[Deviations], bands: Sequence[Band]) -> Iterator[str]:
    """The model error by region and by energy."""
    yield _ERROR
    yield table(
        ("error in %", *REGIONS),
        (
            (name, *(percent(error, 0) for error in errors))
            for name, errors in error_by_region(every)
        ),
    )
    yield table(
        ("keV", "error %", "largest %", "spectra"),
        (
            (
                f"{band.energy_keV:.2f}",
                percent(band.error, 0),
                percent(band.largest, 0),
                str(band.n_spectra),
            )
            for band in bands
        ),
    )


def page(sections: Sequence[Iterator[str]]) -> str:
    """The whole page."""
    parts = [_OPENING, *(part for section in sections for part in section)]
    return "\n".join(parts)
