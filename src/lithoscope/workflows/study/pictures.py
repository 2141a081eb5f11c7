"""Figures of an arm as blocks of the report."""

from __future__ import annotations

import re

from matplotlib.figure import Figure

from lithoscope.figures.save import figure_bytes
from lithoscope.report.study_page import Picture
from lithoscope.workflows.study.results import ArmResults


def picture(results: ArmResults, name: str, figure: Figure, caption: str) -> Picture:
    """A figure under a file name that says of which arm it is.

    Parameters
    ----------
    results
        The arm's.
    name
        Which of the arm's figures; what file names do not bear becomes a hyphen.
    figure, caption
        What is shown.
    """
    file_name = re.sub(r"[@+ ,]+", "-", f"{results.name}-{name}")
    return Picture(file_name, figure_bytes(figure, file_format="svg"), caption)
