"""The command line: one small file a command, and one place where errors become messages."""

from __future__ import annotations

import sys

import typer

from lithoscope.cli import (
    benchmark,
    ceiling,
    classify,
    dataset,
    demo,
    evaluate,
    finetune,
    info,
    map_scan,
    minerals,
    models,
    phantom,
    preprocess,
    simulate,
    study,
    train,
    view,
)
from lithoscope.cli.terminal import print_error
from lithoscope.errors import LithoscopeError

USE, MAKE, RESEARCH = "Use", "Make", "Research"

app = typer.Typer(
    help="From a micro-XRF scan of a rock to a mineral map that says how sure it is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("map", rich_help_panel=USE)(map_scan.map_scan)
app.command("classify", rich_help_panel=USE)(classify.classify)
app.command("view", rich_help_panel=USE)(view.view)
app.command("info", rich_help_panel=USE)(info.info)
app.command("demo", rich_help_panel=USE)(demo.demo)
app.command("simulate", rich_help_panel=MAKE)(simulate.simulate)
app.command("dataset", rich_help_panel=MAKE)(dataset.dataset)
app.command("phantom", rich_help_panel=MAKE)(phantom.phantom)
app.command("preprocess", rich_help_panel=MAKE)(preprocess.preprocess)
app.add_typer(minerals.app, name="minerals", rich_help_panel=MAKE)
app.command("train", rich_help_panel=RESEARCH)(train.train)
app.command("finetune", rich_help_panel=RESEARCH)(finetune.finetune)
app.command("evaluate", rich_help_panel=RESEARCH)(evaluate.evaluate)
app.command("ceiling", rich_help_panel=RESEARCH)(ceiling.ceiling)
app.command("study", rich_help_panel=RESEARCH)(study.study)
app.command("models", rich_help_panel=RESEARCH)(models.models)

app.add_typer(benchmark.app, name="benchmark", rich_help_panel=RESEARCH)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"lithoscope {version_of('lithoscope')}")
        raise typer.Exit


def run() -> None:
    """Run the command line; exit 2 with one message for what the user can mend."""
    try:
        app()
    except LithoscopeError as error:
        print_error(str(error))
        sys.exit(2)
