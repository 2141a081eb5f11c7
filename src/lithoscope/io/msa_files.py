"""EMSA/MAS spectra (ISO 22029), as text.

RosettaSciIO reads these too, but logs a traceback for ``NPOINTS : 4096.0``, which Bruker's export
writes, does not notice a file that ends too early, and writes six decimals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import SpectrumError
from lithoscope.io.aside import written_aside
from lithoscope.io.axes import axis_from_centres, axis_of_file, to_keV
from lithoscope.io.formats import read_bounded
from lithoscope.io.text_numbers import counts_from_words, finite_number
from lithoscope.io.zero_peak import without_residue

_MAX_BYTES = 32 << 20
_FORMAT = "EMSA/MAS Spectral Data File"
_KEYWORD = re.compile(r"#+\s*(?P<name>[A-Z]+)\s*(?:-[^:]*)?:\s?(?P<value>.*)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[,\s]+")
_TITLE_LENGTH = 64
_COLUMNS = 4


@dataclass(frozen=True)
class _MsaText:
    """What stands in a file: its keywords, and the numbers of its spectrum as words."""

    path: Path
    keywords: dict[str, str]
    words: tuple[str, ...]
    has_end: bool

    def number(self, keyword: str) -> float | None:
        return finite_number(self.keywords.get(keyword))


def open_msa(path: Path, *, energy_axis: EnergyAxis | None = None) -> Spectrum:
    """Read an EMSA/MAS file of data type ``Y`` or ``XY``.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    SpectrumError
        If the file is no EMSA file, ends too early, or has no energy calibration.
    """
    msa = _parse(path)
    kind = msa.keywords.get("DATATYPE", "Y").strip().upper()
    if kind not in ("Y", "XY"):
        raise SpectrumError(f"{path} has the data type {kind[:20]}.", expected="Y or XY")
    energies, words = ((), msa.words) if kind == "Y" else (msa.words[::2], msa.words[1::2])
    n_points = _number_of_points(msa, len(words))
    try:
        counts = counts_from_words(words[:n_points])
        centres = [float(word) for word in energies[:n_points]]
    except ValueError as problem:
        raise SpectrumError(
            f"{path} has something in its spectrum that is no number ({problem}).",
            expected="numbers, divided by commas or blanks",
        ) from None
    live_time = msa.number("LIVETIME")
    axis = _axis(msa, centres, counts.size, energy_axis)
    return Spectrum(
        without_residue(counts, axis, path),
        axis,
        live_time_s=live_time if live_time is not None and live_time > 0 else None,
        title=msa.keywords.get("TITLE", "").strip() or path.stem,
    )


def write_msa(spectrum: Spectrum, path: Path) -> None:
    """Write an EMSA/MAS file with all digits of the counts."""
    axis = spectrum.axis
    title = "".join(char if char.isprintable() else " " for char in spectrum.title)
    lines = [_line("FORMAT", _FORMAT), _line("VERSION", "1.0")]
    lines += [
        _line("TITLE", title[start : start + _TITLE_LENGTH])
        for start in range(0, max(len(title), 1), _TITLE_LENGTH)
    ]
    lines += [
        _line("DATE", ""),
        _line("TIME", ""),
        _line("OWNER", "Lithoscope"),
        _line("NPOINTS", str(axis.n_channels)),
        _line("NCOLUMNS", str(_COLUMNS)),
        _line("XUNITS", "keV"),
        _line("YUNITS", "counts"),
        _line("DATATYPE", "Y"),
        _line("XPERCHAN", repr(float(axis.gain_keV))),
        _line("OFFSET", repr(float(axis.offset_keV))),
        _line("SIGNALTYPE", "XRF"),
    ]
    if spectrum.live_time_s is not None:
        lines.append(_line("LIVETIME  -s", repr(float(spectrum.live_time_s))))
    lines.append(_line("SPECTRUM", "Spectral Data Starts Here"))
    values = [repr(value) for value in spectrum.counts.tolist()]
    lines += [
        ", ".join(values[start : start + _COLUMNS]) + ","
        for start in range(0, len(values), _COLUMNS)
    ]
    lines.append(_line("ENDOFDATA", "End Of Data and File"))
    with written_aside(path) as aside:
        aside.write_bytes("".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace"))


def _line(keyword: str, value: str) -> str:
    return f"#{keyword:<12}: {value}"


def _parse(path: Path) -> _MsaText:
    text = read_bounded(path, limit=_MAX_BYTES, error=SpectrumError).decode("latin-1")
    keywords: dict[str, str] = {}
    words: list[str] = []
    in_spectrum = has_end = False
    for line in text.splitlines():
        found = _KEYWORD.match(line)
        if found is None:
            if in_spectrum:
                words += [word for word in _SEPARATORS.split(line) if word]
            continue
        name, value = found["name"].upper(), found["value"]
        if name == "ENDOFDATA":
            has_end = True
            break
        if name == "SPECTRUM":
            in_spectrum = True
        elif name == "TITLE":
            keywords[name] = keywords.get(name, "") + value
        else:
            keywords[name] = value
    if "EMSA/MAS" not in keywords.get("FORMAT", "").upper() or not in_spectrum:
        raise SpectrumError(
            f"{path} is no EMSA/MAS file.",
            expected="'#FORMAT : EMSA/MAS Spectral Data File' and '#SPECTRUM' with numbers",
            remedy="export the spectrum anew",
        )
    return _MsaText(path, keywords, tuple(words), has_end)


def _number_of_points(msa: _MsaText, n_words: int) -> int:
    """Return how many numbers count; the last line may be filled up."""
    if "NPOINTS" not in msa.keywords and msa.has_end and n_words:
        return n_words
    stated, columns = msa.number("NPOINTS"), msa.number("NCOLUMNS")
    if stated is None or not 0 < stated <= n_words < stated + (columns or 1):
        raise SpectrumError(
            f"{msa.path} holds {n_words} numbers where NPOINTS says "
            f"{msa.keywords.get('NPOINTS', 'nothing')[:20]}.",
            expected="as many as NPOINTS says, and #ENDOFDATA after them",
            remedy="the file is cut off; export the spectrum anew",
        )
    return int(stated)


def _axis(
    msa: _MsaText, centres: list[float], n_channels: int, given: EnergyAxis | None
) -> EnergyAxis:
    unit = msa.keywords.get("XUNITS", "")
    kev = to_keV(1.0, unit)
    if centres and kev is not None and n_channels > 1:
        energies = [kev * centre for centre in centres]
        return axis_from_centres(energies, given=given, path=msa.path, error=SpectrumError)
    offset, gain = msa.number("OFFSET"), msa.number("XPERCHAN")
    return axis_of_file(
        offset_keV=None if offset is None else to_keV(offset, unit),
        gain_keV=None if gain is None else to_keV(gain, unit),
        n_channels=n_channels,
        given=given,
        path=msa.path,
        error=SpectrumError,
    )
