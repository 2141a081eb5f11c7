"""The server of the page, on this machine alone."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from typing import Any

from lithoscope.errors import InvalidValueError, LithoscopeError

ADDRESS = "127.0.0.1"
_HIGHEST_PORT = 65_535


class ViewerError(LithoscopeError):
    """A page that cannot be served."""


def start_server(make_layout: Callable[[], Any], *, port: int | None, title: str) -> Any:
    """Begin to listen; nothing is served until its ``io_loop`` is started.

    Parameters
    ----------
    make_layout
        Makes a page for each reader.
    port
        Port to listen on; any free one if left out.
    title
        Title of the browser's tab.

    Returns
    -------
    server
        A server of Bokeh's, with `port`.

    Raises
    ------
    InvalidValueError
        If that is no port.
    ViewerError
        If the port is in use or not allowed, or Panel is not installed.
    """
    if port is not None and not 1 <= port <= _HIGHEST_PORT:
        raise InvalidValueError(f"Port {port}.", expected=f"1 to {_HIGHEST_PORT}")
    try:
        import panel
    except ImportError as problem:
        raise viewer_missing() from problem
    panel.extension(notifications=False)
    if port is None:
        port = _free_port()
    try:
        return panel.io.server.get_server(
            make_layout,
            port=port,
            address=ADDRESS,
            websocket_origin=[f"{ADDRESS}:{port}"],
            title=title,
            show=False,
            start=False,
            verbose=False,
        )
    except OSError as problem:
        raise ViewerError(
            f"Port {port} cannot be used: {problem.strerror or problem}.",
            expected="a port that no other program listens on",
            remedy="name another with --port, or leave it out for any that is free",
        ) from problem


def _free_port() -> int:
    # Asked for by itself: the one origin from which a page may talk to the server names the port.
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def viewer_missing() -> ViewerError:
    """Return the error for an installation without the extra ``viewer``."""
    return ViewerError(
        "The viewer needs Panel, which is not installed.",
        expected="the extra 'viewer'",
        remedy="pip install 'lithoscope[viewer]'",
    )


def open_browser(url: str) -> bool:
    """Show a page in the user's browser; return whether there is one."""
    try:
        return webbrowser.open(url)
    except (OSError, webbrowser.Error):
        return False
