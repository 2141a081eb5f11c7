"""Scans from any file that holds one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError, ScanError
from lithoscope.io.formats import SCAN_FORMATS, existing_file

Detectors = Literal["sum", "separate"] | int


@overload
def open_scan(
    path: str | Path,
    *,
    energy_axis: EnergyAxis | None = None,
    detectors: Literal["sum"] | int = "sum",
    salvage: bool = False,
) -> Scan: ...


@overload
def open_scan(
    path: str | Path,
    *,
    energy_axis: EnergyAxis | None = None,
    detectors: Literal["separate"],
    salvage: bool = False,
) -> tuple[Scan, ...]: ...


def open_scan(
    path: str | Path,
    *,
    energy_axis: EnergyAxis | None = None,
    detectors: Detectors = "sum",
    salvage: bool = False,
) -> Scan | tuple[Scan, ...]:
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
    detectors
        ``sum`` for the counts of all detectors together, ``separate`` for a tuple with one scan
        a detector, or the number of a detector, from 0 on. Only a ``.bcf`` holds several.
    salvage
        Read what is left of a damaged ``.bcf``. What is missing of it is zero, and `warnings` of
        the scan say which rows and pixels that are, and why. All of the file is read for that.

    Returns
    -------
    Scan
        With the instrument of the header where an XRF machine wrote one; `metadata` may hold
        ``live_time_s`` of the whole scan, and what the machine says of its detectors.

    Raises
    ------
    ScanError
        If there is no such file or detector, it cannot be read as a map of spectra, or it has no
        energy calibration. A damaged part inside is found when its rows are read.
    """
    path = existing_file(path, SCAN_FORMATS, ScanError)
    try:
        if path.suffix.lower() == ".bcf":
            from lithoscope.io.bruker.bcf import open_bcf

            return open_bcf(path, energy_axis=energy_axis, detectors=detectors, salvage=salvage)
        scan = _open(path, energy_axis)
    except InvalidValueError as error:
        raise ScanError(
            f"{path}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None
    if detectors not in ("sum", "separate", 0):
        raise ScanError(f"{path} has no detector {detectors}.", expected="'sum', 'separate' or 0")
    return (scan,) if detectors == "separate" else scan


def _open(path: Path, energy_axis: EnergyAxis | None) -> Scan:
    # Each format brings libraries that the others do not need.
    suffix = path.suffix.lower()
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
