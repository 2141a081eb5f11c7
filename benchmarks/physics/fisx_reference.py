"""Line intensities by fisx, the reference that tests and tables compare with.

    python -m benchmarks.physics.fisx_reference -o tests/data/reference

Needs ``pip install -e ".[reference]"``. Writes ``fisx_source.npz``, the tube that fisx is given
node by node (fewer, wider bins bias S K in galena by 11 %), and ``fisx_lines.json``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.physics.fisx_tables import PROBE_KEV, sherman_with_fisx_tables, tables_of_line

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry
from lithoscope.io import load_instrument
from lithoscope.physics.source import Source, source_from_instrument

MINERALS = {
    "spodumene": "LiAlSi2O6",
    "almandine": "Fe3Al2Si3O12",
    "chalcopyrite": "CuFeS2",
    "galena": "PbS",
    "monazite": "CePO4",
    "zircon": "ZrSiO4",
}
# Families whose lines lie above 1 keV, in fisx's spelling.
FAMILIES = {
    "Al": ("K",),
    "Si": ("K",),
    "P": ("K",),
    "S": ("K",),
    "Fe": ("K",),
    "Cu": ("K",),
    "Zr": ("K", "L"),
    "Ce": ("K", "L"),
    "Pb": ("L", "M"),
}
GEOMETRY = Geometry(incidence_deg=50, take_off_deg=50, scattering_angle_deg=130)
INSTRUMENT = "m4-tornado"
# Thick for every photon of a 50 kV tube, in g/cm³ and cm.
_DENSITY, _THICKNESS = 5.0, 10.0
# Lines weaker than this share of a mineral's strongest line are not stored.
_WEAKEST = 1e-3


def reference_source() -> Source:
    """The M4's source at all its nodes in order of energy, as shares of one photon."""
    source = source_from_instrument(instrument=load_instrument(INSTRUMENT))
    order = np.argsort(source.energies_keV, kind="stable")
    shares = source.photons_per_s[order] / source.photons_per_s.sum()
    return Source(source.energies_keV[order], shares, source.is_line[order])


def families_of(formula: str) -> list[str]:
    """What fisx is asked for: every family above 1 keV of every element."""
    elements = composition_from_formula(formula).elements
    return [f"{element} {family}" for element in elements for family in FAMILIES.get(element, ())]


def fisx_library() -> Any:
    """fisx's tables as PyMca uses them."""
    from fisx import Elements

    library = Elements()
    library.initializeAsPyMca()
    return library


def fisx_lines(*, formula: str, source: Source, library: Any) -> dict[str, Any]:
    """All lines of a thick sample, secondary and tertiary fluorescence included.

    The call to time against `lithoscope.physics`: fisx wants a formula per element family and
    looks its tables up anew at each.
    """
    from fisx import XRF

    machine = XRF()
    machine.setBeam(
        source.energies_keV.tolist(), source.photons_per_s.tolist(), source.is_line.astype(int)
    )
    machine.setGeometry(GEOMETRY.incidence_deg, GEOMETRY.take_off_deg)
    machine.setSample([[formula, _DENSITY, _THICKNESS]])
    answer: dict[str, Any] = machine.getMultilayerFluorescence(
        families_of(formula), library, secondary=2, useMassFractions=1
    )
    return answer


def _stored_lines(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for family, layers in answer.items():
        element = family.split()[0]
        for name, line in layers[0].items():
            coherent = line.get("coherent scattering 00", 0.0)
            rows.append(
                {
                    "element": element,
                    "line": name,
                    "energy_keV": round(line["energy"], 4),
                    "primary": line["primary"],
                    "secondary": line["secondary"] - coherent,
                    "tertiary": line["tertiary"],
                    "own_coherent_scatter": coherent,
                }
            )
    strongest = max(row["primary"] for row in rows)
    kept = [row for row in rows if row["primary"] > _WEAKEST * strongest]
    return sorted(kept, key=lambda row: -row["primary"])


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: float(f"{value:.6g}") if isinstance(value, float) else value
        for key, value in row.items()
    }


def computed_mineral(formula: str, source: Source, library: Any) -> dict[str, Any]:
    """fisx's lines of a mineral, and what our equations give with fisx's tables."""
    start = time.perf_counter()
    answer = fisx_lines(formula=formula, source=source, library=library)
    seconds = time.perf_counter() - start
    lines = _stored_lines(answer)
    same_tables = sherman_with_fisx_tables(
        formula=formula, source=source, geometry=GEOMETRY, library=library
    )
    for row in lines:
        primary, enhanced = same_tables[row["element"], row["line"]]
        row["our_primary_on_fisx_tables"] = primary
        row["our_enhancement_on_fisx_tables"] = enhanced
        row["production_cm2_g"], row["attenuation_cm2_g"] = tables_of_line(
            formula=formula,
            element=row["element"],
            line=row["line"],
            energy_keV=row["energy_keV"],
            library=library,
        )
    return {
        "formula": formula,
        "fisx_seconds": round(seconds, 2),
        "lines": [_rounded(row) for row in lines],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("tests/data/reference"))
    folder: Path = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    source, library = reference_source(), fisx_library()
    np.savez_compressed(
        folder / "fisx_source.npz",
        energies_keV=source.energies_keV,
        photons=source.photons_per_s,
        is_line=source.is_line,
    )
    reference = {
        "origin": {
            "code": f"fisx {version('fisx')} (V. A. Solé, MIT), tables as PyMca (EPDL97, EADL97)",
            "command": "python -m benchmarks.physics.fisx_reference",
            "date": datetime.date.today().isoformat(),
            "source": f"fisx_source.npz: {INSTRUMENT}, {source.energies_keV.size} nodes, sum 1",
            "geometry": f"{GEOMETRY.incidence_deg} degrees in, {GEOMETRY.take_off_deg} out, thick",
            "production": f"cross section of the line at {PROBE_KEV} keV",
            "unit": "photons emitted in 4 pi per photon of the source, without detector",
        },
        "minerals": {
            name: computed_mineral(formula, source, library) for name, formula in MINERALS.items()
        },
    }
    text = json.dumps(reference, indent=1, ensure_ascii=False)
    (folder / "fisx_lines.json").write_text(text + "\n", encoding="utf-8")
    for name, mineral in reference["minerals"].items():
        print(f"{name:14s} {mineral['fisx_seconds']:6.2f} s  {len(mineral['lines'])} lines")


if __name__ == "__main__":
    main()
