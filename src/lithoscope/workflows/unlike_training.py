"""Spectra unlike training that are not of unknown minerals: instruments, mixtures, broken data.

Whether to call them unknown is a matter of whether they are named right, so each knows what it is
of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Instrument
from lithoscope.io import load_instrument
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.distortions.air import Air
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.fit_unknown import Expected
from lithoscope.workflows.model_spectra import ModelSpectra
from lithoscope.workflows.new_model import Progress
from lithoscope.workflows.unknown_samples import off_scales

_STANDARD_MBAR = 1013.0
# Grains in a spot, and the least share of the counts that each of them gives. Training mixes up to
# three of which the first has 60 % and more; here the first of three has 60 % at most.
_PARTS = {3: 0.2, 5: 0.1}
_DEAD_SHARE, _MISSING_KEV, _MISSING_FROM_KEV = 0.1, 3.0, (1.0, 12.0)
_FLAT_SHARES = (0.2, 0.5)
_EVERY, _OFF_SCALE = 4, 0.03


@dataclass(frozen=True, eq=False)
class Unlike:
    """Spectra unlike training.

    Parameters
    ----------
    what
        ``instrument``, ``mixture`` or ``corrupted``.
    shares
        Expected share of each bin, shape (spectrum, bin).
    classes
        Classes of what each is of, the one with most counts first, shape (spectrum, part).
    """

    what: str
    shares: Tensor
    classes: Tensor


def split_by_kind(drawn: Expected, sizes: Mapping[str, int]) -> dict[str, Expected]:
    """Part spectra whose classes are places in a list of kinds one after the other."""
    found, first = {}, 0
    for kind, size in sizes.items():
        own = (drawn.classes >= first) & (drawn.classes < first + size)
        found[kind] = Expected(drawn.shares[own], drawn.classes[own] - first)
        first += size
    return found


def instruments_unlike(
    spectra: ModelSpectra, *, count: int, machines: int, seed: int, progress: Progress
) -> dict[str, Unlike]:
    """Measure known minerals, under the model's condition, on instruments that it never saw.

    An M4 Tornado with a tube of Mo or W, at 15 kV, or not pumped; all else as in training.

    Parameters
    ----------
    spectra
        What the model knows.
    count
        Spectra of each instrument.
    machines
        Machines that are drawn of each, the recipe's for tests at most.
    seed
        Added to the recipe's.
    progress
        Called with stage, instruments done, instruments in all and a remark.
    """
    found = {}
    condition = spectra.recipe.measured_under()
    makes = _instruments()
    for number, (name, instrument) in enumerate(makes.items()):
        progress("benchmark: instruments unlike training", number, len(makes), name)
        stream = _stream(spectra, [instrument], condition, count, machines, seed)
        batch = stream.at(condition.counts[1]).batch(0)
        shares = batch.expected / condition.counts[1]
        found[name] = Unlike("instrument", shares, batch.classes[:, None])
    progress("benchmark: instruments unlike training", len(makes), len(makes), "")
    return found


def mixtures(spectra: ModelSpectra, *, count: int, machines: int, seed: int) -> dict[str, Unlike]:
    """Measure spots on three and five grains of known minerals, none of which dominates.

    Grains of one machine, each measured alone under the model's condition without its mixtures,
    all with the same draws; expected shares are summed. That pile-up is not linear in them is
    neglected.

    Parameters
    ----------
    spectra, count, machines, seed
        As of `instruments_unlike`.
    """
    condition = spectra.recipe.measured_under().with_severities({"mixture": 0.0})
    stream = _stream(spectra, spectra.instruments, condition, count, machines, seed)
    generation, order = stream.maker.latest(0)
    batch = ExpectedBatch(generation, order[:count])
    draws = Draws(count, torch.Generator().manual_seed(seed))
    parameters = stream.measure(batch, draws).parameters
    totals = torch.full((count,), condition.counts[1])
    # Which other grains of its machine a spot touches: no grain twice.
    others = draws.uniform(generation.per_machine - 1).argsort(dim=1) + 1
    own = batch.rows % generation.per_machine
    rng = np.random.default_rng(seed)
    found = {}
    for parts, least in _PARTS.items():
        drawn = least + (1 - parts * least) * rng.dirichlet(np.ones(parts), count)
        weights = torch.from_numpy(-np.sort(-drawn, axis=1).astype(np.float32))
        grains = [batch, *(batch.others(own + others[:, one]) for one in range(parts - 1))]
        shares = torch.zeros(count, len(spectra.axis))
        for part, weight in zip(grains, weights.T, strict=True):
            expected, _ = stream.apply(part, parameters, totals)
            shares += weight[:, None] * expected / condition.counts[1]
        classes = torch.stack([generation.classes[part.rows] for part in grains], dim=1)
        found[f"{parts} minerals"] = Unlike("mixture", shares, classes)
    return found


def corrupted(known: Expected, edges_keV: NDArray[np.float64], *, seed: int) -> dict[str, Unlike]:
    """Spoil every fourth known spectrum: dead channels, a gap, flat noise, a false energy scale.

    Parameters
    ----------
    known
        Known spectra.
    edges_keV
        Bin edges, shape (bin + 1,).
    seed
        Of which channels are dead.
    """
    shares = known.shares[::_EVERY].double().numpy()
    rng = np.random.default_rng(seed)
    dead = rng.random(shares.shape) < _DEAD_SHARE
    start = rng.uniform(*_MISSING_FROM_KEV, (len(shares), 1))
    gap = (edges_keV[1:] > start) & (edges_keV[:-1] < start + _MISSING_KEV)
    flat = np.diff(edges_keV) / (edges_keV[-1] - edges_keV[0])
    spoilt = {
        f"{100 * _DEAD_SHARE:g} % of bins dead": np.where(dead, 0.0, shares),
        f"{_MISSING_KEV:g} keV missing": np.where(gap, 0.0, shares),
        **{
            f"{100 * share:g} % flat noise": (1 - share) * shares + share * flat
            for share in _FLAT_SHARES
        },
    }
    made = {name: torch.from_numpy(rows.astype(np.float32)) for name, rows in spoilt.items()}
    made |= {name: one.shares for name, one in off_scales(known, edges_keV, [_OFF_SCALE]).items()}
    classes = known.classes[::_EVERY, None]
    return {name: Unlike("corrupted", rows, classes) for name, rows in made.items()}


def _instruments() -> dict[str, Instrument]:
    own = load_instrument("m4-tornado")
    tubes = {
        "Mo anode": dataclasses.replace(own.tube, anode="Mo"),
        "W anode": dataclasses.replace(own.tube, anode="W"),
        "15 kV": dataclasses.replace(own.tube, voltage_kV=15.0),
    }
    return {
        **{name: dataclasses.replace(own, tube=tube) for name, tube in tubes.items()},
        "air": Air(0.0).apply(own, {"pressure_mbar": _STANDARD_MBAR}),
    }


def _stream(
    spectra: ModelSpectra,
    instruments: Sequence[Instrument],
    condition: Condition,
    count: int,
    machines: int,
    seed: int,
) -> SpectrumStream:
    machines = min(machines, spectra.recipe.test_machines)
    return SpectrumStream(
        spectra.minerals,
        spectra.labels,
        instruments,
        condition,
        spectra.axis.edges_keV,
        batch_size=count,
        seed=spectra.recipe.seed + seed,
        size=GenerationSize(machines, -(-count // machines), machines),
    )
