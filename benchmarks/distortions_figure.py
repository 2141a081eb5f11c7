"""Every distortion at every severity on orthoclase, for `docs/distortions.md`.

    python -m benchmarks.distortions_figure [DIR]

Of 32 draws of one distortion, each orthoclase of a composition and, where machines differ, one of
four machines, a panel shows the one that differs most at severity 5 from the same spectrum
undistorted; on the channels of an M4 Tornado up to 25 keV, 100 000 expected counts. Writes
``docs/images/distortions/*.png``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import LabelSet
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.save import save_figure
from lithoscope.figures.style import FAINT_INK, figure_style
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.distortions import DISTORTIONS
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "distortions"
# The first is shown, the others are its neighbours.
MINERALS = ("orthoclase", "hematite", "calcite", "sphalerite")
SIZE = GenerationSize(machines=4, per_machine=32)
COUNTS, SEED = 1e5, 3
# Four machines rarely meet what one in ten has: seeds with which one does.
_SEEDS = {"filter": 46, "resolution": 9}
# An M4 Tornado's channels up to 25 keV; beyond, orthoclase has nothing to show.
AXIS = EnergyAxis(0.0, 50 / 4096, 2048)
SEVERITIES = (1, 2, 3, 4, 5)
# Counting noise is told at fewer counts, and shown coarser than a channel.
NOISY_COUNTS = 1e4
_USUAL_KEV = (0.3, 23.0)
_SHOWN_KEV = {
    "energy": (3.0, 4.0),
    "zero_peak": (-0.006, 2.5),
    "tail": (0.3, 5.0),
    "resolution": (1.2, 4.2),
    "pile_up": (0.3, 9.0),
    "escape": (0.3, 6.0),
    "stray": (3.0, 9.0),
    "air": (0.8, 6.0),
    "channels": (0.8, 21.0),
    "grain_depth": (0.8, 16.0),
    "contamination": (0.8, 16.0),
}
_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
_WIDTH_IN, _SPECTRUM_IN, _RATIO_IN = 5.4, 1.9, 0.8
_LEFT_IN, _BETWEEN_IN, _BELOW_IN, _ABOVE_IN = 0.75, 0.85, 0.55, 0.35
_COLUMNS, _ROWS = 2, 3
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def spectra_of(severities: dict[str, float], seed: int = SEED) -> FloatArray:
    """Expected counts of each draw of orthoclase, shape (draw, channel)."""
    instrument, library = load_instrument("m4-tornado"), load_library()
    condition = Condition("shown", severities, (COUNTS, COUNTS))
    stream = SpectrumStream(
        [library.get(name) for name in MINERALS],
        LabelSet.of_minerals(MINERALS),
        [instrument],
        condition,
        AXIS.edges_keV,
        batch_size=SIZE.machines * SIZE.per_machine,
        seed=seed,
        size=SIZE,
    )
    batch = stream.batch(0)
    return batch.expected[batch.minerals == 0].double().numpy()


def strongest(distorted: FloatArray, ideal: FloatArray, shown: NDArray[np.bool_]) -> int:
    """The draw that differs most, by the square roots of its counts in what is shown."""
    difference = np.sqrt(distorted[:, shown]) - np.sqrt(ideal[:, shown])
    return int((difference**2).sum(axis=1).argmax())


def draw_distortion(upper: Axes, lower: Axes, name: str, summary: str, ideal: FloatArray) -> None:
    """Draw a distortion's panel."""
    low, high = _SHOWN_KEV.get(name, _USUAL_KEV)
    shown = (AXIS.energies_keV >= low) & (AXIS.energies_keV <= high)
    energies = AXIS.energies_keV[shown]
    if name in _SEEDS:
        ideal = spectra_of({}, _SEEDS[name])
    seed = _SEEDS.get(name, SEED)
    found = [spectra_of({name: severity}, seed) for severity in SEVERITIES]
    # Severity 5 chooses the draw, where all that happens by chance does happen.
    row = strongest(found[-1], ideal, shown)
    colours = matplotlib.colormaps["viridis_r"](np.linspace(0.15, 1.0, len(SEVERITIES)))
    for severity, spectra, colour in zip(SEVERITIES, found, colours, strict=True):
        one = spectra[row, shown]
        label = f"{severity}"
        upper.plot(energies, np.maximum(one, 1e-3), color=colour, linewidth=0.8, label=label)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.clip(one / ideal[row, shown], 0.2, 5)
        lower.plot(energies, ratio, color=colour, linewidth=0.8)
    base = ideal[row, shown]
    upper.plot(energies, base, color="#000000", linewidth=0.8, linestyle=(0, (3, 1.5)), label="0")
    finish(upper, lower, base, (low, high), f"{name}: {summary}")


