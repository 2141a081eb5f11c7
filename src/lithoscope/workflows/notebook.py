"""Results as notebooks show them; every text is escaped, since names come from files."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lithoscope.figures.save import figure_bytes

if TYPE_CHECKING:
    from lithoscope.workflows.classify import Classified
    from lithoscope.workflows.identify import Identifiability
    from lithoscope.workflows.mineral_map import MineralMap

_SHOWN = 12
_LEFT, _RIGHT = "text-align:left", "text-align:right"


def html_of_map(result: MineralMap) -> str:
    """Return the map's picture, its percentages and its warnings."""
    picture = base64.b64encode(figure_bytes(result.plot())).decode("ascii")
    rows = [row for row in result.percentages() if row["pixels"]]
    table = _table(
        ("mineral", "pixels", "area %", "95 % interval", "weight %"),
        [
            (
                row["mineral"],
                f"{row['pixels']:,}",
                _percent(row["area_percent"]),
                _interval(row),
                _percent(row["weight_percent"]),
            )
            for row in rows[:_SHOWN]
        ],
        left=1,
    )
    more = f"<p>and {len(rows) - _SHOWN} more</p>" if len(rows) > _SHOWN else ""
    warnings = "".join(f"<p>Warning: {html.escape(line)}</p>" for line in result.warnings)
    image = f'<img src="data:image/png;base64,{picture}" alt="Mineral map" style="max-width:100%">'
    return f"<div>{image}{table}{more}{warnings}</div>"


def html_of_classified(said: Classified) -> str:
    """Return one row a spectrum: the answer, and the most probable groups."""
    rows = [
        (
            str(one["index"]),
            f"{one['counts']:,.0f}",
            f"{one['answer']['label']} ({one['answer']['level']})",
            ", ".join(f"{top['mineral']} {100 * top['probability']:.1f} %" for top in one["top"]),
            "yes" if one["unknown"] else "no",
        )
        for one in said
    ]
    return _table(("", "counts", "answer", "most probable", "unknown"), rows, left=5)


def html_of_identifiability(found: Identifiability) -> str:
    """Return the groups that stay together, and the pairs that are confused."""
    together = [group.label for group in found.groups if len(group.members) > 1]
    groups = "".join(f"<li>{html.escape(label)}</li>" for label in together)
    head = (
        f"<p>{html.escape(found.instrument)}: {len(found.series)} minerals, {len(found.groups)} "
        f"groups that the best possible classifier can tell apart</p><ul>{groups}</ul>"
    )
    pairs = found.confusable()
    if not pairs:
        return f"<div>{head}<p>No other pair is confused at {found.counts:,.0f} counts.</p></div>"
    rows = [(" - ".join(pair.minerals), f"{100 * pair.error:.0f}") for pair in pairs]
    return f"<div>{head}{_table(('pair', 'error %'), rows, left=1)}</div>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, left: int) -> str:
    """Return a table whose first columns are flush left, and the others right."""
    sides = [_LEFT if place < left else _RIGHT for place in range(len(heads))]

    def line(tag: str, cells: Sequence[Any]) -> str:
        shown = "".join(
            f'<{tag} style="{side}">{html.escape(str(cell))}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{shown}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', heads)}</thead><tbody>{body}</tbody></table>"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _interval(row: dict[str, Any]) -> str:
    low, high = row["area_percent_low"], row["area_percent_high"]
    return "" if low is None else f"{low:.2f} to {high:.2f}"
