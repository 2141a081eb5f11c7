"""The page's sections on measured spectra and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.physics import continuum
from benchmarks.physics.continuum import Shape
from benchmarks.physics.escape import EscapeCheck
from benchmarks.physics.machine import OwnCounts, StrayLine
from benchmarks.physics.model_error import REGIONS, Band, Deviations, error_by_region
from benchmarks.physics.peaks import SCATTER_GOAL, PeakRatio
from benchmarks.physics.tables import marked, percent, table

from lithoscope.core.instrument import Polycapillary

_MEASURED = """\
## Real spectra

NIST's spectra of a Bruker XS-52 (the M4 Tornado's chassis; Rh, 50 kV, lens, vacuum): seven
elements, and acrylic bare and behind five filters. The lens alone is fitted, once for all:
`rise: {rise:.3f}`, `fall_keV: {fall:.2f}`, `steepness: {steepness:.2f}` (the instrument file has
{yaml_rise:g}, {yaml_fall:g}, {yaml_steepness:g}), and with it the pulse-pair resolution,
{pair_ns:.0f} ns (acrylic from 5 to 39 keV, L over K of Zr and Sn). Everything else is as
`m4-tornado` describes it, windows and resolution as the headers do. Pile-up is added to acrylic
from its own measured rates; diffraction is left out.

![Seven elements and acrylic](images/physics/elements.png)

![Acrylic behind filters](images/physics/acrylic-filters.png)

Know before judging: Si is a wafer, the metals are coarse grained, so that they diffract the
continuum from 4 to 15 keV into broad peaks with gaps beside them; Zr holds Hf and Fe, Sn and Ni
hold Fe; metals are taken as thick, acrylic as 0.65 g/cm².
"""
_PEAKS = """\
### Peaks

Net counts of a peak over those of the main peak, simulated over measured. Goals: lines 5 %, scatter
25 %. The error is what counting leaves.
"""
_ESCAPE = """\
### Silicon escape

Of Ca K in a spectrum of an M6 Jetstream (XFlash 430 too), fitted together with the P Kα beside it:
simulated / measured {ratio} ± {error:.2f} (chi² per channel {chi2:.1f}; goal 25 %).

In the elements it cannot be checked: the maker's software took escape peaks, and the sum peaks of
lines, out of those files as far as it knew them (header: `Corrections`, `PileUpWithBG: False`).
In percent of the line:
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
The zero peak is a pulser's: as many counts in a second of live time whatever the sample. The
pulse-pair resolution is that of each spectrum alone, from its counts above 23.5 keV.
"""
_ERROR = """\
## Model error

`src/lithoscope/physics/data/model_error.csv`, read by
`lithoscope.physics.model_error.relative_model_error_from_energies`: rms of
ln(simulated / measured) in bins of 60 eV with 25 counts and more, counting noise subtracted. The
median over spectra, smoothed, is stored; *largest* is the worst spectrum's.
"""


def measured_section(
    fitted: tuple[Polycapillary, float],
    written: Polycapillary,
    peaks: Sequence[PeakRatio],
    escape: EscapeCheck,
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
    yield _ESCAPE.format(
        ratio=marked(escape.ratio, SCATTER_GOAL, 2),
        error=escape.error,
        chi2=escape.chi2_per_channel,
    )
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
            "pulse-pair resolution ns",
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
                f"{row.resolution_ns:.0f} ± {row.resolution_error_ns:.0f}",
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
