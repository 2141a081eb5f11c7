"""Bragg or element: how much diffraction is found, and how many lines are taken for it.

    python -m benchmarks.bragg_test [-o docs] [--data ../shared/data]

Own simulation on the `m4-tornado` (`benchmarks.bragg_scenes`) and a measured map whose detectors
are kept apart (PIXL breadboard). Some ten minutes on a free core. Writes DIR/diffraction.md and
DIR/images/diffraction.png.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.bragg_pictures import on_a_peak_of_both, real_map_figure
from benchmarks.bragg_scenes import INSTRUMENT, MINERALS, SLOPES, MosaicScenes, RockScenes

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.figures.save import save_figure
from lithoscope.inference import bragg_peaks
from lithoscope.inference.bragg_scan import Diffraction, find_in_scan, scan_without
from lithoscope.inference.detector_windows import WindowGrid
from lithoscope.inference.predict import Predictor
from lithoscope.minerals.rocks import find_rock
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.physics.lines import main_lines
from lithoscope.preprocess.resolution import fwhm_in_bins
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock

ROCKS = ("granite", "basalt", "skarn", "massive sulfide ore")
SIDE = 54
HEIGHTS = ((0, 0.5), (0.5, 1), (1, 2), (2, 5), (5, np.inf))
# Two peaks are one within this many FWHM; beside a touched window there is no peak beyond it.
NEAR, FAR = 0.75, 1.25
ELEMENTS = ("Si", "P", "S", "Cl", "K", "Ca", "Ti", "Cr", "Mn", "Fe", "Sr", "Zr")


def shifts() -> Iterator[str]:
    """What a slope of 7 degrees does to the log-odds of windows, over what it does at 10 keV."""
    grid = WindowGrid.of_axis(INSTRUMENT.axis)
    tables = MosaicScenes().tables
    up, down = (
        grid.windows_of(grid.cells_of(tables[int(np.flatnonzero(slope == SLOPES)[0])]))
        for slope in (7.0, -7.0)
    )
    shift = np.log(up / down)
    at_10 = shift[:, [int(np.argmin(abs(grid.energies_keV - 10.0)))]]
    ratio = shift / at_10
    yield "| mineral | log-odds at 10 keV | least | median | most of the windows |"
    yield "|---|---:|---:|---:|---:|"
    for name, own, one in zip(MINERALS, at_10[:, 0], ratio, strict=True):
        yield (
            f"| {name} | {own:.3f} "
            f"| {one.min():.2f} × at {grid.energies_keV[one.argmin()]:.1f} keV "
            f"| {np.median(one):.2f} × "
            f"| {one.max():.2f} × at {grid.energies_keV[one.argmax()]:.1f} keV |"
        )


def lines_masked() -> Iterator[str]:
    """Scans without diffraction over slopes: all that is found is false."""
    yield (
        "| slope | counts a pixel | tests | scans with a false peak | false peaks "
        "| pixels touched | where |"
    )
    yield "|---:|---:|---:|---:|---:|---:|---|"
    scenes = {rock: RockScenes(rock, SIDE) for rock in ROCKS}
    for slope in (2.5, 5.0, 10.0):
        for counts in (500, 2_000, 20_000, 200_000):
            tests = peaks = pixels = hit = 0
            where = []
            for number, (rock, own) in enumerate(scenes.items()):
                found = find_in_scan(*own.scene(counts, slope, 10 + number).scans())
                tests, peaks = tests + found.tests, peaks + len(found.peaks)
                pixels, hit = pixels + found.pixels, hit + bool(found.peaks)
                where += [f"{peak.energy_keV:.2f} keV, {rock}" for peak in found.peaks[:2]]
            yield (
                f"| {slope:g}° | {counts:,} | {tests:,} | {hit} of {len(scenes)} | {peaks} "
                f"| {pixels} of {len(scenes) * SIDE**2:,} | {'; '.join(where) or '-'} |"
            )


def power() -> Iterator[str]:
    """Share of drawn peaks that are found in most of their grain."""
    names = " | ".join(
        f"{low:g} to {high:g}" if np.isfinite(high) else f"over {low:g}" for low, high in HEIGHTS
    )
    yield (
        f"| grain | counts a pixel | tests | peaks | all found | {names} "
        "| none within 8 pixels | none in its pixels "
        "| windows of pixels touched without a peak |"
    )
    yield "|---:|---:|---:|---:|---:|" + "---:|" * len(HEIGHTS) + "---:|---:|---:|"
    scenes = MosaicScenes()
    for grain_side in (1, 3, 9, 27):
        for counts in (500, 2_000, 5_000, 20_000, 200_000):
            scene = scenes.scene(counts, grain_side, side=SIDE, slope_deg=2.5, seed=grain_side)
            found = find_in_scan(*scene.scans())
            caught = caught_peaks(scene, found)
            heights = scene.peaks[:, 3]
            cells = []
            for low, high in HEIGHTS:
                own = (heights >= low) & (heights < high)
                cells.append(f"{caught[own].mean():.0%}" if own.any() else "-")
            far, false, windows = false_ones(scene, found)
            yield (
                f"| {grain_side} × {grain_side} | {counts:,} | {found.tests:,} | {len(heights):,} "
                f"| {caught.mean():.1%} | {' | '.join(cells)} | {far} "
                f"| {false} of {len(found.peaks)} | {windows} |"
            )


def caught_peaks(scene, found: Diffraction) -> np.ndarray:
    """Whether each peak is found in half of its grain's pixels or more, shape (peak,)."""
    touched, energies = found.touched, found.grid.energies_keV
    fwhm = np.interp(
        energies, INSTRUMENT.axis.energies_keV, fwhm_in_bins(INSTRUMENT.axis.edges_keV)
    )
    fwhm = fwhm * INSTRUMENT.axis.gain_keV
    size = np.bincount(scene.grain.ravel())
    grains = scene.grain[touched.rows, touched.columns]
    caught = np.zeros(len(scene.peaks), dtype=bool)
    order = np.argsort(grains, kind="stable")
    bounds = np.searchsorted(grains[order], np.arange(size.size + 1))
    for number, (grain, detector, energy, _) in enumerate(scene.peaks):
        own = order[bounds[int(grain)] : bounds[int(grain) + 1]]
        near = np.abs(energies - energy) < NEAR * fwhm
        own = own[near[touched.windows[own]] & (touched.detectors[own] == int(detector))]
        pixels = np.unique(touched.rows[own] * SIDE + touched.columns[own]).size
        caught[number] = pixels >= size[int(grain)] / 2
    return caught


