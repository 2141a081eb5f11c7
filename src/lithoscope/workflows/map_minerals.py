"""From a scan to a mineral map."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import VOID
from lithoscope.core.scan import Scan
from lithoscope.core.scan_checks import sum_mismatch
from lithoscope.errors import ScanError
from lithoscope.inference.elements import LineWindow, net_counts_from_window, visible_lines
from lithoscope.inference.predict import Predictor
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import DEFAULT_MODEL, Checkpoint, find_checkpoint
from lithoscope.preprocess.harmony import check_harmony
from lithoscope.segmentation.dataset import map_dataset
from lithoscope.segmentation.quantify import MineralShare, shares_from_map
from lithoscope.segmentation.smooth import majority_filter
from lithoscope.workflows.choose_instrument import InstrumentChoice, choose_instrument
from lithoscope.workflows.map_unexplained import with_unexplained
from lithoscope.workflows.mineral_map import MineralMap
from lithoscope.workflows.model_notes import notes_of_model
from lithoscope.workflows.provenance import versions

# About this many spectra are read and classified at a time.
_BLOCK_SPECTRA = 4096
_SHOWN_ELEMENTS = 8
# Smoothing leaves pixels of this confidence alone, so that small grains stand where their spectra
# are clear.
_CERTAIN = 0.9

if TYPE_CHECKING:
    import xarray as xr

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Layers:
    """What the pass over the scan leaves, shape (y, x) each, and the scan's sum spectrum."""

    classes: NDArray[np.int16]
    confidence: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    ood_score: NDArray[np.float32]
    counts: NDArray[np.float32]
    sum_spectrum: NDArray[np.float64]


def map_minerals(
    scan: Scan,
    *,
    model: str | Checkpoint = DEFAULT_MODEL,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    smooth: bool = True,
    allow_electron_beam: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: Progress = lambda done, total: None,
) -> MineralMap:
    """Classify every pixel of a scan, smooth the map and quantify it.

    Parameters
    ----------
    scan
        The scan, from `open_scan`.
    model
        Name of a shipped model, path of a model's folder, or a loaded checkpoint.
    minerals
        Minerals to choose among; all of the model's when left out.
    instrument
        Name or file of the instrument; otherwise the scan's header, or the model's.
    smooth
        Whether the smoothed map is the one to show.
    allow_electron_beam
        Map a scan from an electron microscope nevertheless.
    provenance
        Facts about where the scan came from, to be kept in ``run.json``.
    progress
        Called with rows done and rows in all.

    Raises
    ------
    ScanError
        If the scan was excited by electrons and that is not allowed.
    MineralError
        If the model lacks one of `minerals`.
    PreprocessingError
        If the scan has so many dead channels that no answer would mean anything.
    """
    started = time.perf_counter()
    if scan.electron_beam and not allow_electron_beam:
        raise ScanError(
            f"'{scan.title or 'The scan'}' was taken in an electron microscope: "
            "its file has no X-ray tube (TRTXrfHeader).",
            expected="a micro-XRF scan; electrons excite other line ratios than X-rays",
            remedy="map it nevertheless with --allow-electron-beam, and do not trust the result",
        )
    checkpoint = find_checkpoint(model) if isinstance(model, str) else model
    names = None if minerals is None else [load_library().get(name).name for name in minerals]
    predictor = Predictor(checkpoint, scan.axis, names)
    layers = _classify(scan, predictor, progress)
    choice = choose_instrument(
        option=instrument,
        header=scan.instrument,
        checkpoint=checkpoint,
        counts=layers.sum_spectrum,
        axis=scan.axis,
    )
    run = {
        **(provenance or {}),
        "title": scan.title,
        "model": checkpoint.name,
        "instrument": describe_choice(choice),
        "energy_axis": describe_axis(scan.axis),
        "options": {"minerals": names, "smooth": smooth, "instrument": instrument},
        "versions": versions(),
        "pixels": int(layers.classes.size),
        "timings": {"classify_s": round(time.perf_counter() - started, 2)},
    }
    result = _assemble(scan, checkpoint, layers, choice, run, smooth)
    return with_unexplained(result, scan, checkpoint, choice)


