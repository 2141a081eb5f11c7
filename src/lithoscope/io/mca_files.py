""".mca spectra: Amptek's, and those of ESRF's spec and PyMca.

Amptek's files have blocks that begin with ``<<NAME>>``: ``PMCA SPECTRUM`` with lines of a key, a
dash and a value, ``CALIBRATION`` with pairs of a channel and its energy, and ``DATA`` with one
count a line, up to ``<<END>>``.

In spec's files each ``@A`` begins a spectrum, whose lines end in a backslash where they go on.
Before it stand ``#S`` (title), ``#@CALIB a b c`` (``a + b channel + c channel^2`` in keV),
``#@CHANN`` (number, first, last, channels summed into one) and ``#@CTIME`` (preset, live, real).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import SpectrumError
from lithoscope.io.axes import axis_from_centres, axis_of_file
from lithoscope.io.formats import read_bounded
from lithoscope.io.text_numbers import counts_from_words, finite_number

_MAX_BYTES = 32 << 20
_BLOCK = re.compile(r"<<(.+)>>")
_SPEC_KEY = re.compile(r"#(S|@CALIB|@CHANN|@CTIME)\s+(.*)")
_EXPECTED = "'<<PMCA SPECTRUM>>' with '<<DATA>>', or lines that begin with '@A'"


def open_mca(path: Path, *, energy_axis: EnergyAxis | None = None) -> list[Spectrum]:
    """Read all spectra of a .mca file.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    SpectrumError
        If the file is none of these, is cut off, or has no energy calibration.
    """
    raw = read_bounded(path, limit=_MAX_BYTES, error=SpectrumError)
    lines = [line.strip() for line in raw.decode("latin-1").splitlines()]
    if any(line == "<<PMCA SPECTRUM>>" for line in lines[:5]):
        return [_amptek(lines, path, energy_axis)]
    spectra = _spec(lines, path, energy_axis)
    if not spectra:
        raise SpectrumError(f"{path} holds no spectrum.", expected=_EXPECTED)
    return spectra


def _amptek(lines: Sequence[str], path: Path, given: EnergyAxis | None) -> Spectrum:
    blocks = _blocks(lines)
    if "DATA" not in blocks or "END" not in blocks:
        raise SpectrumError(
            f"{path} has no whole '<<DATA>>' block.",
            expected=f"{_EXPECTED}, up to '<<END>>'",
            remedy="the file is cut off; export the spectrum anew",
        )
    counts = _counts(blocks["DATA"], path)
    facts = dict(line.split(" - ", 1) for line in blocks["PMCA SPECTRUM"] if " - " in line)
    offset, gain = _line_through(blocks.get("CALIBRATION", []))
    axis = axis_of_file(
        offset_keV=offset,
        gain_keV=gain,
        n_channels=counts.size,
        given=given,
        path=path,
        error=SpectrumError,
    )
    live_time = finite_number(facts.get("LIVE_TIME"))
    title = facts.get("DESCRIPTION", "").strip() or path.stem
    return Spectrum(counts, axis, _positive(live_time), title)


def _blocks(lines: Sequence[str]) -> dict[str, list[str]]:
    """Return the lines of each block that are not empty."""
    blocks: dict[str, list[str]] = {}
    block: list[str] = []
    for line in lines:
        if (begin := _BLOCK.fullmatch(line)) is not None:
            block = blocks.setdefault(begin.group(1), [])
        elif line:
            block.append(line)
    return blocks


def _line_through(lines: Sequence[str]) -> tuple[float | None, float | None]:
    """Return offset and gain of the line through calibration points, if there are two or more."""
    pairs = [tuple(map(finite_number, line.split())) for line in lines]
    points = [pair for pair in pairs if len(pair) == 2 and None not in pair]
    channels, energies = np.array(points, dtype=np.float64).reshape(-1, 2).T
    if np.unique(channels).size < 2:
        return None, None
    away = channels - channels.mean()
    gain = float((away * energies).sum() / (away**2).sum())
    return float(energies.mean()) - gain * float(channels.mean()), gain


@dataclass
class _SpecScan:
    """What stands before a spectrum in spec's files."""

    title: str = ""
    numbers: dict[str, list[float | None]] = field(default_factory=dict)

    def at(self, key: str, place: int) -> float | None:
        numbers = self.numbers.get(key, [])
        return numbers[place] if place < len(numbers) else None


def _spec(lines: Sequence[str], path: Path, given: EnergyAxis | None) -> list[Spectrum]:
    spectra = []
    scan = _SpecScan()
    words: list[str] = []
    goes_on = False
    for line in lines:
        key = _SPEC_KEY.fullmatch(line)
        if goes_on or line.startswith("@A"):
            words += (line if goes_on else line.partition(" ")[2]).rstrip("\\").split()
            goes_on = line.endswith("\\")
            if not goes_on:
                spectra.append(_spec_spectrum(words, scan, path, given))
                words = []
        elif key is not None and key.group(1) == "S":
            scan = _SpecScan(title=key.group(2))
        elif key is not None:
            scan.numbers[key.group(1)] = [finite_number(word) for word in key.group(2).split()]
    if goes_on:
        raise SpectrumError(
            f"{path} ends inside a spectrum.",
            expected="numbers after a backslash",
            remedy="the file is cut off; export the spectrum anew",
        )
    return spectra


def _spec_spectrum(
    words: Sequence[str], scan: _SpecScan, path: Path, given: EnergyAxis | None
) -> Spectrum:
    counts = _counts(words, path)
    stated = scan.at("@CHANN", 0)
    if stated is not None and stated != counts.size:
        raise SpectrumError(
            f"{path} holds a spectrum of {counts.size} channels.",
            expected=f"{stated:g}, as '#@CHANN' says",
            remedy="the file is damaged; export the spectrum anew",
        )
    axis = _spec_axis(scan, counts.size, path, given)
    live_time = _positive(scan.at("@CTIME", 1))
    return Spectrum(counts, axis, live_time, scan.title or path.stem)


def _spec_axis(
    scan: _SpecScan, n_channels: int, path: Path, given: EnergyAxis | None
) -> EnergyAxis:
    offset, gain, bend = (scan.at("@CALIB", place) for place in range(3))
    if offset is not None and gain is not None:
        first, summed = scan.at("@CHANN", 1) or 0.0, scan.at("@CHANN", 3) or 1.0
        # The middle of the channels that were summed into one.
        channels = first + (summed - 1) / 2 + summed * np.arange(n_channels)
        if bend and n_channels > 1:
            energies = offset + gain * channels + bend * channels**2
            return axis_from_centres(energies, given=given, path=path, error=SpectrumError)
        offset, gain = offset + gain * float(channels[0]), gain * summed
    return axis_of_file(
        offset_keV=offset,
        gain_keV=gain,
        n_channels=n_channels,
        given=given,
        path=path,
        error=SpectrumError,
    )


def _counts(words: Sequence[str], path: Path) -> NDArray[np.int64] | NDArray[np.float64]:
    try:
        return counts_from_words(words)
    except ValueError as problem:
        raise SpectrumError(
            f"{path} has something in its spectrum that is no number ({problem}).",
            expected="counts",
        ) from None


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0 else None
