"""Why a spectrum was named as it was: its minerals' shares, and peaks that they do not explain."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.errors import MineralError
from lithoscope.inference.abundance import find_abundances
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import fit_expected
from lithoscope.inference.unexplained import UnexplainedPeak, find_unexplained
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.workflows.choose_instrument import InstrumentChoice

FloatArray = NDArray[np.float64]

_NOTHING: dict[str, Any] = {"unexplained": [], "abundances": []}
# Voltages read off a spectrum's end are rounded to this, so that spectra share what is computed.
_VOLTAGE_STEP_KV = 1.0


def explained(
    binned: NDArray[np.floating],
    ranking: Sequence[int],
    *,
    checkpoint: Checkpoint,
    choice: InstrumentChoice,
    axis: EnergyAxis,
) -> dict[str, Any]:
    """Say what explains a spectrum and what is left.

    Parameters
    ----------
    binned
        Counts on the model's axis, shape (bin,).
    ranking
        Classes that the answer may hold, by falling probability; empty for a spectrum that
        has too few counts.
    checkpoint
        The model.
    choice
        The instrument of the spectrum.
    axis
        The measured axis.

    Returns
    -------
    dict
        `unexplained`, a list of `energy_keV`, `significance`, `elements`, `lines` and `note`, and
        `abundances`, a list of `mineral`, `members` and `share` (of the area under the beam);
        both None where the library lacks a mineral of the model.
    """
    if not ranking:
        return dict(_NOTHING)
    counts = np.maximum(np.asarray(binned, dtype=np.float64), 0.0)
    edges = checkpoint.axis.edges_keV
    used = (edges[:-1] >= axis.edges_keV[0]) & (edges[1:] <= axis.edges_keV[-1])
    try:
        banks = _banks(counts, ranking[0], checkpoint, choice, used)
        found = find_abundances(counts, banks, ranking, used=used)
        left = find_unexplained(counts, banks, found.classes, used=used)
    except MineralError:
        return {"unexplained": None, "abundances": None}
    groups = checkpoint.labels.groups
    return {
        "unexplained": [{**_row_of_peak(peak), "text": peak.text} for peak in left.peaks],
        "abundances": [
            {
                "mineral": groups[index].label,
                "members": list(groups[index].members),
                "share": round(share, 4),
            }
            for index, share in zip(found.classes, found.area_shares, strict=True)
        ],
    }


def unexplained_by(
    binned: NDArray[np.floating],
    classes: Sequence[int],
    *,
    checkpoint: Checkpoint,
    choice: InstrumentChoice,
    axis: EnergyAxis,
) -> list[dict[str, Any]] | None:
    """Return the peaks of a spectrum that some classes together do not explain.

    Parameters
    ----------
    binned
        Counts on the model's axis, shape (bin,).
    classes
        Classes that may explain it, the main one first.
    checkpoint, choice, axis
        As for `explained`.

    Returns
    -------
    list of dict
        `energy_keV`, `significance`, `elements`, `lines` and `note` of each; None where the library
        lacks a mineral of the model.
    """
    counts = np.maximum(np.asarray(binned, dtype=np.float64), 0.0)
    edges = checkpoint.axis.edges_keV
    used = (edges[:-1] >= axis.edges_keV[0]) & (edges[1:] <= axis.edges_keV[-1])
    try:
        banks = _banks(counts, classes[0], checkpoint, choice, used)
        left = find_unexplained(counts, banks, classes, used=used)
    except MineralError:
        return None
    return [_row_of_peak(peak) for peak in left.peaks]


def _row_of_peak(peak: UnexplainedPeak) -> dict[str, Any]:
    return {
        "energy_keV": round(peak.energy_keV, 4),
        "significance": round(peak.significance, 2),
        "elements": list(peak.elements),
        "lines": list(peak.lines),
        "note": peak.note,
    }


def _banks(
    counts: FloatArray,
    best: int,
    checkpoint: Checkpoint,
    choice: InstrumentChoice,
    used: NDArray[np.bool_],
) -> ExpectedBanks:
    """The expected spectra of the instrument.

    A voltage that was read off the spectrum's end is too low where the hard end is dim; there the
    model's own voltage is tried too, and the one that fits the best class better is taken.
    """
    tried = [_rounded(choice.instrument)]
    if choice.voltage_source == "spectrum":
        tried.append(load_instrument(checkpoint.instruments[0]))
    banks = [_banks_of(one, checkpoint.labels, checkpoint.axis) for one in dict.fromkeys(tried)]
    if len(banks) == 1:
        return banks[0]
    return max(banks, key=lambda one: fit_expected(counts, one, [best], used=used).log_likelihood)


def _rounded(instrument: Instrument) -> Instrument:
    tube = instrument.tube
    voltage = max(round(tube.voltage_kV / _VOLTAGE_STEP_KV), 1) * _VOLTAGE_STEP_KV
    return dataclasses.replace(instrument, tube=dataclasses.replace(tube, voltage_kV=voltage))


@functools.lru_cache(maxsize=8)
def _banks_of(instrument: Instrument, labels: LabelSet, axis: ModelAxis) -> ExpectedBanks:
    return ExpectedBanks(instrument, labels, axis.edges_keV)
