"""``lithoscope preprocess``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lithoscope.cli.options import (
    EnergyAxisOption,
    InstrumentOption,
    JsonOption,
    SalvageOption,
    axis_from_option,
)
from lithoscope.cli.terminal import print_json, print_line, print_warnings, progress_bar

if TYPE_CHECKING:
    from lithoscope.core.scan import Scan
    from lithoscope.preprocess.chain import Chain

_COLUMNS = 78


def preprocess(
    scan: Annotated[Path, typer.Argument(help="Scan to process.")],
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps",
            help="Steps in a row (baseline,normalise), or a YAML file with a list of steps and "
            "their parameters.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Use the axis and the chain of this model instead."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write, ending in .zarr.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Draw a few pixels before and after in the terminal.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Draw them to a .png or .svg instead."),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="First correct the energy axis by the scan's own lines."),
    ] = False,
    instrument: InstrumentOption = None,
    energy_axis: EnergyAxisOption = None,
    salvage: SalvageOption = False,
    as_json: JsonOption = False,
) -> None:
    """Apply a preprocessing chain to a scan.

    Steps are rebin, snip (or baseline), als, morphology, normalise, standardise, wavelet, savgol,
    pca, vae and network. What has to be fitted is fitted to the scan itself.

    Example: lithoscope preprocess sample.bcf --steps baseline,normalise -o out.zarr
    """
    from lithoscope.errors import InvalidValueError
    from lithoscope.io import open_scan
    from lithoscope.io.aside import check_free
    from lithoscope.workflows.preprocess_scan import calibrated, fitted_to_scan, preprocess_scan

    if output is None and not show and figure is None:
        raise InvalidValueError(
            "Nothing is to be done with the result.", expected="-o, --show or --figure"
        )
    chain = _chosen_chain(steps, model)
    if output is not None:
        check_free(output)
    opened = open_scan(scan, energy_axis=axis_from_option(energy_axis), salvage=salvage)
    print_warnings(opened.warnings)
    document: dict[str, object] = {}
    if calibrate:
        opened, found = calibrated(opened, instrument)
        document["calibration"] = {
            "gain": found.gain,
            "gain_sigma": found.gain_sigma,
            "offset_keV": found.offset_keV,
            "offset_sigma_keV": found.offset_sigma_keV,
            "lines": sum(line.used for line in found.lines),
        }
        if not as_json:
            print_line(
                f"energy axis: gain {found.gain:.5f} ± {found.gain_sigma:.5f}, offset "
                f"{1e3 * found.offset_keV:+.1f} ± {1e3 * found.offset_sigma_keV:.1f} eV, from "
                f"{sum(line.used for line in found.lines)} lines"
            )
    chain = fitted_to_scan(chain, opened)
    if output is not None:
        with progress_bar(scan.name) as progress:
            document |= preprocess_scan(opened, chain, output, progress=progress)
        if not as_json:
            print_line(f"{chain}: {document['shape']} written to {output}")
    if show or figure is not None:
        _show(opened, chain, figure, terminal=show and not as_json)
    if as_json:
        print_json(document)


def _chosen_chain(steps: str | None, model: str | None) -> Chain:
    """Return the chain that is named, or that of a model, from its axis on."""
    from lithoscope.errors import InvalidValueError
    from lithoscope.preprocess.chain_files import chain_from_text
    from lithoscope.workflows.preprocess_scan import chain_of_model

    if (steps is None) == (model is None):
        raise InvalidValueError(
            "Either steps or a model say what is to be done.", expected="--steps or --model"
        )
    return chain_from_text(steps) if steps is not None else chain_of_model(str(model))


def _show(scan: Scan, chain: Chain, figure: Path | None, *, terminal: bool) -> None:
    from lithoscope.workflows.preprocess_scan import examples

    found = examples(scan, chain)
    if figure is not None:
        from lithoscope.figures.before_after import before_after_figure
        from lithoscope.figures.save import save_figure

        rows = [
            (
                f"pixel {one.pixel}",
                (one.before, one.before_edges_keV),
                (one.after, one.after_edges_keV),
            )
            for one in found
        ]
        save_figure(before_after_figure(rows, chain=str(chain), title=scan.title), figure)
        print_line(f"figure: {figure}")
    if terminal:
        import numpy as np

        from lithoscope.cli.terminal_plot import spectrum_lines
        from lithoscope.core.rebin import rebin_counts

        grid = np.linspace(0, 20, _COLUMNS + 1)
        for one in found:
            for name, values, edges in (
                ("before", one.before, one.before_edges_keV),
                ("after", one.after, one.after_edges_keV),
            ):
                if edges is None:
                    print_line(f"pixel {one.pixel}, {name}: {np.round(values, 3).tolist()}")
                    continue
                bars = rebin_counts(np.maximum(values, 0), from_edges_keV=edges, to_edges_keV=grid)
                print_line(f"pixel {one.pixel}, {name}")
                for line in spectrum_lines(np.maximum(bars, 1e-12), grid, [], rows=5)[1:]:
                    print_line(line)
