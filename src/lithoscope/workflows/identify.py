"""Which minerals an instrument can tell apart, at how many counts, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import Group
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.minerals.groups import (
    GROUP_COUNTS,
    ConfusablePair,
    complete_linkage_groups,
    confusable_pairs,
    merged_groups,
    polymorph_mask,
)
from lithoscope.minerals.identifiability import (
    COUNT_LEVELS,
    SEPARATE_ERROR,
    PairErrors,
    pair_errors,
)
from lithoscope.synthesis.families import FamilySimulator, FamilySize
from lithoscope.synthesis.instrument_changes import instrument_changes

StagedProgress = Callable[[str, int, int, str], None]

# What would help is asked at one level of counts and for a few minerals: less is drawn.
_SMALL_SIZE = FamilySize(fitted=24, machines=6, tested=4)
_ASKED_ERROR = 0.1
# A change helps if it lowers the error by this much, which is more than the draws' uncertainty,
# and by this share.
_LEAST_HELP, _LEAST_SHARE = 0.06, 0.25


@dataclass(frozen=True, eq=False)
class Identifiability:
    """What an instrument can tell apart.

    Parameters
    ----------
    instrument
        Its name.
    counts
        Counts asked for.
    series
        Class or family of each mineral, by name.
    pairs
        Errors of all pairs at several levels of counts.
    groups
        Minerals confused even at 100 000 counts; every mineral is in one.
    groups_at_counts
        The same at the counts asked for: groups merged further.
    polymorphs
        Pairs of one ideal formula, which no X-ray fluorescence can part.
    helps
        By pair, the changes that would lower its error, with the error then, best first. Pairs
        for which none was asked are left out.
    """

    instrument: str
    counts: float
    series: dict[str, str]
    pairs: PairErrors
    groups: tuple[Group, ...]
    groups_at_counts: tuple[Group, ...]
    polymorphs: frozenset[tuple[str, str]] = frozenset()
    helps: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=dict)

    def confusable(self, above: float = SEPARATE_ERROR) -> list[ConfusablePair]:
        """Pairs in different groups that are confused at the counts asked for, worst first."""
        return confusable_pairs(self.pairs, self.groups, self.counts, above=above)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from lithoscope.workflows.notebook import html_of_identifiability

        return html_of_identifiability(self)

    def tree(self) -> dict[str, list[Group]]:
        """Groups by series; a group across series stands under all of them, joined by ``/``."""
        branches: dict[str, list[Group]] = {}
        for group in self.groups:
            names = dict.fromkeys(self.series[name] for name in group.members)
            branches.setdefault("/".join(names), []).append(group)
        return branches


def identify_minerals(
    minerals: Sequence[Mineral],
    instrument: str | Instrument = "m4-tornado",
    *,
    counts: float = 3000,
    advice: bool = True,
    seed: int = 0,
    progress: StagedProgress = lambda stage, done, total, note: None,
) -> Identifiability:
    """Work out which minerals an instrument can tell apart.

    Parameters
    ----------
    minerals
        Two or more minerals.
    instrument
        Name or file of an instrument, or an instrument.
    counts
        Counts of a spectrum, 30 to a million.
    advice
        Whether to try what would part confused minerals: another window, vacuum, voltages,
        filters.
    seed
        Seed of all draws.
    progress
        Called with stage, steps done, steps in all and a note.

    Raises
    ------
    InvalidValueError
        If there are fewer than two minerals, or the counts are out of range.
    InstrumentError
        If the instrument is unknown.
    """
    _check(minerals, counts)
    machine = instrument if isinstance(instrument, Instrument) else load_instrument(instrument)
    pairs = _measured(minerals, machine, (*COUNT_LEVELS, counts), seed, progress)
    groups = complete_linkage_groups(pairs.names, pairs.at(GROUP_COUNTS))
    helps = {}
    if advice:
        helps = _what_helps(minerals, machine, pairs, counts, seed, progress)
    return Identifiability(
        instrument=machine.name,
        counts=counts,
        series={mineral.name: mineral.mineral_class or "other" for mineral in minerals},
        pairs=pairs,
        groups=groups,
        groups_at_counts=merged_groups(groups, pairs, min(counts, GROUP_COUNTS)),
        polymorphs=frozenset(
            (minerals[first].name, minerals[second].name)
            for first, second in np.argwhere(np.triu(polymorph_mask(minerals))).tolist()
        ),
        helps=helps,
    )


def _check(minerals: Sequence[Mineral], counts: float) -> None:
    if len(minerals) < 2:
        raise InvalidValueError(
            f"{len(minerals)} minerals to compare.", expected="two or more", remedy="name another"
        )
    if not COUNT_LEVELS[0] <= counts <= COUNT_LEVELS[-1]:
        raise InvalidValueError(
            f"{counts:g} counts.", expected=f"{COUNT_LEVELS[0]} to {COUNT_LEVELS[-1]:,} counts"
        )


def _measured(
    minerals: Sequence[Mineral],
    machine: Instrument,
    counts: Sequence[float],
    seed: int,
    progress: StagedProgress,
) -> PairErrors:
    simulator = FamilySimulator(minerals, machine, seed=seed)
    families = simulator.families(lambda done, total: progress("simulate", done, total, ""))
    # The matrix products are small: on a busy machine two threads of OpenBLAS that wait for each
    # other took 35 s for what one does in 4 s.
    with ThreadpoolController().limit(limits=1):
        pairs = pair_errors(
            families,
            counts=counts,
            seed=seed + 1,
            progress=lambda done, total: progress("compare", done, total, ""),
        )
    return pairs.with_coin_flips(polymorph_mask(minerals))


def _what_helps(
    minerals: Sequence[Mineral],
    machine: Instrument,
    pairs: PairErrors,
    counts: float,
    seed: int,
    progress: StagedProgress,
) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """Errors of the confused pairs with one thing changed about the instrument."""
    errors = pairs.at(counts)
    asked = (errors > _ASKED_ERROR) & ~polymorph_mask(minerals) & ~np.eye(len(errors), dtype=bool)
    kept = np.flatnonzero(asked.any(axis=0))
    if not kept.size:
        return {}
    asked, errors = asked[np.ix_(kept, kept)], errors[np.ix_(kept, kept)]
    chosen = [minerals[index] for index in kept.tolist()]
    helps: dict[tuple[str, str], list[tuple[str, float]]] = {
        (chosen[row].name, chosen[column].name): [] for row, column in np.argwhere(np.triu(asked))
    }
    changes = instrument_changes(machine)
    for number, (change, changed) in enumerate(changes.items()):
        then = _errors_at(chosen, changed, counts, asked, seed)
        for row, column in np.argwhere(np.triu(asked)):
            now = errors[row, column]
            if now - then[row, column] > max(_LEAST_HELP, _LEAST_SHARE * now):
                helps[chosen[row].name, chosen[column].name].append(
                    (change, float(then[row, column]))
                )
        progress("what would help", number + 1, len(changes), change)
    return {pair: sorted(found, key=lambda item: item[1]) for pair, found in helps.items()}


def _errors_at(
    minerals: Sequence[Mineral],
    machine: Instrument,
    counts: float,
    asked: NDArray[np.bool_],
    seed: int,
) -> NDArray[np.float64]:
    families = FamilySimulator(minerals, machine, size=_SMALL_SIZE, seed=seed).families()
    return pair_errors(families, counts=[counts], seed=seed + 1, pairs=asked).errors[0]
