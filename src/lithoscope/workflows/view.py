"""The viewer with all it needs: a source, its maps, and the model that made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Detector
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import CheckpointError, MineralError
from lithoscope.inference.predict import Predictor
from lithoscope.models.checkpoint import DEFAULT_MODEL, find_checkpoint
from lithoscope.viewer.answers import Answers, Explanation
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.server import viewer_missing
from lithoscope.viewer.source import Source, open_source
from lithoscope.workflows.choose_instrument import choose_instrument
from lithoscope.workflows.explain_spectrum import explained


def view(
    path: str | Path,
    *,
    scan: str | Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Callable[[], Any]:
    """Open a result or a scan for the viewer.

    In a notebook, ``view(path)()`` as a cell's last line shows the page.

    Parameters
    ----------
    path
        A folder that `map` wrote, or a scan.
    scan
        Where a result's scan is now, if it has moved.
    progress
        Called with rows read and rows in all.

    Returns
    -------
    callable
        Makes a page of Panel's; pages share what was computed.

    Raises
    ------
    FileFormatError
        As `viewer.source.open_source`.
    ViewerError
        If Panel is not installed.
    """
    source = open_source(Path(path), scan=None if scan is None else Path(scan))
    try:
        from lithoscope.viewer.page import Page
    except ImportError as problem:
        raise viewer_missing() from problem
    instrument = source.scan.instrument
    detector = Detector() if instrument is None else instrument.detector
    maps = ScanMaps(source.scan, detector, progress)
    answers = answers_for(source, maps)
    if answers is not None:
        # The first answer of a process compiles and takes seconds; better now than at a click.
        answers(Spectrum(maps.sum_spectrum, source.scan.axis))
    return lambda: Page(source, maps, answers).layout()


def answers_for(source: Source, maps: ScanMaps) -> Answers | None:
    """Return the model that made a map, or the default one for a scan alone.

    ``None`` where the model is not at hand, or does not know the minerals that were chosen.
    """
    options = source.run.get("options", {})
    try:
        checkpoint = find_checkpoint(str(source.run.get("model", DEFAULT_MODEL)))
        predictor = Predictor(checkpoint, source.scan.axis, options.get("minerals"))
    except (CheckpointError, MineralError):
        return None
    choice = choose_instrument(
        option=options.get("instrument"),
        header=source.scan.instrument,
        checkpoint=checkpoint,
        counts=maps.sum_spectrum,
        axis=source.scan.axis,
    )
    axis = source.scan.axis

    def explain(binned: NDArray[np.floating], ranking: Sequence[int]) -> Explanation | None:
        found = explained(binned, ranking, checkpoint=checkpoint, choice=choice, axis=axis)
        if found["abundances"] is None:
            return None
        return Explanation(
            tuple((one["mineral"], one["share"]) for one in found["abundances"]),
            tuple((peak["energy_keV"], peak["text"]) for peak in found["unexplained"]),
        )

    return Answers(predictor, choice.instrument, axis, explain)