def _classify(scan: Scan, predictor: Predictor, progress: Progress) -> _Layers:
    height, width = scan.shape
    classes = np.full(scan.shape, VOID, dtype=np.int16)
    unknown = np.zeros(scan.shape, dtype=bool)
    floats = {name: np.zeros(scan.shape, np.float32) for name in ("sure", "score", "counts")}
    sum_spectrum = np.zeros(scan.axis.n_channels)
    for first, counts in scan.blocks(rows=max(1, _BLOCK_SPECTRA // width)):
        rows = slice(first, first + len(counts))
        said = predictor(counts.reshape(-1, counts.shape[-1]))
        shape = (len(counts), width)
        classes[rows] = said.classes.reshape(shape)
        unknown[rows] = said.unknown.reshape(shape)
        floats["sure"][rows] = said.confidence.reshape(shape)
        floats["score"][rows] = said.ood_score.reshape(shape)
        floats["counts"][rows] = said.counts.reshape(shape)
        sum_spectrum += counts.sum(axis=(0, 1), dtype=np.float64)
        progress(rows.stop, height)
    return _Layers(
        classes, floats["sure"], unknown, floats["score"], floats["counts"], sum_spectrum
    )


def _assemble(
    scan: Scan,
    checkpoint: Checkpoint,
    layers: _Layers,
    choice: InstrumentChoice,
    run: dict[str, Any],
    smooth: bool,
) -> MineralMap:
    pixel = _telling_pixel(layers)
    spectrum = scan.spectrum(*pixel)
    windows, in_pixel = (
        visible_lines(
            counts=counts,
            axis=scan.axis,
            detector=choice.instrument.detector,
            exclude=(choice.instrument.tube.anode,),
        )
        for counts in (layers.sum_spectrum, spectrum.counts)
    )
    smoothed = majority_filter(
        layers.classes, ignore=layers.unknown, keep=layers.confidence >= _CERTAIN
    )
    return MineralMap(
        dataset=_dataset(scan, checkpoint, layers, smoothed),
        shares=_shares(checkpoint, layers, smoothed),
        run=run,
        marked_pixel=pixel,
        marked_spectrum=spectrum,
        marked_elements=tuple(window.line.element for window in in_pixel),
        element_maps=element_maps(scan, windows[:_SHOWN_ELEMENTS]),
        model_notes=tuple(notes_of_model(checkpoint)),
        warnings=(*_warnings(scan, layers, checkpoint), *choice.warnings_for(checkpoint)),
        smoothed=smooth,
        title=scan.title,
    )


def _warnings(scan: Scan, layers: _Layers, checkpoint: Checkpoint) -> list[str]:
    """Return what the scan's file contradicts or lacks, and what the model never saw."""
    mismatch = sum_mismatch(scan, layers.sum_spectrum)
    strange = check_harmony(
        sum_spectrum=layers.sum_spectrum,
        counts=layers.counts,
        axis=scan.axis,
        model_axis=checkpoint.axis,
        condition=checkpoint.condition,
    )
    return [*scan.warnings, *(line for line in (mismatch, strange) if line is not None)]


def _shares(
    checkpoint: Checkpoint, layers: _Layers, smoothed: NDArray[np.int16]
) -> tuple[MineralShare, ...]:
    library = load_library()
    return shares_from_map(
        classes=layers.classes,
        smoothed=smoothed,
        unknown=layers.unknown,
        labels=checkpoint.labels,
        densities_g_cm3={
            name: library.get(name).density_g_cm3 for name in checkpoint.labels.members
        },
    )


def _dataset(
    scan: Scan, checkpoint: Checkpoint, layers: _Layers, smoothed: NDArray[np.int16]
) -> xr.Dataset:
    return map_dataset(
        classes=layers.classes,
        smoothed=smoothed,
        confidence=layers.confidence,
        unknown=layers.unknown,
        ood_score=layers.ood_score,
        counts=layers.counts,
        labels=checkpoint.labels,
        coordinates=scan.coordinates_mm,
        units="mm" if scan.pixel_size_mm else "pixel",
        attributes={"title": scan.title, "model": checkpoint.name},
    )


def _telling_pixel(layers: _Layers) -> tuple[int, int]:
    """Return the pixel of most counts among those of the map's commonest mineral."""
    seen = layers.classes[layers.classes != VOID]
    if seen.size == 0:
        return 0, 0
    commonest = np.bincount(seen).argmax()
    counts = np.where(layers.classes == commonest, layers.counts, -1)
    y, x = np.unravel_index(int(counts.argmax()), counts.shape)
    return int(y), int(x)


def element_maps(scan: Scan, windows: Sequence[LineWindow]) -> dict[str, NDArray[np.float64]]:
    """Net counts of lines over a scan, by line name, shape (y, x), never negative."""
    maps = {window.line.label: np.zeros(scan.shape) for window in windows}
    for first, counts in scan.blocks(rows=max(1, _BLOCK_SPECTRA // scan.shape[1])):
        for window in windows:
            net, _ = net_counts_from_window(counts=counts, window=window)
            maps[window.line.label][first : first + len(counts)] = np.maximum(net, 0)
    return maps


def describe_axis(axis: EnergyAxis) -> dict[str, Any]:
    """Return an energy axis as plain values."""
    return {
        "offset_keV": axis.offset_keV,
        "gain_keV": axis.gain_keV,
        "channels": axis.n_channels,
    }


def describe_choice(choice: InstrumentChoice) -> dict[str, Any]:
    """Return an instrument and where the knowledge came from, as plain values."""
    tube = choice.instrument.tube
    return {
        "name": choice.instrument.name,
        "source": choice.source,
        "anode": tube.anode,
        "voltage_kV": round(tube.voltage_kV, 2),
        "voltage_source": choice.voltage_source,
    }