def draw_noise(upper: Axes, lower: Axes, name: str, summary: str, ideal: FloatArray) -> None:
    """Draw counts beside what is expected; the same at each severity above 0."""
    shown = (AXIS.energies_keV >= _USUAL_KEV[0]) & (AXIS.energies_keV <= _USUAL_KEV[1])
    energies, base = AXIS.energies_keV[shown], ideal[0, shown] * NOISY_COUNTS / COUNTS
    generator = torch.Generator().manual_seed(SEED)
    counts = torch.poisson(torch.from_numpy(base), generator=generator).numpy()
    upper.plot(energies, counts, color="#d55e00", linewidth=0.6, label="1 to 5")
    upper.plot(energies, base, color="#000000", linewidth=0.8, label="0")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower.plot(energies, np.clip(counts / base, 0.2, 5), color="#d55e00", linewidth=0.5)
    finish(upper, lower, base, _USUAL_KEV, f"{name}: {summary}, {NOISY_COUNTS:,.0f} counts")


def finish(
    upper: Axes, lower: Axes, base: FloatArray, limits: tuple[float, float], title: str
) -> None:
    """Axes, labels and legend of a panel."""
    upper.set_title(title)
    upper.set(xlim=limits, yscale="log", ylabel="counts / channel")
    highest = base.max()
    upper.set_ylim(max(base.min() / 3, highest / 1e5, 0.02), highest * 4)
    upper.tick_params(labelbottom=False)
    upper.yaxis.set_major_locator(LogLocator(numticks=6))
    upper.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    upper.legend(
        title="severity", ncols=6, fontsize=7, title_fontsize=7, frameon=False, loc="upper right"
    )
    lower.set(xlim=limits, ylim=(0.2, 5), yscale="log", xlabel="energy (keV)", ylabel="ratio to 0")
    lower.axhline(1, color=FAINT_INK, linewidth=0.6)
    lower.set_yticks(_RATIOS, [f"{value:g}" for value in _RATIOS])
    lower.yaxis.set_minor_formatter(NullFormatter())
    for axes in (upper, lower):
        axes.xaxis.set_major_locator(MaxNLocator(8))


def page(names: list[tuple[str, str]], ideal: FloatArray, number: int, pages: int) -> Figure:
    """Six panels."""
    panel = _SPECTRUM_IN + _RATIO_IN + _BELOW_IN + _ABOVE_IN
    figure = blank_figure(
        _COLUMNS * (_WIDTH_IN + _BETWEEN_IN) + MARGIN_IN,
        TITLE_IN + MARGIN_IN + _ROWS * panel,
        title=f"Distortions on orthoclase, M4 Tornado, {COUNTS:,.0f} expected counts"
        f" ({number} of {pages})",
    )
    for index, (name, summary) in enumerate(names):
        left = _LEFT_IN + (index % _COLUMNS) * (_WIDTH_IN + _BETWEEN_IN)
        top = TITLE_IN + MARGIN_IN + _ABOVE_IN + (index // _COLUMNS) * panel
        upper = place_axes(
            figure, left_in=left, top_in=top, width_in=_WIDTH_IN, height_in=_SPECTRUM_IN
        )
        lower = place_axes(
            figure,
            left_in=left,
            top_in=top + _SPECTRUM_IN + 0.06,
            width_in=_WIDTH_IN,
            height_in=_RATIO_IN,
        )
        draw = draw_noise if name == "poisson" else draw_distortion
        draw(upper, lower, name, summary, ideal)
    return figure


def _power_of_ten(value: float, _: int | None = None) -> str:
    return "10" + f"{round(np.log10(value))}".translate(_SUPERSCRIPTS) if value > 0 else ""


def main() -> None:
    """Draw all pages."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ideal = spectra_of({})
    names = [(kind.name, kind.summary) for kind in DISTORTIONS]
    per_page = _COLUMNS * _ROWS
    pages = -(-len(names) // per_page)
    with figure_style():
        for number in range(pages):
            part = names[number * per_page : (number + 1) * per_page]
            save_figure(page(part, ideal, number + 1, pages), folder / f"page-{number + 1}.png")
            print(folder / f"page-{number + 1}.png", *(name for name, _ in part))


if __name__ == "__main__":
    main()
