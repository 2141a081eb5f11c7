"""Errors of net counts: the network, and least squares with all elements and with those known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.line_intensities.source import INSTRUMENT, REALISTIC, make_stream
from numpy.typing import NDArray

from lithoscope.inference.line_fit import LineFit, line_fit_for_instrument
from lithoscope.io import load_instrument
from lithoscope.models.line_model import LineModel
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumBatch, SpectrumStream

LEVELS = (100.0, 300.0, 1000.0, 3000.0, 10_000.0)
TESTED = {"poisson": CONDITIONS["poisson"], "realistic": REALISTIC}
# Seed of compositions and machines that no network was trained on.
HELD_OUT = 1_000_003
SPECTRA, OF_OVERLAPS, MACHINES = 1024, 256, 32
# A group is there from so many counts, and is not below so few.
THERE, ABSENT = 10.0, 0.5
# Of the spectra so many parts are taken, whose scatter gives the error of a figure.
_PARTS = 8
OVERLAPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Ti/Ba": (("Ti K", "Ba L"), ("rutile", "titanite", "ilmenite", "baryte", "witherite")),
    "Pb/As": (("Pb L", "As K"), ("galena", "cerussite", "arsenopyrite", "realgar", "mimetite")),
    "S/Pb/Mo": (
        ("S K", "Pb M", "Mo L"),
        ("pyrite", "galena", "molybdenite", "wulfenite", "anglesite"),
    ),
    "Mn/Cr": (
        ("Mn K", "Cr K"),
        ("chromite", "rhodonite", "pyrolusite", "rhodochrosite", "uvarovite"),
    ),
    "Rh L/Cl": (("Cl K",), ("halite", "sylvite", "quartz", "calcite", "chlorapatite")),
}
OVERLAP_LEVELS = (300.0, 3000.0)


@dataclass(frozen=True, eq=False)
class Methods:
    """What is compared, by name: estimates of shape (spectrum, group) of a model's groups."""

    model: LineModel
    fit: LineFit

    @classmethod
    def of(cls, model: LineModel) -> Methods:
        instrument = load_instrument(INSTRUMENT)
        # Lines of the anode come scattered from the tube; whoever fits lines leaves them there.
        groups = [one for one in model.groups if one.element != instrument.tube.anode]
        fit = line_fit_for_instrument(
            instrument=instrument, groups=groups, edges_keV=ModelAxis().edges_keV
        )
        return cls(model, fit)

    def estimates(
        self, batch: SpectrumBatch, truth: NDArray[np.floating]
    ) -> Iterator[tuple[str, NDArray[np.floating]]]:
        counts = batch.counts.numpy()
        yield "cnn-lines", self.model.net_counts(batch.counts).numpy()
        fitted = [self.model.groups.index(group) for group in self.fit.groups]
        every = np.zeros_like(truth)
        every[:, fitted] = self.fit.net_counts(counts)
        yield "NNLS, all elements", every
        known, backgrounds = np.zeros_like(truth), self.fit.templates[len(fitted) :]
        for row, spectrum in enumerate(counts):
            there = np.flatnonzero(truth[row, fitted] >= ABSENT)
            part = LineFit(
                tuple(self.fit.groups[index] for index in there),
                np.concatenate([self.fit.templates[there], backgrounds]),
            )
            known[row, np.array(fitted)[there]] = part.net_counts(spectrum[None])[0]
        yield "NNLS, elements known", known


def truth_of(
    model: LineModel, stream: SpectrumStream, batch: SpectrumBatch
) -> NDArray[np.floating]:
    """Net counts of a batch in the order of a model's groups, shape (spectrum, group)."""
    assert batch.lines is not None
    truth = np.zeros((len(batch), len(model.groups)), dtype=np.float32)
    for column, group in enumerate(stream.line_groups):
        if group in model.groups:
            truth[:, model.groups.index(group)] = batch.lines[:, column].numpy()
    return truth


def errors(found: NDArray[np.floating], truth: NDArray[np.floating]) -> dict[str, Any]:
    """How wrong estimates are, over all groups that are given, shape (spectrum, group)."""
    there, absent = truth >= THERE, truth < ABSENT
    error = found.astype(np.float64) - truth
    units = error / np.sqrt(np.maximum(truth, 1.0))

    def rms(values: NDArray[np.floating]) -> float:
        return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")

    parts = [slice(part, None, _PARTS) for part in range(_PARTS)]
    spread = np.nanstd([rms(units[part][there[part]]) for part in parts], ddof=1)
    result = {
        "there": int(there.sum()),
        "rms_sigma": rms(units[there]),
        "rms_sigma_error": float(spread / np.sqrt(_PARTS)),
        "median_relative_error": float(np.median(abs(error[there]) / truth[there])),
        "bias": float(error[there].sum() / truth[there].sum()),
        "absent": int(absent.sum()),
        "false_counts": float(found[absent].sum() / len(found)),
        "rms_absent": rms(error[absent]),
    }
    return {name: None if value != value else value for name, value in result.items()}


def measured(model: LineModel) -> Iterator[dict[str, Any]]:
    """Yield a row for each condition, count level and method, and then for each overlap."""
    methods = Methods.of(model)
    size = GenerationSize(MACHINES, SPECTRA // MACHINES)
    for name, condition in TESTED.items():
        stream = make_stream(condition, seed=HELD_OUT, batch_size=SPECTRA, size=size)
        for level in LEVELS:
            where = {"part": "all", "condition": name, "counts": level, "seed": HELD_OUT}
            batch = stream.at(level).batch(0)
            truth = truth_of(model, stream, batch)
            for method, found in methods.estimates(batch, truth):
                yield {**where, "method": method, **errors(found, truth)}
    for overlap, (groups, minerals) in OVERLAPS.items():
        columns = [[str(one) for one in model.groups].index(group) for group in groups]
        for name, condition in TESTED.items():
            stream = make_stream(
                condition,
                seed=HELD_OUT,
                batch_size=OF_OVERLAPS,
                size=GenerationSize(8, OF_OVERLAPS // 8),
                names=minerals,
            )
            for level in OVERLAP_LEVELS:
                batch = stream.at(level).batch(0)
                truth = truth_of(model, stream, batch)
                for method, found in methods.estimates(batch, truth):
                    for group, column in zip(groups, columns, strict=True):
                        yield {
                            "part": overlap,
                            "group": group,
                            "condition": name,
                            "counts": level,
                            "seed": HELD_OUT,
                            "method": method,
                            **errors(found[:, [column]], truth[:, [column]]),
                        }
