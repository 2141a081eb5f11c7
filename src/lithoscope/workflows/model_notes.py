"""A model's card in sentences: what its accuracy was measured on, and beside what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lithoscope.evaluation.ceiling import Ceiling
from lithoscope.models.checkpoint import Checkpoint

_CARD = """# Model '{name}'

A 1D network ('{network}', {parameters:,} parameters) with {classes} classes of minerals and
materials on {instruments}.

- **Trained on** {trained_on}. {seen}; seed {seed}.
- **Range**: tube voltage {voltages}, {counts}; distortions and their severities: {severities}.
- **Tested on** {tested_on}.
- **Baseline**: {baseline}.
- **Not in the simulation**: {not_modelled}.
- **Ceiling**: {ceiling}
{table}{beside}{confusions}{calibration}{finetuning}
Classes found in {group_s} s, trained in {train_s} s, tested in {test_s} s. Made by
`lithoscope {made_by}`; the whole recipe stands in `model.json`.
"""
_TABLE = """
| condition | counts | network right | standard error | SAM right |
|---|---:|---:|---:|---:|
{rows}
"""
_NO_CEILING = "not computed. Some classes cannot be told apart by XRF, so 100 % is out of reach."
_CEILING = (
    "the best that any classifier could do, in a table below for 'poisson'; under 'realistic' it "
    "is not known (docs/networks.md)."
)
_BESIDE = """
Under 'poisson', on {spectra:,} spectra of their own at each level, beside the posterior over
{templates} templates of each class that knows the generator. A range is a bracket, where templates
do not suffice: without and with the draw's own spectrum among them.

| counts | best possible | network right | points below |
|---:|---:|---:|---:|
{rows}
"""
_CONFUSIONS = """
Most often confused at {counts:,.0f} counts, of all spectra of the true class ({condition}):
{pairs}.
"""
_CALIBRATION = """
Calibrated by {calibrated_on}: a temperature at each count level. Expected calibration error (ECE,
15 bins of equal width) and Brier score (0 to 2) before and after, and how often the conformal sets
of {asked:.0%} hold the truth and how many classes they are, on {tested:,} spectra of each test
condition at each level. The sets' guarantee is for spectra exchangeable with those that they were
fitted to ('{condition}'), for no others and for no measured ones.

| condition | counts | ECE before | after | Brier before | after | held | in a set |
|---|---:|---:|---:|---:|---:|---:|---:|
{rows}
"""


def notes_of_model(checkpoint: Checkpoint) -> list[str]:
    """Return what a reader must know of a model's accuracy, a line each."""
    card = checkpoint.card
    if not card:
        return [f"The model '{checkpoint.name}' carries no card: its accuracy is not known."]
    notes = [
        f"Model '{checkpoint.name}' ({checkpoint.network_name}): {card['classes']} classes, "
        f"trained on {card['trained_on']}.",
        f"Tested on {card['tested_on']}.",
    ]
    for condition, levels in card["accuracy"].items():
        for level in levels:
            notes.append(
                f"At {level['counts']:,.0f} counts, {condition}: {level['network']:.1%} named "
                f"right; spectral angle mapping on the same spectra {level['sam']:.1%}."
            )
    notes.append(f"Not in the simulation: {card['not_modelled']}.")
    return [*notes, *_finetuning_notes(card)]


def _finetuning_notes(card: Mapping[str, Any]) -> list[str]:
    """What finetuning left to be said, of what was fitted anew and what was not among it."""
    return list(card.get("finetuned", {}).get("notes", ()))


def card_of_model(checkpoint: Checkpoint) -> str:
    """Return a model's card as Markdown, to lie beside its weights."""
    card, condition = checkpoint.card, checkpoint.condition
    recipe = card["recipe"]
    rows = "\n".join(
        f"| {name} | {level['counts']:,.0f} | {level['network']:.1%} "
        f"| ± {level['standard_error']:.1%} | {level['sam']:.1%} |"
        for name, levels in card["accuracy"].items()
        for level in levels
    )
    return _CARD.format(
        name=checkpoint.name,
        network=checkpoint.network_name,
        parameters=card["parameters"],
        classes=card["classes"],
        instruments=", ".join(checkpoint.instruments),
        trained_on=card["trained_on"],
        seen=card.get("seen") or f"{recipe['spectra']:,} spectra, each seen once",
        seed=recipe["seed"],
        voltages="{:g} to {:g} kV".format(*checkpoint.voltages_kV),
        counts="{:,.0f} to {:,.0f} counts".format(*condition.counts),
        severities=", ".join(f"{name} {value:g}" for name, value in condition.severities.items())
        or "none known",
        tested_on=card["tested_on"],
        baseline=card["baseline"],
        not_modelled=card["not_modelled"],
        # A finetuned model's accuracies stand in the sentence of what it was tested on.
        table=_TABLE.format(rows=rows) if rows else "",
        ceiling=_CEILING if card.get("ceiling") else _NO_CEILING,
        beside=_beside_ceiling(card),
        confusions=_confusions_of_card(card),
        calibration=_calibration_of_card(checkpoint),
        finetuning="".join(f"\n{note}\n" for note in _finetuning_notes(card)),
        made_by="finetune" if "finetuned" in card else "train",
        **card["timings"],
    )


def _beside_ceiling(card: Mapping[str, Any]) -> str:
    levels = card.get("ceiling")
    if not levels:
        return ""
    rows = []
    for level in levels:
        # The ceiling lies at its last estimate where that has converged.
        ceiling = Ceiling(**{key: value for key, value in level.items() if key != "network"})
        low, high = ceiling.estimates[-1], ceiling.bound
        best = f"{high:.1%}" if ceiling.converged else f"{low:.1%} to {high:.1%}"
        short = 100 * (high - level["network"])
        rows.append(f"| {ceiling.counts:,.0f} | {best} | {level['network']:.1%} | {short:.1f} |")
    first = levels[0]
    return _BESIDE.format(
        spectra=first["spectra"], templates=first["templates"], rows="\n".join(rows)
    )


def _confusions_of_card(card: Mapping[str, Any]) -> str:
    return "".join(
        _CONFUSIONS.format(
            counts=pairs[0]["counts"],
            condition=condition,
            pairs=", ".join(
                f"{one['truth']} as {one['named']} {one['share']:.0%}" for one in pairs
            ),
        )
        for condition, pairs in card.get("confusions", {}).items()
        if pairs
    )


def _calibration_of_card(checkpoint: Checkpoint) -> str:
    tested = checkpoint.card.get("calibration")
    # A finetuned model keeps its parent's card, but not its calibration.
    if not tested or checkpoint.conformal is None:
        return ""
    rows = [(name, level) for name, levels in tested.items() for level in levels]
    return _CALIBRATION.format(
        calibrated_on=checkpoint.card["calibrated_on"],
        asked=rows[0][1]["coverage_asked"],
        condition=checkpoint.condition.name,
        tested=rows[0][1]["spectra"],
        rows="\n".join(
            f"| {name} | {row['counts']:,.0f} | {row['ece_before']:.4f} | {row['ece_after']:.4f} "
            f"| {row['brier_before']:.3f} | {row['brier_after']:.3f} | {row['coverage']:.1%} "
            f"| {row['set_size']:.1f} |"
            for name, row in rows
        ),
    )
