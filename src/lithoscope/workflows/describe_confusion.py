"""What can be told apart, as plain values for JSON and tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from lithoscope.core.labels import Group
from lithoscope.minerals.groups import CONFUSED_ERROR, GROUP_COUNTS
from lithoscope.minerals.identifiability import SEPARATE_ERROR
from lithoscope.workflows.identify import Identifiability


def describe_identifiability(found: Identifiability) -> dict[str, Any]:
    """Return the JSON document of ``lithoscope minerals confusable``.

    Counts needed are ``null`` where no counts tried are enough. Pairs that stand in no list are
    told apart at ``lowest_counts``.
    """
    return {
        "instrument": found.instrument,
        "counts": found.counts,
        "confused_error": CONFUSED_ERROR,
        "group_counts": GROUP_COUNTS,
        "separate_error": SEPARATE_ERROR,
        "lowest_counts": float(found.pairs.counts[0]),
        "minerals": _minerals(found),
        "tree": [
            {"series": series, "groups": [_group(group) for group in groups]}
            for series, groups in found.tree().items()
        ],
        "groups": [_group(group) for group in found.groups],
        "groups_at_counts": [_group(group) for group in found.groups_at_counts],
        "within_groups": _within_groups(found),
        "confusable_pairs": [
            {
                "minerals": list(pair.minerals),
                "error": round(pair.error, 4),
                "uncertainty": round(pair.uncertainty, 4),
                "counts_needed": _counts(pair.counts_needed),
                "helps": _helps(found, pair.minerals),
            }
            for pair in found.confusable()
        ],
        "counts_needed": _counts_needed(found),
    }


def _group(group: Group) -> dict[str, Any]:
    return {"label": group.label, "members": list(group.members)}


def _minerals(found: Identifiability) -> list[dict[str, str]]:
    label = {name: group.label for group in found.groups for name in group.members}
    coarse = {name: group.label for group in found.groups_at_counts for name in group.members}
    return [
        {
            "name": name,
            "series": found.series[name],
            "group": label[name],
            "group_at_counts": coarse[name],
        }
        for name in found.pairs.names
    ]


def _within_groups(found: Identifiability) -> list[dict[str, Any]]:
    """Pairs inside groups, with what would part them."""
    errors, needed = found.pairs.at(found.counts), found.pairs.counts_needed()
    rows = []
    for group in found.groups:
        for position, second in enumerate(group.members):
            for first in group.members[:position]:
                place = found.pairs.index(first), found.pairs.index(second)
                rows.append(
                    {
                        "minerals": [first, second],
                        "one_formula": (first, second) in found.polymorphs,
                        "error": round(float(errors[place]), 4),
                        "counts_needed": _counts(float(needed[place])),
                        "helps": _helps(found, (first, second)),
                    }
                )
    return rows


def _helps(found: Identifiability, pair: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"change": change, "error": round(error, 4)} for change, error in found.helps.get(pair, [])
    ]


def _counts_needed(found: Identifiability) -> list[dict[str, Any]]:
    needed = found.pairs.counts_needed()
    rows = np.argwhere(np.triu(needed > found.pairs.counts[0], 1))
    return [
        {
            "minerals": [found.pairs.names[first], found.pairs.names[second]],
            "counts": _counts(float(needed[first, second])),
        }
        for first, second in rows
    ]


def _counts(counts: float) -> int | None:
    return None if np.isinf(counts) else round(counts)
