"""How often measured spectra of pure elements are named right, whole and thinned.

    python benchmarks/real_elements.py ../shared/data/bruker_xs52/elements

Each spectrum (Bruker XS-52, Rh 50 kV, 120 s; NIST, Unlicense) is thinned binomially to fewer counts
above 0.8 keV, 300 times at each level, and given to the shipped model. Prints a Markdown table.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

from lithoscope.inference.predict import Predictor
from lithoscope.io import open_spectra
from lithoscope.models.checkpoint import find_checkpoint

TRUTH = {
    "Acrylic": "acrylic",
    "Cr": "chromium",
    "Ni": "nickel",
    "S": "sulfur",
    "Si": "silicon",
    "Sn": "tin",
    "Ti": "titanium",
    "Zr": "zirconium",
}
LEVELS = (300, 1_000, 3_000, 10_000)
DRAWS = 300


def row_of_spectrum(path: Path, model: str) -> str:
    checkpoint = find_checkpoint(model)
    spectrum = open_spectra(path)[0]
    predictor = Predictor(checkpoint, spectrum.axis)
    truth = TRUTH[path.stem]
    whole = predictor(spectrum.counts[None, :])
    counts = np.where(spectrum.axis.energies_keV > 0.8, spectrum.counts, 0).astype(np.int64)
    rng = np.random.default_rng(0)
    cells = []
    for level in LEVELS:
        thinned = rng.binomial(counts, min(1.0, level / counts.sum()), (DRAWS, counts.size))
        said = predictor(thinned)
        cells.append(f"{np.mean(said.classes == checkpoint.labels.index_of(truth)):.0%}")
    name = checkpoint.labels.labels[whole.classes[0]]
    unknown = ", unknown" if whole.unknown[0] else ""
    answer = f"{name} {whole.probabilities.max():.2f}{unknown}"
    return f"| {truth} | {counts.sum():,.0f} | {answer} | " + " | ".join(cells) + " |"


def main() -> None:
    folder = Path(sys.argv[1])
    model = sys.argv[2] if len(sys.argv) > 2 else "default"
    # Negative counts at the zero peak's flank are known of these files.
    warnings.simplefilter("ignore")
    heads = " | ".join(f"right at {level:,}" for level in LEVELS)
    print(f"| measured | counts | whole spectrum named | {heads} |")
    print("|---|---:|---|" + "---:|" * len(LEVELS))
    for stem in TRUTH:
        print(row_of_spectrum(folder / f"{stem}.msa", model))


if __name__ == "__main__":
    main()
