"""From mapped blocks to a finished mineral map: smoothed, quantified, described."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.core.scan_checks import sum_mismatch
from lithoscope.inference.elements import LineWindow, visible_lines
from lithoscope.inference.posteriors import Posteriors
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import digest_of_checkpoint
from lithoscope.preprocess.harmony import check_harmony
from lithoscope.segmentation.dataset import map_dataset, with_answers, with_element_maps
from lithoscope.segmentation.quantify import MineralShare, shares_from_map
from lithoscope.workflows.choose_instrument import InstrumentChoice, choose_instrument
from lithoscope.workflows.grain_answers import grain_answer_rows
from lithoscope.workflows.map_answers import answers_of_scan
from lithoscope.workflows.map_partial import BlockStore, pixels_of
from lithoscope.workflows.map_plan import MapPlan, describe_axis
from lithoscope.workflows.map_quantities import Quantities, quantities_of_map
from lithoscope.workflows.map_unexplained import with_unexplained
from lithoscope.workflows.mean_spectra import confusions_from_posteriors, mean_spectra
from lithoscope.workflows.mineral_map import MineralMap
from lithoscope.workflows.model_notes import notes_of_model
from lithoscope.workflows.provenance import versions

if TYPE_CHECKING:
    import xarray as xr

_SHOWN_ELEMENTS = 8
_LAYERS = ("classes", "confidence", "unknown", "ood_score", "counts")
_POSTERIORS = ("best", "log_best", "log_rest")


@dataclass(frozen=True, eq=False)
class Layers:
    """What the pass over the scan leaves, shape (y, x) each, and the scan's sum spectrum."""

    classes: NDArray[np.int16]
    confidence: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    ood_score: NDArray[np.float32]
    counts: NDArray[np.float32]
    posteriors: Posteriors
    sum_spectrum: NDArray[np.float64]


def layers_of(plan: MapPlan, store: BlockStore, allowed: tuple[int, ...]) -> Layers:
    """Put mapped blocks together; all of them are there."""
    shape = plan.scan.shape
    pixels = pixels_of(store, plan.n_blocks, (*_LAYERS, *_POSTERIORS), shape)
    best, log_best, log_rest = (pixels.pop(name) for name in _POSTERIORS)
    total = np.zeros(plan.scan.axis.n_channels)
    for block in range(plan.n_blocks):
        total += store.arrays(block, ("sum_spectrum",))["sum_spectrum"]
    return Layers(
        **pixels, posteriors=Posteriors(best, log_best, log_rest, allowed), sum_spectrum=total
    )


def finish_map(
    plan: MapPlan,
    store: BlockStore,
    allowed: tuple[int, ...],
    *,
    smooth: bool,
    run: dict[str, Any],
) -> MineralMap:
    """Make a mineral map of the mapped blocks.

    Parameters
    ----------
    plan
        What was mapped.
    store
        All of its blocks.
    allowed
        Classes that were chosen among.
    smooth
        Whether the smoothed map is the one to show.
    run
        Where the scan came from and how long it took, for ``run.json``.
    """
    layers = layers_of(plan, store, allowed)
    choice = choose_instrument(
        option=plan.option,
        header=plan.scan.instrument,
        checkpoint=plan.checkpoint,
        counts=layers.sum_spectrum,
        axis=plan.scan.axis,
    )
    pixel = _telling_pixel(layers)
    spectrum = plan.scan.spectrum(*pixel)
    lines, in_pixel = (
        _visible(plan, choice, counts) for counts in (layers.sum_spectrum, spectrum.counts)
    )
    quantities = _quantities(plan, layers)
    maps = _element_maps(plan, store, lines)
    answers = answers_of_scan(plan, layers, quantities.priors)
    dataset = with_answers(_dataset(plan, layers, quantities), answers)
    result = MineralMap(
        dataset=with_element_maps(dataset, maps),
        shares=_shares(plan, layers, quantities),
        grains=quantities.grains,
        associations=quantities.associations,
        answers=tuple(answers.answer_rows()),
        grain_answers=tuple(grain_answer_rows(plan, layers, quantities, answers)),
        answer_levels=tuple(answers.level_rows()),
        run={
            **run,
            **_facts(plan, choice, smooth),
            "priors": quantities.priors_of(plan.checkpoint.labels),
        },
        marked_pixel=pixel,
        marked_spectrum=spectrum,
        marked_elements=tuple(window.line.element for window in in_pixel),
        element_maps=dict(itertools.islice(maps.items(), _SHOWN_ELEMENTS)),
        model_notes=tuple(notes_of_model(plan.checkpoint)),
        warnings=(*_warnings(plan, layers), *choice.warnings_for(plan.checkpoint)),
        smoothed=smooth,
        title=plan.scan.title,
        **_spectra(plan, layers, choice),
    )
    return with_unexplained(result, plan.scan, plan.checkpoint, choice)


