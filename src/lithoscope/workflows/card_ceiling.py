"""The ceiling in a model's card: the best that any classifier could do, beside the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from lithoscope.models.checkpoint import Checkpoint
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.workflows.ceiling import beside_ceiling
from lithoscope.workflows.model_spectra import ModelSpectra

# The one condition under which some hundred templates of a class find the ceiling: distortions ask
# for more than can be drawn (docs/networks.md).
CONDITION = "poisson"
_LEVELS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
# Added to the recipe's seed.
_DRAWS, _TEMPLATES = 6_000_023, 7_000_027
_TEMPLATE_BATCH = 2048

Progress = Callable[[str, int, int, str], None]


def with_ceiling(
    checkpoint: Checkpoint,
    spectra: ModelSpectra,
    progress: Progress = lambda stage, done, total, note: None,
) -> Checkpoint:
    """Return a model whose card says how far it is below the ceiling, on the same spectra.

    Parameters
    ----------
    checkpoint
        The model.
    spectra
        Where its spectra come from; the recipe says how many are named, and how many templates
        of each class there are.
    progress
        Called with stage, templates drawn, templates in all, and a remark.
    """
    recipe, condition = spectra.recipe, CONDITIONS[CONDITION]
    found = beside_ceiling(
        checkpoint,
        spectra.stream(condition, seed=_DRAWS, batch_size=recipe.test_spectra),
        spectra.stream(condition, seed=_TEMPLATES, batch_size=_TEMPLATE_BATCH),
        levels=_LEVELS,
        templates=recipe.ceiling_templates,
        progress=lambda done, total: progress("ceiling", done, total, ""),
    )
    rows = [{**dataclasses.asdict(one.ceiling), "network": one.network} for one in found]
    return dataclasses.replace(checkpoint, card={**checkpoint.card, "ceiling": rows})
