"""From a scan to a mineral map."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lithoscope.core.scan import Scan
from lithoscope.inference.answer import ANSWER_PROBABILITY
from lithoscope.io.signals import as_scan
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.segmentation.smoothing import Smoothing
from lithoscope.workflows.choose_model import AUTO
from lithoscope.workflows.map_blocks import BlockMapper
from lithoscope.workflows.map_finish import finish_map
from lithoscope.workflows.map_partial import BlockStore, MemoryBlocks
from lithoscope.workflows.map_plan import MapPlan, plan_map
from lithoscope.workflows.map_stream import map_blocks
from lithoscope.workflows.mineral_map import MineralMap

Progress = Callable[[int, int], None]


def map_minerals(
    scan: Scan | Any,
    *,
    model: str | Checkpoint = AUTO,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    smooth: bool = True,
    smoothing: Smoothing | None = None,
    allow_electron_beam: bool = False,
    false_alarms: float | None = None,
    answer_probability: float = ANSWER_PROBABILITY,
    provenance: Mapping[str, Any] | None = None,
    progress: Progress = lambda done, total: None,
) -> MineralMap:
    """Classify every pixel of a scan, smooth the map and quantify it.

    Parameters
    ----------
    scan
        The scan, from `open_scan`; or a signal of HyperSpy's, or a dictionary of RosettaSciIO's,
        see `io.signals.as_scan`.
    model
        Name of a shipped model, path of a model's folder, or a loaded checkpoint; ``auto`` for the
        shipped one that suits the instrument, see `choose_model`.
    minerals
        Minerals to choose among; all of the model's when left out.
    instrument
        Name or file of the instrument; otherwise the scan's header, or the model's.
    smooth
        Whether the smoothed map is the one to show.
    smoothing
        How it is smoothed; by a Potts model when left out.
    allow_electron_beam
        Map a scan from an electron microscope nevertheless.
    false_alarms
        Share of known spectra that may be called unknown; the model's, 0.01, when left out.
    answer_probability
        What the finest answer's summed probability must reach, 0.5 to 1.
    provenance
        Facts about where the scan came from, to be kept in ``run.json``.
    progress
        Called with pixels done and pixels in all.

    Raises
    ------
    ScanError
        If the scan was excited by electrons and that is not allowed.
    MineralError
        If the model lacks one of `minerals`.
    PreprocessingError
        If the scan has so many dead channels that no answer would mean anything.
    """
    plan = plan_map(
        as_scan(scan),
        model=model,
        minerals=minerals,
        instrument=instrument,
        smoothing=smoothing,
        allow_electron_beam=allow_electron_beam,
        false_alarms=false_alarms,
        answer_probability=answer_probability,
    )
    return map_planned(
        plan, MemoryBlocks(), smooth=smooth, provenance=provenance or {}, progress=progress
    )


def map_planned(
    plan: MapPlan,
    store: BlockStore,
    *,
    smooth: bool,
    provenance: Mapping[str, Any],
    progress: Progress = lambda done, total: None,
) -> MineralMap:
    """Map the blocks that a store does not hold yet, and make a mineral map of all."""
    started = time.perf_counter()
    mapper = BlockMapper(plan)
    mapped = map_blocks(mapper, store, progress)
    run = {
        **provenance,
        "timings": {"classify_s": round(time.perf_counter() - started, 2)},
        "blocks": {"all": plan.n_blocks, "mapped_by_this_run": mapped},
    }
    return finish_map(plan, store, plan.allowed, smooth=smooth, run=run)
