"""Scans from any file that holds one."""

from __future__ import annotations

from pathlib import Path

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError, ScanError
from lithoscope.io.formats import SCAN_FORMATS, existing_file


def open_scan(path: str | Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open a scan; its counts are read row by row when they are asked for.

    Parameters
    ----------
    path
        A ``.bcf`` of Bruker's, a ``.hspy`` or ``.zspy`` of HyperSpy's, a ``.rpl`` with its ``.raw``
        of Lispix's, a ``.npz`` with ``counts`` (y, x, channel) and ``energy_keV``, or a ``.zarr``
        as `lithoscope.io.zarr_files` describes it.
    energy_axis
        Offset and gain to use instead of the file's, for files without calibration. Its number
        of channels does not count: that of the file does.

    Returns
    -------
    Scan
        With the instrument of the header where an XRF machine wrote one; `metadata` may hold
        ``live_time_s``, what the machine says of its detectors, and ``notes``.

    Raises
    ------
    ScanError
        If there is no such file, it cannot be read as a map of spectra, or it has no energy
        calibration. A damaged part inside is found when its rows are read.
    """
    path = existing_file(path, SCAN_FORMATS, ScanError)
    try:
        return _open(path, energy_axis)
    except InvalidValueError as error:
        raise ScanError(
            f"{path}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None


def _open(path: Path, energy_axis: EnergyAxis | None) -> Scan:
    # Each format brings libraries that the others do not need.
    suffix = path.suffix.lower()
    if suffix == ".bcf":
        from lithoscope.io.bruker.bcf import open_bcf

        return open_bcf(path, energy_axis=energy_axis)
    if suffix == ".npz":
        from lithoscope.io.npz_files import open_npz_scan

        return open_npz_scan(path, energy_axis=energy_axis)
    if suffix in (".rpl", ".raw"):
        from lithoscope.io.rpl_files import open_rpl_scan

        return open_rpl_scan(path, energy_axis=energy_axis)
    if suffix == ".zarr":
        from lithoscope.io.zarr_files import open_zarr_scan

        return open_zarr_scan(path, energy_axis=energy_axis)
    from lithoscope.io.hyperspy_files import open_hyperspy_scan

    return open_hyperspy_scan(path, energy_axis=energy_axis)
