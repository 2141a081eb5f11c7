"""The right side of the page: a spectrum, what a model says of it, and what it leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.style import printable
from lithoscope.viewer.answers import Answer, Answers, Explanation
from lithoscope.viewer.background import Latest
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.spectrum_plot import SPECTRUM_PT, SpectrumPlot
from lithoscope.viewer.spectrum_shown import ShownSpectrum
from lithoscope.viewer.words import COMPUTING, answer_text, explanation_text

# Of texts below the spectrum.
SIDE_PX = 500
_HINT = "Click a pixel, or draw a region with box or lasso."


@dataclass(frozen=True, eq=False)
class _Seen:
    """A spectrum, and what is known of it so far."""

    spectrum: Spectrum
    heading: tuple[str, ...]
    answer: Answer | None
    explanation: Explanation | None = None
    explained: bool = False


class SpectrumSide:
    """A spectrum with its answer at once; what takes longer than a click follows.

    Parameters
    ----------
    maps
        Tells which elements a spectrum shows.
    answers
        The model; ``None`` where it is not at hand.
    guarded
        Does something and tells on the page what a user did wrong.
    """

    def __init__(
        self,
        maps: ScanMaps,
        answers: Answers | None,
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self._maps, self._answers = maps, answers
        self._latest = Latest(guarded)
        self._seen: _Seen | None = None
        self._plot: SpectrumPlot | None = None
        self._pane = pn.pane.Bokeh(None)
        self.said = pn.pane.HTML(_HINT, width=SIDE_PX)
        self._log = pn.widgets.Checkbox(label="logarithmic", value=True)
        self._log.param.watch(lambda _: guarded(self._draw), "value")

    def layout(self, message: Any) -> pn.Column:
        """Return the widgets, with a message below them."""
        return pn.Column(self._log, self._pane, self.said, message)

    def show(self, spectrum: Spectrum, heading: tuple[str, ...]) -> None:
        """Show a spectrum.

        Parameters
        ----------
        spectrum
            The spectrum.
        heading
            Lines of HTML that say what it is of.
        """
        answer = None if self._answers is None else self._answers(spectrum)
        self._seen = _Seen(spectrum, heading, answer)
        self._draw()

    def _draw(self) -> None:
        if self._seen is None:
            return
        self._latest.forget()
        spectrum, answer, log = self._seen.spectrum, self._seen.answer, bool(self._log.value)
        mineral = None if answer is None else answer.mineral
        elements = self._maps.elements_of(spectrum)
        shown = ShownSpectrum.of(spectrum, elements, log=log, size_pt=SPECTRUM_PT)
        self._plot = SpectrumPlot(
            shown,
            log=log,
            expected_name=printable(mineral or ""),
            across=None if self._plot is None else self._plot.zoomed,
        )
        self._pane.object = self._plot.figure
        self._say()
        if self._answers is None or answer is None or mineral is None:
            return
        first = int(np.searchsorted(spectrum.axis.energies_keV, shown.energies_keV[0]))
        channels = slice(first, first + shown.counts.size)
        work = partial(self._answers.expected, mineral, spectrum)
        lay_over = partial(self._lay_over, self._plot, channels)
        if self._answers.has_expected(mineral):
            lay_over(work())
        else:
            self._latest.do(work, lay_over)

    def _lay_over(
        self, plot: SpectrumPlot, channels: slice, expected: NDArray[np.float64] | None
    ) -> None:
        """Draw the expected spectrum, and go on with what takes longest."""
        if expected is not None:
            plot.lay_over(expected[channels])
        seen = self._seen
        if seen is None or seen.answer is None or self._answers is None:
            return
        if seen.explained:
            self._explain(seen.explanation)
        else:
            work = partial(self._answers.explanation, seen.spectrum, seen.answer)
            self._latest.do(work, self._explain)

    def _explain(self, explanation: Explanation | None) -> None:
        if self._seen is None or self._plot is None:
            return
        self._seen = dataclasses.replace(self._seen, explanation=explanation, explained=True)
        if explanation is not None:
            self._plot.mark_unexplained([energy for energy, _ in explanation.peaks])
        self._say()

    def _say(self) -> None:
        """Put into words what is known so far."""
        if self._seen is None:
            return
        lines, answer = [*self._seen.heading], self._seen.answer
        if answer is not None:
            lines.append(answer_text(answer))
            if answer.ranking:
                explained = explanation_text(self._seen.explanation)
                lines.append(explained if self._seen.explained else COMPUTING)
        self.said.object = "<br>".join(lines)
