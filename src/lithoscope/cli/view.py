"""``lithoscope view``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.terminal import print_line, print_warnings, progress_bar


def view(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A result's folder, or a scan by itself.")
    ],
    scan: Annotated[
        Path | None, typer.Option("--scan", help="Where the result's scan is, if it has moved.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; any free one if left out.")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address and open no browser.")
    ] = False,
) -> None:
    """Look at a map or a scan in the browser: click a pixel to see its spectrum.

    The page is served to this machine alone, and loads nothing from the network.

    Example: lithoscope view sample-map
    """
    from lithoscope.viewer.server import ADDRESS, open_browser, start_server
    from lithoscope.workflows.view import view as open_view

    with progress_bar(path.name, "rows") as progress:
        make_page = open_view(path, scan=scan, progress=progress)
    server = start_server(make_page, port=port, title=f"Lithoscope: {path.name}")
    url = f"http://{ADDRESS}:{server.port}/"
    print_line(f"{url} (Ctrl+C ends it)")
    if not no_browser and not open_browser(url):
        print_warnings([f"no browser could be opened; open {url} yourself"])
    try:
        server.start()
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()