def false_ones(scene, found: Diffraction) -> tuple[int, int, str]:
    """Found peaks with no true one within 8 pixels, in their own pixels, and windows of pixels."""
    near, touched = scene.near_peaks(found.grid, FAR), found.touched
    true = near[scene.grain[touched.rows, touched.columns], touched.windows, touched.detectors]
    tops = bragg_peaks._tops(touched)
    labels = bragg_peaks._components(touched.where(tops))
    has_true = np.bincount(labels, true[tops], len(found.peaks)) > 0
    energies, far = found.grid.energies_keV, 0
    for peak in found.peaks:
        window = int(np.argmin(np.abs(energies - peak.energy_keV)))
        around = scene.grain[
            max(peak.row - 8, 0) : peak.row + 9, max(peak.column - 8, 0) : peak.column + 9
        ]
        far += not near[np.unique(around), window, peak.detector].any()
    windows = f"{np.mean(~true):.0%} of {true.size:,}" if true.size else "-"
    return far, int(np.sum(~has_true)), windows


def phantoms() -> Iterator[str]:
    """Phantoms whose grains diffract as the physics says, mapped with and without the mask."""
    checkpoint = find_checkpoint("default")
    yield (
        "| rock | counts a pixel | diffraction of all counts | pixels touched | taken out of what "
        "is there | named right as measured | without what was found | with none simulated |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for rock in ("granite", "gneiss", "marble"):
        for counts in (1_000, 3_000, 20_000):
            shown, clean = (_phantom(rock, counts, bragg) for bragg in (True, False))
            scans, sums = _scans(shown)
            found = find_in_scan(*scans)
            masked = scan_without(found, sums, *scans)
            real = _bragg_counts(shown)
            right = [
                _named_right(scan, phantom, checkpoint)
                for scan, phantom in ((sums, shown), (masked, shown), (_scans(clean)[1], clean))
            ]
            total = float(sums.rows(0, SIDE).sum())
            yield (
                f"| {rock} | {counts:,} | {real / total:.1%} | {found.pixels / SIDE**2:.0%} "
                f"| {found.removed.sum() / real:.0%} | "
                + " | ".join(f"{s:.1%}" for s in right)
                + " |"
            )


def _phantom(rock: str, counts: float, bragg: bool) -> Phantom:
    scan = ScanRecipe(shape=(SIDE, SIDE), counts=counts, detectors=2, bragg=bragg)
    found = find_rock(rock)
    return Phantom(
        PhantomRecipe(found, texture_of_rock(found, scan.extent_um), scan, 5), INSTRUMENT
    )


def _scans(phantom: Phantom) -> tuple[list[Scan], Scan]:
    block = np.stack([phantom.row(row) for row in range(SIDE)])
    axis = phantom.machine.axis
    return [Scan.from_counts(block[:, :, n], axis) for n in (0, 1)], Scan.from_counts(
        block.sum(axis=2, dtype=np.uint32), axis
    )


def _bragg_counts(phantom: Phantom) -> float:
    """Expected counts of diffraction of a phantom; topography cancels in the detectors' sum."""
    parts, peaks = phantom.parts, phantom.peaks
    rates = peaks.sum(axis=(0, 2))[phantom.crystals.of_grains[parts.grains]]
    return float((parts.shares * rates).sum() * phantom.live_time_s)


def _named_right(scan: Scan, phantom: Phantom, checkpoint) -> float:
    """Share of pixels of nine tenths one mineral that get its name."""
    truth = phantom.truth
    names = phantom.mineral_names
    pure = (truth["abundance"].values[:, :, 0] > 0.9) & (truth["mineral"].values >= 0)
    known = [name in checkpoint.labels.members for name in names]
    pure &= np.array(known)[np.maximum(truth["mineral"].values, 0)]
    classes = np.array(
        [
            checkpoint.labels.index_of(name) if name in checkpoint.labels.members else -1
            for name in names
        ]
    )
    said = Predictor(checkpoint, scan.axis)(scan.rows(0, SIDE).reshape(-1, scan.axis.n_channels))
    found = said.classes.reshape(pure.shape)
    return float(np.mean(found[pure] == classes[truth["mineral"].values[pure]]))


def measured(data: Path, images: Path) -> Iterator[str]:
    """The PIXL breadboard's map of Laguna Salinas, 25 x 25 pixels, detectors apart."""
    held = np.load(data / "pixl_breadboard" / "laguna_salinas_breadboard.npz")
    counts = held["spectra"].reshape(25, 25, 2, -1)
    axis = EnergyAxis(0.0, 0.01, counts.shape[3])
    found = find_in_scan(*(Scan.from_counts(counts[:, :, n], axis) for n in (0, 1)))
    save_figure(real_map_figure(counts, axis, found), images / "diffraction.png")
    energies, tops = found.grid.energies_keV, np.array([peak.energy_keV for peak in found.peaks])
    fwhm = fwhm_in_bins(axis.edges_keV) * axis.gain_keV
    lines = [
        line.energy_keV
        for symbol in ELEMENTS
        for line in main_lines(symbol, low_keV=1.0, high_keV=16.0)
    ]
    near = np.array(
        [
            min(abs(energy - line) for line in lines)
            < 0.5 * np.interp(energy, axis.energies_keV, fwhm)
            for energy in energies
        ]
    )
    windows = np.array([int(np.argmin(abs(energies - energy))) for energy in tops])
    middle = (energies > tops.min()) & (energies < tops.max())
    response = found.ratio.response
    share = counts[:, :, 0].sum(axis=2) / counts.sum(axis=(2, 3))
    yield "| | |"
    yield "|---|---|"
    yield f"| counts a pixel, median | {np.median(counts.sum(axis=(2, 3))):,.0f} |"
    yield f"| share of detector A in a pixel | {share.min():.2f} to {share.max():.2f} |"
    yield f"| calibrations differ at 4 keV by | {1000 * response[0]:.1f} eV |"
    wider = 1000 * np.sqrt(abs(response[2]))
    yield f"| squared widths of peaks differ at 4 keV by | ({wider:.0f} eV)² |"
    yield f"| tests | {found.tests:,} |"
    yield f"| peaks | {len(found.peaks)}, from {tops.min():.2f} to {tops.max():.2f} keV |"
    yield f"| of them in detector A | {np.mean([peak.detector == 0 for peak in found.peaks]):.0%} |"
    yield f"| pixels touched | {found.pixels} of 625 |"
    yield f"| counts taken out | {found.removed.sum() / counts.sum():.2%} |"
    named = ", ".join(ELEMENTS)
    yield f"| peaks within half a FWHM of a line of {named} | {near[windows].mean():.0%} |"
    yield f"| of all windows over that range | {near[middle].mean():.0%} |"
    both = on_a_peak_of_both(counts, found)
    places = found.touched.rows * counts.shape[1] + found.touched.columns
    yield f"| touched windows of pixels | {len(both):,} |"
    yield f"| of them where the other detector has a peak too | {both.mean():.0%} |"
    yield f"| pixels with such a window | {np.unique(places[both]).size} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    text = (Path(__file__).parent / "bragg_test_page.md").read_text(encoding="utf-8")
    for name, rows in (
        ("MEASURED", measured(options.data, options.output / "images")),
        ("SHIFTS", shifts()),
        ("LINES", lines_masked()),
        ("POWER", power()),
        ("PHANTOMS", phantoms()),
    ):
        table = []
        print(name)
        for row in rows:
            print(row, flush=True)
            table.append(row)
        text = text.replace(f"<{name}>", "\n".join(table))
    (options.output / "diffraction.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
