"""Map the real PIXL scan, and write docs/pixl.md: map, element maps, percentages, grains.

    python -m benchmarks.pixl_page -o docs

The scan is the copy that ships. It is mapped by the command that the page names, in a folder aside;
the page holds what that folder holds, and one check besides, of scattered light.
"""

# Lines of the page are as long as they are there.
# ruff: noqa: E501

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from benchmarks.markdown import wrapped
from benchmarks.physics.tables import table
from benchmarks.pixl_scatter import scatter_rows, scatter_words

from lithoscope.figures.certainty_maps import certainty_maps_figure
from lithoscope.figures.save import save_figure
from lithoscope.io import open_scan

_ROOT = Path(__file__).parents[1]
SCAN = _ROOT / "src/lithoscope/demo_data/laguna_salinas.hspy"
SHOWN = "lithoscope map src/lithoscope/demo_data/laguna_salinas.hspy -o laguna-salinas"
_BY = ("Ca Kα", "Si Kα", "Al Kα", "K Kα", "Fe Kα", "S Kα", "Ti Kα", "Mn Kα")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pixl_page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs", help="docs folder")
    output = parser.parse_args(arguments).output
    pictures = output / "images" / "pixl"
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "map"
        warnings = map_by_command(folder)
        with xr.open_zarr(folder / "result.zarr") as stored:
            dataset = stored.load()
        shutil.copy(folder / "mineral_map.png", pictures / "mineral_map.png")
        shutil.copy(folder / "element_maps.png", output / "images" / "laguna-salinas.png")
        save_figure(certainty_maps_figure(dataset), pictures / "certainty.png")
        text = page(folder, dataset, warnings)
    path = output / "pixl.md"
    path.write_text(text, encoding="utf-8")
    print(path)


def map_by_command(folder: Path) -> list[str]:
    """Map the scan as a user does; return what the command warned of."""
    run = "from lithoscope.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", run, "map", str(SCAN), "-o", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in done.stderr.splitlines() if line.strip()]


def page(folder: Path, dataset: xr.Dataset, warnings: Sequence[str]) -> str:
    """Write the page."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    parts = [
        _head(dataset, run),
        _PICTURES,
        _percentages(_rows(folder / "minerals.csv")),
        _grains(_rows(folder / "grains.csv"), _rows(folder / "associations.csv")),
        _elements(dataset),
        _certainty(dataset),
        _unexplained(_rows(folder / "unexplained.csv"), warnings),
        _matrix(dataset),
        _distrust(dataset),
    ]
    return wrapped("\n\n".join(part.strip() for part in parts)) + "\n"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str, digits: int = 1) -> str:
    return f"{float(text):.{digits}f}" if text else ""


def _interval(row: Mapping[str, str], name: str) -> str:
    low, high = (row[f"area_percent_{name}_{end}"] for end in ("low", "high"))
    return f"{_number(low)} to {_number(high)}" if low else ""


def _names(dataset: xr.Dataset) -> list[str]:
    return list(json.loads(dataset.attrs["long_names"]))


def _head(dataset: xr.Dataset, run: Mapping[str, Any]) -> str:
    counts = np.median(dataset["counts"].values)
    instrument = run["instrument"]
    return f"""# A measured map

Written by `python -m benchmarks.pixl_page`; do not edit. One real scan, mapped by one command without any setting:

```
{SHOWN}
```

The scan is of Laguna Salinas, by the breadboard of PIXL, the micro-XRF instrument of NASA's rover Perseverance: {dataset.sizes["y"]} x {dataset.sizes["x"]} pixels of 0.1 mm, a Rh tube at 28 kV, two
detectors summed, {counts:,.0f} counts a pixel (median). It comes from pixlise/core @ 2d6f382 under the Apache License 2.0, and ships with Lithoscope. **Nobody has assigned its
minerals by other means**: nothing on this page says how often the map is right. The model is the shipped one (`{run["model"]}`), trained on simulated spectra alone, of M4 Tornados and of
an instrument described as this one (`pixl-breadboard`). The file names no instrument, so the command took `{instrument["name"]}` and {instrument["voltage_kV"]:.1f} kV (from the spectrum); names and percentages do not depend on that."""


_PICTURES = """## Minerals and elements

![The mineral map](images/pixl/mineral_map.png)

*The map that the command gives: under the scan's priors, smoothed (Potts).*

![Minerals beside element maps](images/laguna-salinas.png)

*Minerals pixel by pixel, as classified, beside net counts of the main elements' strongest lines.*"""


def _percentages(rows: Sequence[Mapping[str, str]]) -> str:
    heads = [
        "mineral",
        "pixels",
        "area % as classified",
        "smoothed",
        "corrected",
        "of this scan, 95 %",
        "of the rock, 95 %",
        "weight % corrected",
    ]
    cells = [
        [
            row["mineral"],
            row["pixels"],
            _number(row["area_percent"]),
            _number(row["area_percent_smoothed"]),
            _number(row["area_percent_corrected"]),
            _interval(row, "scan"),
            _interval(row, "rock"),
            _number(row["weight_percent_corrected"]),
        ]
        for row in rows
    ]
    return f"""## Percentages

From `minerals.csv`. *Of this scan* is to hold the share of the scanned area, *of the rock* that of the rock of which the scan is a sample.

{table(heads, cells)}

Minerals without corrected percents are none under the scan's priors. The intervals are quantiles of errors seen on simulated scans of an M4 Tornado at 2,000 counts ([how well they hold the truth
there](maps.md)); for this instrument, these counts and this rock nobody has measured them."""


