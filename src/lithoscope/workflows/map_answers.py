"""What a scan's counts allow to be said of its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lithoscope.inference.answer import tree_of_labels
from lithoscope.inference.pixel_answers import keys_of_pixels
from lithoscope.inference.priors import ScanPriors
from lithoscope.minerals import load_library
from lithoscope.segmentation.answers import MapAnswers, answers_of_map
from lithoscope.workflows.map_plan import MapPlan

if TYPE_CHECKING:
    from lithoscope.workflows.map_finish import Layers


def answers_of_scan(plan: MapPlan, layers: Layers, priors: ScanPriors) -> MapAnswers:
    """Return the finest answer of each pixel under the scan's priors."""
    tree = tree_of_labels(plan.checkpoint.labels, load_library())
    keys = keys_of_pixels(
        layers.posteriors, layers.counts, priors.shares, tree, least=plan.answer_probability
    )
    return answers_of_map(
        keys,
        classes=layers.classes,
        unknown=layers.unknown,
        counts=layers.counts,
        tree=tree,
        allowed=layers.posteriors.allowed,
    )
