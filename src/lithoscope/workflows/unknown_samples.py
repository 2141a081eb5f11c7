"""Spectra that the benchmark of the unknown takes from elsewhere, or makes of known ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument, open_spectra
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.fit_unknown import Expected

_FROM_KEV = 0.8


def check_outside(data: Path) -> None:
    """Refuse a folder that lacks what `outside_spectra` reads."""
    for part in ("bruker_xs52/elements/Acrylic.msa", "xmimsim/minerals.npz"):
        if not (data / part).is_file():
            raise InvalidValueError(
                f"There is no {part} in {data}.",
                expected="the folder that holds measured elements and XMI-MSIM's minerals",
                remedy="leave --data out to do without them",
            )


def outside_spectra(model: Checkpoint, data: Path) -> dict[str, Tensor]:
    """Return measured elements and XMI-MSIM's minerals on a model's axis, from 0.8 keV.

    Parameters
    ----------
    model
        The model.
    data
        Folder with ``bruker_xs52/elements`` and ``xmimsim/minerals.npz``.

    Returns
    -------
    dict of Tensor
        Shares of each bin, shape (1, bin), by name.
    """
    found = {}
    for path in sorted((data / "bruker_xs52" / "elements").glob("*.msa")):
        spectrum = open_spectra(path)[0]
        found[f"measured {path.stem}"] = (spectrum.axis, spectrum.counts)
    axis = load_instrument("m4-tornado").axis
    with np.load(data / "xmimsim" / "minerals.npz", allow_pickle=False) as file:
        energies = file["energies_keV"]
        axis = dataclasses.replace(
            axis,
            offset_keV=float(energies[0]),
            gain_keV=float(energies[1] - energies[0]),
            n_channels=energies.size,
        )
        for name, counts in zip(file["names"].tolist(), file["spectra"], strict=True):
            found[f"XMI-MSIM {name}"] = (axis, np.maximum(counts, 0.0))
    shares = {}
    for name, (own, counts) in found.items():
        kept = np.where(own.energies_keV > _FROM_KEV, counts, 0.0)
        binned = model.axis.rebinner(own)(kept[None, :])
        shares[name] = torch.from_numpy(binned / binned.sum())
    return shares


def off_scales(
    known: Expected, edges_keV: NDArray[np.float64], offs: Sequence[float]
) -> dict[str, Expected]:
    """Return every fourth known spectrum as on energy scales that are off by some shares."""
    some = known.shares[::4].double().numpy()
    cumulative = np.concatenate([np.zeros((len(some), 1)), np.cumsum(some, axis=1)], axis=1)
    found = {}
    for off in offs:
        moved = [np.diff(np.interp(edges_keV * (1 + off), edges_keV, row)) for row in cumulative]
        shares = torch.from_numpy(np.array(moved, dtype=np.float32))
        none = torch.zeros(len(shares), dtype=torch.int64)
        found[f"energy scale off by {100 * off:g} %"] = Expected(shares, none)
    return found
