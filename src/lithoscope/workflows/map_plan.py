"""What is to be mapped, and how: all that is settled before the first spectrum is read."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.inference.answer import ANSWER_PROBABILITY, check_answer_probability
from lithoscope.inference.elements import LineWindow, line_windows
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, digest_of_checkpoint
from lithoscope.segmentation.smoothing import DEFAULT_SMOOTHING, Smoothing
from lithoscope.workflows.choose_instrument import InstrumentChoice, known_instrument
from lithoscope.workflows.choose_model import model_for
from lithoscope.workflows.provenance import versions

# About this many spectra are read and classified at a time.
_BLOCK_SPECTRA = 4096


@dataclass(frozen=True, eq=False)
class MapPlan:
    """A scan, the model that maps it, and the blocks of rows in which that happens.

    Parameters
    ----------
    scan
        The scan.
    checkpoint
        The model.
    minerals
        Names of the minerals to choose among; ``None`` for all of the model's.
    option
        Name or file of the instrument, where the user gave one.
    known
        The instrument as far as it is known before spectra are read.
    smoothing
        How the map is smoothed, on which no block depends.
    false_alarms
        Share of known spectra that may be called unknown; ``None`` for the model's.
    answer_probability
        What the finest answer's summed probability must reach, on which no block depends.
    """

    scan: Scan
    checkpoint: Checkpoint
    minerals: tuple[str, ...] | None
    option: str | None
    known: InstrumentChoice
    smoothing: Smoothing = DEFAULT_SMOOTHING
    false_alarms: float | None = None
    answer_probability: float = ANSWER_PROBABILITY

    @property
    def block_rows(self) -> int:
        """Rows of a block; it depends on the scan alone, so that a block is always the same."""
        return max(1, _BLOCK_SPECTRA // self.scan.shape[1])

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.scan.shape[0] // self.block_rows)

    def rows(self, block: int) -> tuple[int, int]:
        """First row of a block, and the one after its last."""
        first = block * self.block_rows
        return first, min(first + self.block_rows, self.scan.shape[0])

    def pixels(self, block: int) -> int:
        """Number of pixels in a block."""
        first, last = self.rows(block)
        return (last - first) * self.scan.shape[1]

    @property
    def n_pixels(self) -> int:
        """Number of pixels of the scan."""
        return self.scan.shape[0] * self.scan.shape[1]

    @property
    def allowed(self) -> tuple[int, ...]:
        """Classes that are chosen among, increasing."""
        labels = self.checkpoint.labels
        if self.minerals is None:
            return tuple(range(len(labels)))
        return tuple(sorted(labels.indices_of(self.minerals)))

    @functools.cached_property
    def windows(self) -> list[LineWindow]:
        """Windows of the lines whose net counts are taken."""
        instrument = self.known.instrument
        return line_windows(
            axis=self.scan.axis, detector=instrument.detector, exclude=(instrument.tube.anode,)
        )

    def job(self) -> dict[str, Any]:
        """Return all that a block's result depends on besides the counts, as plain values."""
        return {
            "shape": list(self.scan.shape),
            "energy axis": describe_axis(self.scan.axis),
            "model": digest_of_checkpoint(self.checkpoint),
            "minerals": None if self.minerals is None else list(self.minerals),
            "false alarms": self.false_alarms,
            "instrument": _digest(dataclasses.asdict(self.known.instrument)),
            "rows in a block": self.block_rows,
            "versions": versions(),
        }


def plan_map(
    scan: Scan,
    *,
    model: str | Checkpoint,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    smoothing: Smoothing | None = None,
    allow_electron_beam: bool = False,
    false_alarms: float | None = None,
    answer_probability: float = ANSWER_PROBABILITY,
) -> MapPlan:
    """Settle how a scan is mapped; the parameters and errors are those of `map_minerals`."""
    if scan.electron_beam and not allow_electron_beam:
        raise ScanError(
            f"'{scan.title or 'The scan'}' was taken in an electron microscope: "
            "its file has no X-ray tube (TRTXrfHeader).",
            expected="a micro-XRF scan; electrons excite other line ratios than X-rays",
            remedy="map it nevertheless with --allow-electron-beam, and do not trust the result",
        )
    check_answer_probability(answer_probability)
    chosen = smoothing or DEFAULT_SMOOTHING
    chosen.check_sizes(scan.pixel_size_mm)
    checkpoint = model_for(model, option=instrument, header=scan.instrument)
    names = None
    if minerals is not None:
        names = tuple(load_library().get(name).name for name in minerals)
        checkpoint.labels.indices_of(names)
    known = known_instrument(option=instrument, header=scan.instrument, checkpoint=checkpoint)
    return MapPlan(
        scan, checkpoint, names, instrument, known, chosen, false_alarms, answer_probability
    )


def describe_axis(axis: EnergyAxis) -> dict[str, Any]:
    """Return an energy axis as plain values."""
    return {
        "offset_keV": axis.offset_keV,
        "gain_keV": axis.gain_keV,
        "channels": axis.n_channels,
    }


def _digest(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else repr(value)
