"""The viewer with all it needs: a source, its maps, and the model that made them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lithoscope.core.instrument import Detector
from lithoscope.errors import CheckpointError, MineralError
from lithoscope.inference.predict import Predictor
from lithoscope.models.checkpoint import DEFAULT_MODEL, find_checkpoint
from lithoscope.viewer.answers import Answers
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.server import viewer_missing
from lithoscope.viewer.source import Source, open_source
from lithoscope.workflows.choose_instrument import choose_instrument


def view(path: str | Path, *, scan: str | Path | None = None) -> Callable[[], Any]:
    """Open a result or a scan for the viewer.

    In a notebook, ``view(path)()`` as a cell's last line shows the page.

    Parameters
    ----------
    path
        A folder that `map` wrote, or a scan.
    scan
        Where a result's scan is now, if it has moved.

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
    maps = ScanMaps(source.scan, Detector() if instrument is None else instrument.detector)
    answers = answers_for(source, maps)
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
    return Answers(predictor, choice.instrument, source.scan.axis)
