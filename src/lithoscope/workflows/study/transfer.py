"""From our own simulation to another code's, and to measured spectra."""

from __future__ import annotations

import functools
import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.rebinner import Rebinner
from lithoscope.errors import InvalidValueError
from lithoscope.io import open_spectra
from lithoscope.workflows.simulate import simulate
from lithoscope.workflows.study import spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.size import StudySize

# Measured (Bruker XS-52, Rh 50 kV; NIST), by file.
ELEMENTS = {
    "Acrylic": "acrylic",
    "Cr": "chromium",
    "Ni": "nickel",
    "S": "sulfur",
    "Si": "silicon",
    "Sn": "tin",
    "Ti": "titanium",
    "Zr": "zirconium",
}
_MONTE_CARLO, _MEASURED_ON = "xmimsim", "m4-tornado"
_FROM_KEV = 0.8
_CODE_FILE, _ELEMENTS_FOLDER = "xmimsim/minerals.npz", "bruker_xs52/elements"


def data_version(folder: Path) -> str:
    """Short hash of the spectra of other makers in a folder.

    Raises
    ------
    InvalidValueError
        If there are none.
    """
    files = [folder / _CODE_FILE, *(folder / _ELEMENTS_FOLDER / f"{one}.msa" for one in ELEMENTS)]
    found = [path for path in files if path.is_file()]
    if not found:
        raise InvalidValueError(
            f"{folder} holds no spectra of other makers.",
            expected=f"{_CODE_FILE} or {_ELEMENTS_FOLDER}/*.msa in it",
            remedy="leave --data out; the runs that need them are then left out",
        )
    digest = hashlib.sha256()
    for path in found:
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def carrying_over(
    learnt: Learnt, case: Case, size: StudySize, data: Path | None
) -> dict[str, dict[str, Any]]:
    """Share named right at each step of the ledger and each level, by what is named.

    Ideal minerals by our own simulation and by XMI-MSIM, on the same instrument, drawn with
    Poisson noise; pure elements by our own simulation and measured, the latter thinned
    binomially. A name is right if it is that of the class.

    Parameters
    ----------
    learnt, case, size
        What names them.
    data
        Folder with ``xmimsim/`` and ``bruker_xs52/``; steps without data are left out.
    """
    folder = data or Path("does not exist")
    found: dict[str, dict[str, Any]] = {}
    code = folder / _CODE_FILE
    if code.is_file():
        with np.load(code, allow_pickle=False) as file:
            theirs = dict(zip(file["names"].tolist(), file["spectra"].astype(float), strict=True))
        edges = spectra.find_instrument(_MONTE_CARLO).axis.edges_keV
        ours = {name: _simulated(name, _MONTE_CARLO) for name in theirs}
        found["minerals, own simulation"] = _shares(learnt, case, size, ours, edges)
        found["minerals, XMI-MSIM"] = _shares(learnt, case, size, theirs, edges)
    elements = folder / _ELEMENTS_FOLDER
    if elements.is_dir():
        edges = spectra.find_instrument(_MEASURED_ON).axis.edges_keV
        ours = {name: _simulated(name, _MEASURED_ON) for name in ELEMENTS.values()}
        found["elements, own simulation"] = _shares(learnt, case, size, ours, edges)
        found["elements, measured"] = {}
        for stem, name in ELEMENTS.items():
            with warnings.catch_warnings():
                # Negative counts at the zero peak's flank are known of these files.
                warnings.simplefilter("ignore")
                one = open_spectra(elements / f"{stem}.msa")[0]
            measured = {name: np.asarray(one.counts)}
            shares = _shares(learnt, case, size, measured, one.axis.edges_keV, thinned=True)
            found["elements, measured"].update(shares)
    return found


@functools.cache
def _simulated(name: str, instrument: str) -> NDArray[np.float64]:
    made = simulate(name, instrument=spectra.find_instrument(instrument))
    return np.asarray(made.counts, dtype=np.float64)


def _shares(
    learnt: Learnt,
    case: Case,
    size: StudySize,
    expected: dict[str, NDArray[np.float64]],
    edges_keV: NDArray[np.float64],
    *,
    thinned: bool = False,
) -> dict[str, dict[str, float]]:
    labels = spectra.labels(size, case)
    rebin = Rebinner(from_edges_keV=edges_keV, to_edges_keV=spectra.edges_keV(case.axis))
    energies = (edges_keV[:-1] + edges_keV[1:]) / 2
    found: dict[str, dict[str, float]] = {}
    for name, counts in expected.items():
        if name not in labels.members:
            continue
        truth, rng = labels.index_of(name), np.random.default_rng(0)
        kept = np.where(energies > _FROM_KEV, np.maximum(counts, 0), 0.0)
        for level in case.levels:
            shape, share = (size.draws, kept.size), level / kept.sum()
            if thinned:
                drawn = rng.binomial(kept.astype(np.int64), min(1.0, share), shape)
            else:
                drawn = rng.poisson(kept * share, shape)
            said = learnt.scores(torch.from_numpy(rebin(drawn))).argmax(axis=1)
            found.setdefault(name, {})[f"{level:g}"] = float((said == truth).mean())
    return found
