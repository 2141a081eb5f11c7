"""Run every comparison and write tables, pictures and the model error."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.physics.against_fisx import REFERENCE, fisx_ratios
from benchmarks.physics.against_xmimsim import store_scatter, xmimsim_ratios
from benchmarks.physics.continuum import continuum_shape
from benchmarks.physics.escape import escape_check
from benchmarks.physics.lens import fitted_lens
from benchmarks.physics.machine import own_counts, stray_lines
from benchmarks.physics.measured import read_measured
from benchmarks.physics.model_error import deviations, error_by_energy, write_model_error
from benchmarks.physics.page_codes import fisx_section, xmimsim_section
from benchmarks.physics.page_measured import error_section, machine_section, measured_section
from benchmarks.physics.peaks import peak_ratios
from benchmarks.physics.pictures import save_pictures

_OPENING = """\
# The simulator beside other codes and real spectra

Written by `python -m benchmarks.physics --data ../shared/data -o docs`; do not edit. Every number
is simulated over reference; **bold** misses its goal.
"""
_ROOT = Path(__file__).parents[2]
_MODEL_ERROR = _ROOT / "src" / "lithoscope" / "physics" / "data" / "model_error.csv"


def compare(data: Path, docs: Path) -> None:
    """Compare with all three references, and write what came of it."""
    origin = json.loads((REFERENCE / "fisx_lines.json").read_text(encoding="utf-8"))["origin"]
    xmimsim = xmimsim_ratios(data / "xmimsim")
    store_scatter(data / "xmimsim", REFERENCE / "xmimsim_scatter.json")

    measured = read_measured(data)
    written = measured[0].instrument.optic
    if written is None:
        raise SystemExit("The instrument has no lens whose parameters could be fitted.")
    lens, pair_ns = fitted_lens(measured)
    measured = [one.through(lens, pulse_pair_ns=pair_ns) for one in measured]
    pairs = [(one, one.simulated()) for one in measured]
    acrylic = [one for one in measured if one.is_acrylic]
    every = [deviations(one, simulated) for one, simulated in pairs]
    bands = error_by_energy(every)

    save_pictures(pairs, docs / "images" / "physics")
    write_model_error(_MODEL_ERROR, bands)
    text = _page(
        (
            fisx_section(fisx_ratios(), f"{origin['code']}; {origin['date']}."),
            xmimsim_section(xmimsim),
            measured_section(
                (lens, pair_ns),
                written,
                [row for one, simulated in pairs for row in peak_ratios(one, simulated)],
                escape_check(data),
                [continuum_shape(one, spectrum) for one, spectrum in pairs if one.is_acrylic],
            ),
            machine_section(
                [row for one in acrylic for row in stray_lines(one)],
                [own_counts(one) for one in acrylic],
            ),
            error_section(every, bands),
        )
    )
    (docs / "physics-comparison.md").write_text(text, encoding="utf-8")


def _page(sections: Sequence[Iterator[str]]) -> str:
    return "\n".join([_OPENING, *(part for section in sections for part in section)])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.physics", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of xmimsim, bruker_xs52")
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs", help="docs folder")
    chosen = parser.parse_args(arguments)
    start = time.perf_counter()
    compare(chosen.data, chosen.output)
    print(f"{chosen.output / 'physics-comparison.md'} after {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
