"""The legend of a mineral map, whose entries hide and recolour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from lithoscope.figures.style import short_label
from lithoscope.viewer.minerals_shown import UNKNOWN_NAME, MineralLayer
from lithoscope.viewer.state import ViewState

_MARGIN = (2, 6)
_SWATCH = """
:host .bk-input { padding: 0; height: 18px; min-height: 18px; border: 1px solid #666666; }
:host input::-webkit-color-swatch-wrapper { padding: 0; }
:host input::-webkit-color-swatch { border: none; }
"""


def legend_entries(
    layer: MineralLayer,
    state: ViewState,
    toggled: Callable[[str, Any], None],
    recoloured: Callable[[str, Any], None],
) -> list[Any]:
    """Make a colour, a switch and a percentage for each mineral and for unknown.

    Parameters
    ----------
    layer
        The map.
    state
        What is hidden and recoloured.
    toggled, recoloured
        Called with a mineral and Panel's event when its switch or colour is used.
    """
    key, percents = layer.key(), layer.percentages()
    rows: list[Any] = [pn.pane.HTML("<small>area % without void</small>", margin=_MARGIN)]
    for name in [*key.colours, *([UNKNOWN_NAME] if UNKNOWN_NAME in percents else [])]:
        colour = pn.widgets.ColorPicker(
            value=state.recoloured.get(name, key.colour(name)),
            width=26,
            height=18,
            margin=_MARGIN,
            stylesheets=[_SWATCH],
        )
        switch = pn.widgets.Checkbox(
            label=f"{short_label(name, width=20)}  {percents.get(name, 0.0):.1f}",
            value=name not in state.hidden,
            margin=_MARGIN,
            width=190,
        )
        colour.param.watch(partial(recoloured, name), "value")
        switch.param.watch(partial(toggled, name), "value")
        rows.append(pn.Row(colour, switch, margin=0))
    if key.others:
        rest = sum(percents.get(name, 0.0) for name in key.others)
        text = f"<small>grey: {len(key.others)} other minerals {rest:.1f}</small>"
        rows.append(pn.pane.HTML(text, margin=_MARGIN))
    return rows
