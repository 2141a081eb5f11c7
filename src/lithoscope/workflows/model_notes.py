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
