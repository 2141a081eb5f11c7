"""A finished mineral map: what it shows, and how it is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.mineral_map import mineral_map_figure
from lithoscope.figures.save import save_figure
from lithoscope.io.aside import whole_folder
from lithoscope.segmentation.answers import ANSWER_COLUMNS, GRAIN_ANSWER_COLUMNS, LEVEL_COLUMNS
from lithoscope.segmentation.dataset import write_dataset
from lithoscope.segmentation.grain_tables import (
    ASSOCIATION_COLUMNS,
    GRAIN_COLUMNS,
    csv_of_rows,
)
from lithoscope.segmentation.quantify import MineralShare
from lithoscope.segmentation.table import csv_of_shares, row_of_share
from lithoscope.workflows.map_exports import EXPORTS, to_hyperspy, write_exports
from lithoscope.workflows.mean_spectra import MeanSpectrum

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

FILES = {
    "result": "result.zarr",
    "table": "minerals.csv",
    "map": "mineral_map.png",
    "report": "report.html",
    "run": "run.json",
    "elements": "element_maps.png",
    "grains": "grains.csv",
    "associations": "associations.csv",
    "answers": "answers.csv",
    "answer_levels": "answer_levels.csv",
    "grain_answers": "grain_answers.csv",
    "unexplained": "unexplained.csv",
    "diffraction": "diffraction.csv",
    **EXPORTS,
}


def files_in(folder: Path) -> dict[str, Path]:
    """Return the paths of what was written into a result's folder, by purpose."""
    paths = {purpose: folder / name for purpose, name in FILES.items()}
    return {purpose: path for purpose, path in paths.items() if path.exists()}


@dataclass(frozen=True, eq=False)
class MineralMap:
    """The result of mapping one scan.

    Parameters
    ----------
    dataset
        Layers on (y, x): `mineral`, `mineral_smoothed`, `confidence`, `unknown`, `ood_score`,
        `counts`, `mineral_with_priors`, `confidence_with_priors`, `answer`, `answer_level`; and
        `net_counts` on (line, y, x).
    shares
        How much of each mineral there is.
    run
        Input, model, versions, options and timings, as ``run.json`` holds them.
    marked_pixel, marked_spectrum
        A pixel shown as an example, and its spectrum.
    marked_elements
        Elements whose lines are named in that spectrum.
    element_maps
        Net counts of the main elements' strongest lines, by line name, shape (y, x).
    model_notes
        What the model was trained and tested on, a line each.
    warnings
        What a reader of the result must know, a line each.
    smoothed
        Whether the smoothed layer is the one to show.
    means
        Mean spectra of the most abundant minerals.
    confusions
        What the model takes each of these for besides: label to other labels with their mean
        probability.
    grains, associations
        Rows of ``grains.csv`` and ``associations.csv``: grains of the smoothed map by mineral, and
        which mineral touches which.
    answers, answer_levels
        Rows of ``answers.csv`` and ``answer_levels.csv``: how much of the map has which answer, as
        fine as the counts allow, and at which level.
    grain_answers
        Rows of ``grain_answers.csv``: what the summed spectra of the largest grains are.
    tables
        Further tables as CSV, by the names of their files.
    unexplained
        Peaks that no mineral of the map explains, by region, as ``unexplained.csv`` holds them.
    """

    dataset: xr.Dataset
    shares: tuple[MineralShare, ...]
    run: Mapping[str, Any]
    marked_pixel: tuple[int, int]
    marked_spectrum: Spectrum
    marked_elements: tuple[str, ...]
    element_maps: Mapping[str, NDArray[np.floating]]
    model_notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    smoothed: bool = True
    title: str = field(default="")
    grains: tuple[Mapping[str, Any], ...] = ()
    associations: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[Mapping[str, Any], ...] = ()
    answer_levels: tuple[Mapping[str, Any], ...] = ()
    grain_answers: tuple[Mapping[str, Any], ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    unexplained: tuple[Mapping[str, Any], ...] = ()
    means: tuple[MeanSpectrum, ...] = ()
    confusions: Mapping[str, list[tuple[str, float]]] = field(default_factory=dict)

    def percentages(self) -> list[dict[str, Any]]:
        """Return the rows of ``minerals.csv``."""
        return [row_of_share(share) for share in self.shares]

    def plot(self) -> Figure:
        """Return the mineral map as a matplotlib figure with legend and scale bar."""
        return mineral_map_figure(
            self.dataset, self.percentages(), title=self.title, smoothed=self.smoothed
        )

    def save(self, folder: str | Path) -> dict[str, Path]:
        """Write all files of the result into a new folder; return their paths by purpose.

        Raises
        ------
        OutputError
            If the folder exists and is not empty, or cannot be written to.
        """
        target = Path(folder)
        with whole_folder(target) as partial:
            self.write_into(partial)
        return files_in(target)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from lithoscope.workflows.notebook import html_of_map

        return html_of_map(self)

    def to_hyperspy(self) -> Any:
        """Return all layers and element maps as one signal of HyperSpy's, (layer | x, y) in mm.

        ``metadata.Lithoscope`` names the layers and the minerals that their numbers stand for.

        Raises
        ------
        LithoscopeError
            If HyperSpy is not installed.
        """
        return to_hyperspy(self)

    def write_into(self, folder: Path) -> None:
        """Write all files of the result into an existing, empty folder."""
        from lithoscope.workflows.map_report import map_pictures, write_map_report

        # Compressing arrays and pictures needs no interpreter: the two go on side by side.
        with ThreadPoolExecutor(1, thread_name_prefix="arrays") as other:
            arrays = other.submit(self._write_arrays, folder)
            (folder / FILES["table"]).write_text(csv_of_shares(self.shares), encoding="utf-8")
            self._write_rows(folder)
            for name, table in self.tables.items():
                (folder / name).write_text(table, encoding="utf-8")
            save_figure(self.plot(), folder / FILES["map"])
            pictures = map_pictures(self)
            if "elements" in pictures:
                (folder / FILES["elements"]).write_bytes(pictures["elements"])
            write_map_report(self, folder / FILES["report"], pictures)
            arrays.result()
        text = json.dumps(self.run, indent=1, ensure_ascii=False) + "\n"
        (folder / FILES["run"]).write_text(text, encoding="utf-8")

    def _write_arrays(self, folder: Path) -> None:
        write_dataset(self.dataset, folder / FILES["result"])
        write_exports(self, folder)

    def _write_rows(self, folder: Path) -> None:
        for purpose, rows, columns in (
            ("grains", self.grains, GRAIN_COLUMNS),
            ("associations", self.associations, ASSOCIATION_COLUMNS),
            ("answers", self.answers, ANSWER_COLUMNS),
            ("answer_levels", self.answer_levels, LEVEL_COLUMNS),
            ("grain_answers", self.grain_answers, GRAIN_ANSWER_COLUMNS),
        ):
            text = csv_of_rows(rows, columns)
            (folder / FILES[purpose]).write_text(text, encoding="utf-8")
