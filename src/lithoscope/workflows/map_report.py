"""The report of a mineral map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lithoscope.figures.certainty_maps import certainty_maps_figure
from lithoscope.figures.element_maps import side_by_side_figure
from lithoscope.figures.mean_spectra import mean_spectra_figure
from lithoscope.figures.mineral_map import mineral_map_figure
from lithoscope.figures.save import figure_bytes
from lithoscope.figures.scan_overview import scan_overview_figure
from lithoscope.report.page import ReportContent, write_report
from lithoscope.workflows.mean_spectra import expected_beside

if TYPE_CHECKING:
    from lithoscope.workflows.mineral_map import MineralMap

_INTERVAL_NOTE = (
    "Unknown pixels count only as unknown. Weight percent from ideal densities. The 95 % interval "
    "comes from a block bootstrap of the scan: it says how far another part of the same rock might "
    "differ, and holds nothing of misnamed pixels. Percents corrected for known confusions, with "
    "intervals of this scan and of the rock, are in minerals.csv."
)


def write_map_report(result: MineralMap, path: Path, pictures: Mapping[str, bytes]) -> None:
    """Write the report of a mineral map, with its pictures, as one HTML file."""
    content = ReportContent(
        title=result.title or "Mineral map",
        facts=_facts(result),
        rows=result.percentages(),
        figures=_captioned(result, pictures),
        interval_note=_INTERVAL_NOTE,
        model_notes=result.model_notes,
        how_to_repeat=str(result.run.get("command", "")),
        versions=result.run["versions"],
        warnings=result.warnings,
        unexplained=result.unexplained,
        confusions=_confusions(result),
        answer_levels=[
            (str(row["level"]), row["pixels"], row["area_percent"]) for row in result.answer_levels
        ],
        answers_note=_answers_note(result),
    )
    write_report(path, content=content)


def _answers_note(result: MineralMap) -> str:
    least = result.run["options"]["answer_probability"]
    return (
        "The finest that can be said of each pixel with a summed probability of "
        f"{least:.2g}, under the scan's own priors: a mineral; a group of minerals that the "
        "instrument cannot part; two or three of them; a series or family; or nothing. Which "
        "answers these are is in answers.csv and in the layers answer and answer_level."
    )


def _facts(result: MineralMap) -> list[tuple[str, str]]:
    run, sizes = result.run, result.dataset.sizes
    axis, instrument = run["energy_axis"], run["instrument"]
    facts = [("Scan", str(run.get("input", result.title)))]
    facts.append(("Pixels", f"{sizes['y']} x {sizes['x']}"))
    if result.dataset.attrs["units"] == "mm" and min(sizes["y"], sizes["x"]) > 1:
        y, x = result.dataset["y"].values, result.dataset["x"].values
        height, width = (y[1] - y[0]) * y.size, (x[1] - x[0]) * x.size
        facts.append(("Size", f"{height:.2f} x {width:.2f} mm"))
    facts += [
        (
            "Energy axis",
            f"{axis['channels']} channels of {1000 * axis['gain_keV']:.3f} eV "
            f"from {axis['offset_keV']:.4f} keV",
        ),
        (
            "Instrument",
            f"{instrument['name']} (from {instrument['source']}), {instrument['anode']} anode, "
            f"{instrument['voltage_kV']:.1f} kV (from {instrument['voltage_source']})",
        ),
        ("Model", f"{run['model']} (SHA-256 {run['model_digest'][:16]})"),
        *([("Input", f"SHA-256 {digest[:16]}")] if (digest := run.get("input_sha256")) else []),
        ("Classifying took", f"{run['timings']['classify_s']:.1f} s"),
    ]
    return facts


def _confusions(result: MineralMap) -> list[tuple[str, str]]:
    """Say of each main mineral what its pixels may be besides."""
    said = []
    for mean in result.means:
        members = mean.mineral.split("/")
        parts = []
        if len(members) > 1:
            parts.append(f"not told apart: {', '.join(members)}")
        others = result.confusions.get(mean.mineral, [])
        if others:
            shares = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in others)
            parts.append(f"the model also considers {shares}")
        if parts:
            said.append((mean.mineral, "; ".join(parts)))
    return said


def map_pictures(result: MineralMap) -> dict[str, bytes]:
    """Draw the report's pictures, as PNG by name; there may be no ``elements``."""
    rows = result.percentages()
    overview = scan_overview_figure(
        result.dataset,
        result.marked_spectrum,
        pixel=result.marked_pixel,
        elements=result.marked_elements,
        title=result.title,
    )
    mineral_map = mineral_map_figure(result.dataset, rows, title="", smoothed=result.smoothed)
    pictures = {
        "overview": figure_bytes(overview),
        "minerals": figure_bytes(mineral_map),
        "certainty": figure_bytes(certainty_maps_figure(result.dataset)),
    }
    if result.element_maps:
        maps = side_by_side_figure(
            result.dataset, rows, result.element_maps, title="", smoothed=False
        )
        pictures["elements"] = figure_bytes(maps)
    if result.means:
        shown = [
            (
                f"{mean.mineral}, mean of {mean.pixels:,} pixel" + "s" * (mean.pixels > 1),
                mean.spectrum,
                mean.elements,
                expected,
            )
            for mean, expected in zip(result.means, expected_beside(result.means), strict=True)
        ]
        pictures["spectra"] = figure_bytes(mean_spectra_figure(shown))
    return pictures


def _captioned(result: MineralMap, pictures: Mapping[str, bytes]) -> list[tuple[str, str, bytes]]:
    """Put a caption and a short description to each picture."""
    y, x = result.marked_pixel
    cleaned = "smoothed where spectra are unsure" if result.smoothed else "as classified"
    words = {
        "overview": (
            f"Total counts (zero peak left out), and the spectrum of the pixel marked red "
            f"(row {y}, column {x})",
            "Map of total counts beside one pixel's spectrum",
        ),
        "minerals": (f"Mineral map, {cleaned}", "Mineral map"),
        "certainty": (
            "Confidence: the probability of each pixel's best group, right or wrong; and pixels "
            "that are unlike what the model was trained on",
            "Map of confidence beside the map of unknown pixels",
        ),
        "spectra": (
            "Blue: mean spectra of the pixels called one mineral. Orange: the expected spectrum of "
            "the group's first member (ideal formula, thick, no Bragg peaks, instrument as above), "
            "scaled to the same counts, not fitted. A peak in one alone is a reason to doubt the "
            "name",
            "Mean spectra of minerals with expected spectra over them",
        ),
        "elements": (
            "Minerals pixel by pixel, as classified, beside net counts of the main elements' "
            "strongest lines",
            "Mineral map and element maps",
        ),
    }
    return [(*words[name], picture) for name, picture in pictures.items()]