def _spectra(plan: MapPlan, layers: Layers, choice: InstrumentChoice) -> dict[str, Any]:
    """Mean spectra of the main minerals, and what these are taken for besides."""
    labels = plan.checkpoint.labels
    means = mean_spectra(
        plan.scan,
        classes=layers.classes,
        unknown=layers.unknown,
        labels=labels,
        instrument=choice.instrument,
    )
    shown = [labels.labels.index(mean.mineral) for mean in means]
    confusions = confusions_from_posteriors(layers.posteriors, minerals=shown, labels=labels)
    return {"means": means, "confusions": confusions}


def _facts(plan: MapPlan, choice: InstrumentChoice, smooth: bool) -> dict[str, Any]:
    minerals = None if plan.minerals is None else list(plan.minerals)
    return {
        "title": plan.scan.title,
        "model": plan.checkpoint.name,
        "model_digest": digest_of_checkpoint(plan.checkpoint),
        "instrument": describe_choice(choice),
        "energy_axis": describe_axis(plan.scan.axis),
        "options": {
            "minerals": minerals,
            "smooth": smooth,
            "smoothing": plan.smoothing.as_data(),
            "instrument": plan.option,
            "false_alarms": plan.false_alarms,
            "answer_probability": plan.answer_probability,
        },
        "versions": versions(),
        "pixels": plan.scan.shape[0] * plan.scan.shape[1],
    }


def _visible(
    plan: MapPlan, choice: InstrumentChoice, counts: NDArray[np.generic]
) -> list[LineWindow]:
    return visible_lines(
        counts=counts,
        axis=plan.scan.axis,
        detector=choice.instrument.detector,
        exclude=(choice.instrument.tube.anode,),
    )


def _element_maps(
    plan: MapPlan, store: BlockStore, lines: Sequence[LineWindow]
) -> dict[str, NDArray[np.float32]]:
    """Net counts of lines over the scan, by line name, shape (y, x), never negative."""
    columns = [plan.windows.index(window) for window in lines]
    maps = np.empty((len(lines), plan.scan.shape[0] * plan.scan.shape[1]), dtype=np.float32)
    first = 0
    for block in range(plan.n_blocks):
        net = store.arrays(block, ("net_counts",))["net_counts"]
        maps[:, first : first + len(net)] = net[:, columns].T
        first += len(net)
    return {
        window.line.label: values.reshape(plan.scan.shape)
        for window, values in zip(lines, maps, strict=True)
    }


def _warnings(plan: MapPlan, layers: Layers) -> list[str]:
    """Return what the scan's file contradicts or lacks, and what the model never saw."""
    mismatch = sum_mismatch(plan.scan, layers.sum_spectrum)
    strange = check_harmony(
        sum_spectrum=layers.sum_spectrum,
        counts=layers.counts,
        axis=plan.scan.axis,
        model_axis=plan.checkpoint.axis,
        condition=plan.checkpoint.condition,
    )
    return [*plan.scan.warnings, *(line for line in (mismatch, strange) if line is not None)]


def _quantities(plan: MapPlan, layers: Layers) -> Quantities:
    size = plan.scan.pixel_size_mm
    return quantities_of_map(
        posteriors=layers.posteriors,
        void=layers.classes == VOID,
        unknown=layers.unknown,
        counts=layers.counts,
        labels=plan.checkpoint.labels,
        densities_g_cm3=_densities(plan),
        smoothing=plan.smoothing,
        pixel_um=None if size is None else (1e3 * size[0], 1e3 * size[1]),
    )


def _densities(plan: MapPlan) -> dict[str, float]:
    library = load_library()
    return {name: library.get(name).density_g_cm3 for name in plan.checkpoint.labels.members}


def _shares(plan: MapPlan, layers: Layers, quantities: Quantities) -> tuple[MineralShare, ...]:
    return shares_from_map(
        classes=layers.classes,
        smoothed=quantities.smoothed,
        unknown=layers.unknown,
        labels=plan.checkpoint.labels,
        densities_g_cm3=_densities(plan),
        corrected=quantities.corrected,
    )


def _dataset(plan: MapPlan, layers: Layers, quantities: Quantities) -> xr.Dataset:
    attributes: dict[str, Any] = {
        "title": plan.scan.title,
        "model": plan.checkpoint.name,
        "priors": json.dumps(quantities.priors_of(plan.checkpoint.labels)),
    }
    if plan.scan.pixel_size_mm is not None:
        attributes["pixel_size_mm"] = list(plan.scan.pixel_size_mm)
    return map_dataset(
        classes=layers.classes,
        with_priors=(quantities.classes, quantities.confidence),
        smoothed=quantities.smoothed,
        confidence=layers.confidence,
        unknown=layers.unknown,
        ood_score=layers.ood_score,
        counts=layers.counts,
        labels=plan.checkpoint.labels,
        coordinates=plan.scan.coordinates_mm,
        units="mm" if plan.scan.pixel_size_mm else "pixel",
        attributes=attributes,
    )


def _telling_pixel(layers: Layers) -> tuple[int, int]:
    """Return the pixel of most counts among those of the map's commonest mineral."""
    seen = layers.classes[layers.classes != VOID]
    if seen.size == 0:
        return 0, 0
    commonest = np.bincount(seen).argmax()
    counts = np.where(layers.classes == commonest, layers.counts, -1)
    y, x = np.unravel_index(int(counts.argmax()), counts.shape)
    return int(y), int(x)


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
