"""What the header of a map contradicts or lacks, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from lithoscope.io.bruker.header import BrukerHeader

# Detectors further apart than this blur each other's peaks when they are summed.
_SAME_AXIS_CHANNELS = 0.5
# Rows that were scanned as often as this share of the others differ by less than they scatter.
_SAME_PASSES = 0.98


def notes_of_map(
    header: BrukerHeader, shape: tuple[int, int], detectors: Sequence[int]
) -> list[str]:
    """Return what is to be said of a map's header.

    Parameters
    ----------
    header
        The header, with the spectra of those detectors that are summed.
    shape
        Rows and columns (y, x) of the spectra.
    detectors
        The numbers of these detectors.
    """
    notes = []
    if header.step_um is None:
        notes.append("the header gives no distance between pixels")
    told = header.map_shape
    if told is not None and told != shape:
        notes.append(
            f"the header tells of {told[0]} x {told[1]} pixels, "
            f"the spectra are of {shape[0]} x {shape[1]}"
        )
    notes += _notes_of_times(header, shape)
    for number, spectrum in zip(detectors, header.spectra, strict=True):
        listed, n_channels = spectrum.counts.size, spectrum.calibration.n_channels
        if listed not in (0, n_channels):
            notes.append(
                f"the header's sum spectrum of detector {number} lists {listed} channels "
                f"of {n_channels}"
            )
    return notes + _misfits(header, detectors)


def _notes_of_times(header: BrukerHeader, shape: tuple[int, int]) -> list[str]:
    times, passes = header.pixel_times_s, header.line_counter
    if times is None and passes and min(passes) < _SAME_PASSES * max(passes):
        return [
            f"rows were scanned {min(passes)} to {max(passes)} times, "
            "and their counts differ as much"
        ]
    if times is not None and times.shape != shape:
        return [f"the header's times are of {times.shape[0]} x {times.shape[1]} pixels"]
    if times is not None and any(s.hardware.live_share is None for s in header.spectra):
        return ["the header tells of no dead time; the times of pixels are taken for live times"]
    return []


def _misfits(header: BrukerHeader, detectors: Sequence[int]) -> list[str]:
    """Say where detectors that are summed have other energy axes than the first."""
    notes = []
    first, *others = (spectrum.calibration for spectrum in header.spectra)
    for number, other in zip(detectors[1:], others, strict=True):
        between = f"detector {number} and detector {detectors[0]}"
        if other.n_channels != first.n_channels:
            notes.append(f"{between} have {other.n_channels} and {first.n_channels} channels")
        ours, theirs = first.ends_keV, other.ends_keV
        if ours is None or theirs is None or other.n_channels != first.n_channels:
            continue
        misfit = max(abs(ours[0] - theirs[0]), abs(ours[1] - theirs[1]))
        if misfit > _SAME_AXIS_CHANNELS * (ours[1] - ours[0]) / (first.n_channels or 1):
            notes.append(
                f"{between} are off each other by up to {1000 * misfit:.1f} eV; "
                "they are summed channel by channel nevertheless"
            )
    return notes
