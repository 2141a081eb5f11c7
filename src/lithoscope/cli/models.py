"""``lithoscope models``."""

from __future__ import annotations

from lithoscope.cli.options import JsonOption
from lithoscope.cli.terminal import print_json, print_line, print_table, progress_bar


def models(as_json: JsonOption = False) -> None:
    """List the networks that can be trained, what they cost, and how fast they are here.

    Example: lithoscope models
    """
    from lithoscope.workflows.describe_networks import describe_networks

    with progress_bar("measuring") as progress:
        facts = describe_networks(progress)
    if as_json:
        print_json(facts)
        return
    columns = [
        *(("network", "left"), ("parameters", "right"), ("MACs", "right")),
        *(("spectra/s", "right"), ("what it is", "left")),
    ]
    print_table(
        columns,
        [
            [
                row["name"],
                f"{row['parameters'] / 1e3:,.0f} k",
                f"{row['multiply_adds'] / 1e6:.2f} M",
                _rounded(row["spectra_per_s"]),
                row["summary"],
            ]
            for row in facts["networks"]
        ],
    )
    measured = facts["measured"]
    load = measured["load_before"]
    print_line("")
    print_line(
        f"Parameters, and MACs (multiply-adds) a spectrum, for {facts['n_bins']} bins and "
        f"{facts['n_classes']} classes."
    )
    print_line(
        f"Fastest of chunks for {measured['seconds_each']:g} s each, without preprocessing: "
        f"{measured['precision']},\n{measured['threads']} thread(s)"
        + ("" if load is None else f", load of the machine {load:.1f}")
        + "."
    )
    print_line("Inputs:")
    by_inputs: dict[str, list[str]] = {}
    for row in facts["networks"]:
        by_inputs.setdefault(row["takes"], []).append(row["name"])
    for takes, names in sorted(by_inputs.items(), key=lambda pair: len(pair[1])):
        print_line(f"  {takes}: {', '.join(names) if len(names) == 1 else 'all others'}")


def _rounded(rate: float) -> str:
    """Two digits: a short measurement holds no more."""
    return f"{float(f'{rate:.2g}'):,.0f}"
