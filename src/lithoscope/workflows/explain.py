"""A picture of which channels spoke for the class of a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.explanation_plot import explanation_figure
from lithoscope.figures.save import save_figure
from lithoscope.figures.style import short_label
from lithoscope.inference.elements import visible_lines
from lithoscope.inference.explain import Explanation, explain_spectrum
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.choose_instrument import choose_instrument
from lithoscope.workflows.choose_model import AUTO, model_for


def explain(
    spectrum: Spectrum,
    path: str | Path,
    *,
    model: str | Checkpoint = AUTO,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
) -> Explanation:
    """Explain the class of a spectrum and save the picture.

    Parameters
    ----------
    spectrum
        A measured spectrum.
    path
        File to write, ``.png`` or ``.svg``.
    model, minerals, instrument
        As for `map_minerals`.

    Raises
    ------
    OutputError
        If the path cannot be written to.
    InvalidValueError
        If the model's preprocessing leaves no energies, or the spectrum has too few counts.
    """
    checkpoint = model_for(model, option=instrument, header=spectrum.instrument)
    names = None if minerals is None else [load_library().get(name).name for name in minerals]
    found = explain_spectrum(checkpoint, spectrum.axis, spectrum.counts, minerals=names)
    choice = choose_instrument(
        option=instrument,
        header=spectrum.instrument,
        checkpoint=checkpoint,
        counts=spectrum.counts,
        axis=spectrum.axis,
    )
    windows = visible_lines(
        counts=spectrum.counts, axis=spectrum.axis, detector=choice.instrument.detector
    )
    title = (
        f"What spoke for {short_label(found.label)}: log-odds {found.log_odds:.1f}, of an empty "
        f"spectrum {found.log_odds_of_nothing:.1f}"
    )
    figure = explanation_figure(
        spectrum,
        edges_keV=found.edges_keV,
        attributions=found.attributions,
        attention=found.attention,
        elements=[window.line.element for window in windows],
        title=title,
    )
    save_figure(figure, path)
    return found
