"""A model's card in sentences: what its accuracy was measured on, and beside what."""

from __future__ import annotations

from lithoscope.models.checkpoint import Checkpoint


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
    for level in card["accuracy"]:
        notes.append(
            f"At {level['counts']:,.0f} counts: {level['network']:.1%} named right; "
            f"spectral angle mapping on the same spectra {level['sam']:.1%}."
        )
    notes.append(f"Not in the simulation: {card['not_modelled']}.")
    return notes


def card_of_model(checkpoint: Checkpoint) -> str:
    """Return a model's card as Markdown, to lie beside its weights."""
    card, conditions = checkpoint.card, checkpoint.conditions
    recipe = card["recipe"]
    rows = "\n".join(
        f"| {level['counts']:,.0f} | {level['network']:.1%} | ± {level['standard_error']:.1%} "
        f"| {level['sam']:.1%} |"
        for level in card["accuracy"]
    )
    low, high = conditions.voltages_kV
    return f"""# Model '{checkpoint.name}'

A 1D network ('{checkpoint.network_name}', {card["parameters"]:,} parameters) for {card["classes"]} minerals and
materials on {", ".join(checkpoint.instruments)}.

- **Trained on** {card["trained_on"]}. {recipe["spectra"]:,} spectra, each seen once; seed {recipe["seed"]}.
- **Range**: tube voltage {low:g} to {high:g} kV, {conditions.counts[0]:,.0f} to {conditions.counts[1]:,.0f} counts,
  energy gain within {conditions.gain_error:.1%}, offset within {1000 * conditions.offset_error_keV:g} eV.
- **Tested on** {card["tested_on"]}.
- **Baseline**: {card["baseline"]}.
- **Not in the simulation**: {card["not_modelled"]}.
- **Ceiling**: not computed. Some classes cannot be told apart by XRF, so 100 % is out of reach.

| counts | network right | standard error | SAM right |
|---:|---:|---:|---:|
{rows}

Simulated in {card["timings"]["simulate_s"]} s, trained in {card["timings"]["train_s"]} s, tested in
{card["timings"]["test_s"]} s. Made by `lithoscope train`; the whole recipe stands in `model.json`.
"""
