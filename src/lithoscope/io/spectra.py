"""Spectra from any file that holds some, and back into files."""

from __future__ import annotations

from pathlib import Path

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError, OutputError, SpectrumError
from lithoscope.io.formats import SPECTRUM_FORMATS, existing_file

_WRITTEN = (".msa", ".hspy", ".npz")


def open_spectra(path: str | Path, *, energy_axis: EnergyAxis | None = None) -> list[Spectrum]:
    """Read all spectra of a file.

    Parameters
    ----------
    path
        A ``.msa``, ``.emsa``, ``.spx`` or ``.csv`` (``energy_keV,counts``) with one spectrum, or a
        ``.hspy``, ``.npz`` or ``.mca`` (of Amptek or spec) with one or many.
    energy_axis
        Offset and gain to use instead of the file's, for files without calibration. Its number
        of channels does not count: that of the file does.

    Raises
    ------
    SpectrumError
        If there is no such file, it cannot be read as spectra, or it has no energy calibration.
    """
    path = existing_file(path, SPECTRUM_FORMATS, SpectrumError)
    try:
        return _open(path, energy_axis)
    except InvalidValueError as error:
        raise SpectrumError(
            f"{path}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None


def save_spectrum(spectrum: Spectrum, path: str | Path) -> None:
    """Write a spectrum as ``.msa``, ``.hspy`` or ``.npz``, by the path's ending.

    Counts, axis, live time and title come back from `open_spectra` as they were; the instrument
    is not written.

    Raises
    ------
    OutputError
        If the path ends otherwise, or cannot be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".msa":
        from lithoscope.io.msa_files import write_msa

        write_msa(spectrum, path)
    elif suffix == ".hspy":
        from lithoscope.io.hyperspy_files import write_hspy

        write_hspy(spectrum, path)
    elif suffix == ".npz":
        from lithoscope.io.npz_files import write_npz

        write_npz(spectrum, path)
    else:
        raise OutputError(
            f"{path} ends in '{path.suffix}', as which no spectrum is written.",
            expected=f"a file that ends in {', '.join(_WRITTEN)}",
        )


def _open(path: Path, energy_axis: EnergyAxis | None) -> list[Spectrum]:
    # Each format brings libraries that the others do not need.
    suffix = path.suffix.lower()
    if suffix == ".spx":
        from lithoscope.io.bruker.spx import open_spx

        return [open_spx(path, energy_axis=energy_axis)]
    if suffix == ".hspy":
        from lithoscope.io.hyperspy_files import open_hyperspy_spectra

        return open_hyperspy_spectra(path, energy_axis=energy_axis)
    if suffix == ".npz":
        from lithoscope.io.npz_files import open_npz_spectra

        return open_npz_spectra(path, energy_axis=energy_axis)
    if suffix == ".csv":
        from lithoscope.io.csv_files import open_csv

        return [open_csv(path, energy_axis=energy_axis)]
    if suffix == ".mca":
        from lithoscope.io.mca_files import open_mca

        return open_mca(path, energy_axis=energy_axis)
    from lithoscope.io.msa_files import open_msa

    return [open_msa(path, energy_axis=energy_axis)]