def _grains(grains: Sequence[Mapping[str, str]], touching: Sequence[Mapping[str, str]]) -> str:
    sizes = table(
        ["mineral", "grains", "pixels", "area, mm²", "median diameter, µm", "largest, µm"],
        [
            [
                row["mineral"],
                row["grains"],
                row["pixels"],
                _number(row["area_mm2"], 2),
                _number(row["diameter_um_p50"], 0),
                _number(row["diameter_um_largest"], 0),
            ]
            for row in grains
        ],
    )
    contacts = table(
        ["mineral", "touches", "sides of pixels", "% of its boundary"],
        [
            [row["mineral"], row["touches"], row["boundary_pixels"], _number(row["percent"])]
            for row in touching
        ],
    )
    return f"""## Grains and what touches what

From `grains.csv` and `associations.csv`, of the smoothed map. A diameter is that of a circle of the grain's area: 113 µm is a single pixel, whose true size is not known.

{sizes}

{contacts}"""


def _elements(dataset: xr.Dataset) -> str:
    """Mean net counts by mineral, and the pixel of most manganese."""
    maps = dataset["net_counts"]
    lines = [str(line) for line in maps["line"].values]
    shown = [line for line in _BY if line in lines]
    classes, names = dataset["mineral"].values, _names(dataset)
    codes, pixels = np.unique(classes[classes >= 0], return_counts=True)
    rows = []
    for place in np.argsort(-pixels, kind="stable"):
        own = classes == codes[place]
        means = [maps.sel(line=line).values[own].mean() for line in shown]
        rows.append([names[codes[place]], str(pixels[place]), *(f"{mean:,.0f}" for mean in means)])
    return f"""## Elements of each mineral

Mean net counts of a pixel, by the mineral that it was called (as classified):

{table(["mineral", "pixels", *shown], rows)}"""


def _certainty(dataset: xr.Dataset) -> str:
    confidence = dataset["confidence"].values
    unknown = int(dataset["unknown"].values.sum())
    low = int((confidence < 0.5).sum())
    return f"""## Confidence, and what is unknown

![Confidence and unknown pixels](images/pixl/certainty.png)

*Left: the probability of each pixel's best group; right: pixels unlike what the model was trained on.* Median confidence {np.median(confidence):.2f}; {low} of {confidence.size} pixels are below 0.5;
{unknown} are unknown."""


def _unexplained(rows: Sequence[Mapping[str, str]], warnings: Sequence[str]) -> str:
    peaks = table(
        ["pixels called", "number", "peak, keV", "significance", "lines", "note"],
        [
            [
                row["region"],
                row["pixels"],
                _number(row["energy_keV"], 2),
                _number(row["significance"]),
                row["lines"],
                row["note"],
            ]
            for row in rows
        ],
    )
    told = "".join(f"\n- {line}" for line in warnings)
    said = f"The command warned:\n{told}" if warnings else "The command gave no warning."
    return f"""## What the map leaves unexplained

From `unexplained.csv`: peaks that the minerals of the map do not hold.

{peaks}

{said}"""


def _matrix(dataset: xr.Dataset) -> str:
    called = _names(dataset).index("calcite/aragonite")
    rows = scatter_rows(open_scan(SCAN), dataset["mineral"].values == called)
    before, after = scatter_words()
    return f"""## Is the matrix calcite?

{before}

{table(["", "Compton / Rayleigh"], rows)}

{after}"""


def _distrust(dataset: xr.Dataset) -> str:
    maps, names = dataset["net_counts"], _names(dataset)
    manganese = maps.sel(line="Mn Kα").values
    y, x = np.unravel_index(int(manganese.argmax()), manganese.shape)
    times = manganese[y, x] / np.median(manganese)
    called = names[int(dataset["mineral"].values[y, x])]
    return f"""## What to distrust

- **All names.** Every accuracy of Lithoscope but that on eight pure elements was measured on its own simulation, and all tables of maps on the M4 Tornado. `pixl-breadboard` describes the instrument with a lens fitted to a
  calibration target of the engineering model ([physics](physics.md)); how the breadboard itself was set up is not known.
- **Vesuvianite, datolite, ankerite, schorlomite.** Grains are smaller than the pixels, and pixels of Si, Al, K and Fe hold calcium all the same: what is called a Ca-Al silicate is more likely
  a mixture of the matrix with feldspar, mica or glass. K and S are among the unexplained peaks, and vesuvianite holds no K. Take these names for *silicate with the matrix*.
- **What is not named.** The pixel of most manganese (row {y}, column {x}; {times:.0f} times the median) is called {called}: a single grain in a pixel of matrix, which no class holds. Grains rich in Ti, Fe and S likewise.
- **Confidence and unknown.** Both were calibrated on simulated spectra, none of them measured.
- **Percentages** count a mixed pixel for the mineral that it was called; with grains below 0.1 mm that is most of the pixels that are not matrix.
- **No published mineralogy.** None of this scan was found (the data's notice gives none, and a search for it found none), so there is nothing to compare with."""


if __name__ == "__main__":
    main()
