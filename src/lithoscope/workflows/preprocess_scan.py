"""Apply a preprocessing chain to a scan, block after block."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import OutputError, PreprocessingError
from lithoscope.io import load_instrument
from lithoscope.io.aside import whole_folder
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.preprocess.chain import BoundChain, Chain
from lithoscope.preprocess.energy_calibration import EnergyCalibration, calibrate_energy
from lithoscope.preprocess.rebin import Rebin

# About this many spectra are read and processed at a time.
_BLOCK_SPECTRA = 2048

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Example:
    """A pixel before and after.

    Parameters
    ----------
    pixel
        Row and column.
    before, before_edges_keV
        Counts and their bins.
    after, after_edges_keV
        Values, shape (value,), and their bins; ``None`` where they have no energies.
    """

    pixel: tuple[int, int]
    before: NDArray[np.float64]
    before_edges_keV: NDArray[np.float64]
    after: NDArray[np.float64]
    after_edges_keV: NDArray[np.float64] | None


def calibrated(scan: Scan, instrument: str | None) -> tuple[Scan, EnergyCalibration]:
    """Correct the axis of a scan by the lines in its sum spectrum.

    Parameters
    ----------
    scan
        The scan; all of it is read.
    instrument
        Name or file of its instrument; its header's, or the M4 Tornado, when left out.

    Raises
    ------
    PreprocessingError
        If there is too little to fit.
    """
    machine = load_instrument(instrument) if instrument else scan.instrument
    total = np.zeros(scan.axis.n_channels)
    for _, counts in scan.blocks():
        total += counts.sum(axis=(0, 1), dtype=np.float64)
    found = calibrate_energy(total, scan.axis, machine or load_instrument("m4-tornado"))
    return dataclasses.replace(scan, axis=found.axis), found


def chain_of_model(model: str) -> Chain:
    """Return what a model does to counts on any axis: its own axis first, then its chain."""
    checkpoint = find_checkpoint(model)
    return Chain((Rebin(**dataclasses.asdict(checkpoint.axis)), *checkpoint.preprocessing.steps))


def fitted_to_scan(chain: Chain, scan: Scan) -> Chain:
    """Return the chain, its unfitted steps fitted to the scan's own spectra."""
    return chain if chain.is_fitted else chain.fit(_Spectra(scan), scan.axis.edges_keV)


class _Spectra:
    """The spectra of a scan in batches, as often as they are asked for."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan

    def __iter__(self) -> Iterator[Tensor]:
        for _, counts in _blocks(self.scan):
            yield torch.from_numpy(counts.reshape(-1, counts.shape[-1]))


def _blocks(scan: Scan) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for first, counts in scan.blocks(rows=max(1, _BLOCK_SPECTRA // scan.shape[1])):
        yield first, counts.astype(np.float32)


def preprocess_scan(
    scan: Scan,
    chain: Chain,
    folder: Path,
    *,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Write a preprocessed scan as zarr, whole or not at all.

    The group has an array ``counts`` (y, x, bin) where its bins are of one width, so that the file
    opens as a scan, else ``values`` (y, x, value) or (y, x, channel, value); ``edges_keV``; and as
    attributes the chain and, where they are known, ``offset_keV``, ``gain_keV``, ``pixel_size_mm``
    and ``title``.

    Parameters
    ----------
    scan
        The scan.
    chain
        Fitted steps.
    folder
        Where the zarr goes; its name ends in ``.zarr``.
    progress
        Called with rows done and rows in all.

    Returns
    -------
    dict
        What was written: ``array``, ``shape``, ``chain``.

    Raises
    ------
    PreprocessingError
        If the chain does not fit together or the scan.
    OutputError
        If the folder is not empty, does not end in ``.zarr``, or cannot be written to.
    """
    import zarr

    if folder.suffix.lower() != ".zarr":
        raise OutputError(f"{folder} is no zarr.", expected="a name that ends in .zarr")
    bound = chain.on(scan.axis.edges_keV)
    leaves = bound.leaves
    name = "counts" if _linear_axis(leaves.edges_keV) and leaves.kind != "inputs" else "values"
    channels = (leaves.channels,) if leaves.kind == "inputs" else ()
    shape = (*scan.shape, *channels, leaves.length)
    rows = max(1, _BLOCK_SPECTRA // scan.shape[1])
    with whole_folder(folder) as partial:
        store = partial / "data"
        group = zarr.open_group(str(store), mode="w")
        chunks = (min(rows, shape[0]), *shape[1:])
        array = group.create_array(name, shape=shape, chunks=chunks, dtype="float32")
        for first, counts in _blocks(scan):
            array[first : first + len(counts)] = _applied(bound, scan, first, counts).numpy()
            progress(first + len(counts), scan.shape[0])
        if leaves.edges_keV is not None:
            group["edges_keV"] = leaves.edges_keV
        group.attrs.update(_attributes(scan, bound, name))
        for item in store.iterdir():
            shutil.move(item, partial / item.name)
        store.rmdir()
    return {"array": name, "shape": list(shape), "chain": chain.description()}


def _applied(bound: BoundChain, scan: Scan, first: int, counts: NDArray[np.float32]) -> Tensor:
    times = scan.live_time_s
    rows = None if times is None else torch.from_numpy(times[first : first + len(counts)].copy())
    return bound.transform(torch.from_numpy(counts), rows)


def _linear_axis(edges_keV: NDArray[np.float64] | None) -> EnergyAxis | None:
    if edges_keV is None:
        return None
    widths = np.diff(edges_keV)
    if not np.allclose(widths, widths[0], rtol=1e-6):
        return None
    return EnergyAxis(float(edges_keV[0] + widths[0] / 2), float(widths[0]), widths.size)


def _attributes(scan: Scan, bound: BoundChain, array: str) -> dict[str, Any]:
    axis = _linear_axis(bound.leaves.edges_keV) if array == "counts" else None
    return {
        "title": scan.title,
        "chain": json.dumps(bound.chain.description()),
        "kind": bound.leaves.kind,
        **({} if axis is None else {"offset_keV": axis.offset_keV, "gain_keV": axis.gain_keV}),
        **({} if scan.pixel_size_mm is None else {"pixel_size_mm": list(scan.pixel_size_mm)}),
    }


def examples(scan: Scan, chain: Chain, count: int = 3) -> list[Example]:
    """Apply a chain to a few pixels: those of most, median and few counts.

    Parameters
    ----------
    scan
        The scan; all of it is read.
    chain
        Fitted steps.
    count
        Pixels, spread evenly over the order of counts.
    """
    totals = np.concatenate([block.sum(axis=2).ravel() for _, block in _blocks(scan)])
    if not totals.any():
        raise PreprocessingError("The scan has no counts to show.", expected="a measured scan")
    order = np.argsort(-totals)
    ranks = np.unique(np.linspace(0, 0.95, count) * np.count_nonzero(totals)).astype(np.int64)
    bound = chain.on(scan.axis.edges_keV)
    found = []
    for index in order[ranks].tolist():
        y, x = divmod(index, scan.shape[1])
        counts = scan.rows(y, y + 1)[:, x].astype(np.float32)
        times = scan.live_time_s
        time = None if times is None else torch.from_numpy(times[y, x : x + 1].copy())
        after = bound.transform(torch.from_numpy(counts), time)[0]
        found.append(
            Example(
                (y, x),
                counts[0].astype(np.float64),
                scan.axis.edges_keV,
                # Of a network's inputs the last channel, the root of the shape.
                (after[-1] if after.ndim == 2 else after).double().numpy(),
                bound.leaves.edges_keV,
            )
        )
    return found
