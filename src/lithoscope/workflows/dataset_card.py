"""A data set's card: what is in it, how it came about, and what it does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CARD = """# Data set of {spectra:,} simulated spectra

{classes} minerals on {instrument}, condition '{condition}'; made by `lithoscope dataset`
(Lithoscope {version}), seed {seed}. **Simulated, not measured.**

| mineral | {heads} |
|---|{rules}|
{rows}

- **Counts** are {kind}, {channels} channels, channel 0 at {offset:g} keV, {gain:g} keV each.
  Expected totals are log-uniform from {low:,.0f} to {high:,.0f}, the zero peak left out.
- **Distortions and their severities** (docs/distortions.md): {severities}. What was drawn of each
  spectrum lies under `parameters/` in the zarr.
- **Splits** share no composition and no machine: each spectrum of a mineral that varies has a
  composition of its own, and each split has machines of its own where machines vary.
  {one_composition}
- **Composition** is the named mineral's; in a mixed spectrum the others' is not recorded.
- **Files**: `<split>.zarr` (zarr 3) and `<split>.hspy` (HyperSpy) hold the same counts;
  `labels.csv` names the mineral of each spectrum. SHA-256 of the zarr: `{sha256}`.
- **The same seed** gives the same bytes with the same versions of Lithoscope, NumPy,
  PyTorch, zarr and h5py on the same kind of processor.

What a model reaches on the test split, it reaches on this simulation; measured spectra hold what no
simulation does. Each mineral is a class of its own, also where no instrument of this kind can tell
it from another of them (`lithoscope minerals confusable`).
"""


def card_of_dataset(facts: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    facts
        As `make_dataset` returns them.
    """
    splits, condition, axis = facts["splits"], facts["condition"], facts["energy_axis"]
    totals = "| all | " + " | ".join(f"{count:,}" for count in splits.values()) + " |"
    rows = [
        f"| {name} | " + " | ".join(f"{count:,}" for count in by_split.values()) + " |"
        for name, by_split in facts["minerals"].items()
    ]
    severities = ", ".join(f"{name} {value:g}" for name, value in condition["severities"].items())
    return _CARD.format(
        spectra=facts["spectra"],
        classes=len(facts["minerals"]),
        instrument=facts["instrument"],
        condition=condition["name"],
        version=facts["lithoscope_version"],
        seed=facts["seed"],
        heads=" | ".join(splits),
        rules="|".join("---:" for _ in splits),
        rows="\n".join([*rows, totals]),
        kind="expected, without counting noise" if facts["noise_free"] else "whole",
        channels=axis["n_channels"],
        offset=axis["offset_keV"],
        gain=axis["gain_keV"],
        low=condition["counts"][0],
        high=condition["counts"][1],
        severities=severities or "none",
        one_composition=_one_composition(facts["one_composition"]),
        sha256=facts["sha256"],
    )


def _one_composition(names: list[str]) -> str:
    if not names:
        return "All of these minerals vary."
    return (
        f"Of one composition only, the same in every split: {', '.join(names)}; what differs there "
        "is noise and what the condition varies."
    )
