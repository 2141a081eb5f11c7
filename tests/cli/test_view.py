import builtins
import socket
import webbrowser

import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.viewer.server import ViewerError, open_browser, start_server


def test_a_port_in_use_is_told_with_a_way_on():
    pytest.importorskip("panel")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ViewerError, match=rf"Port {port} cannot be used[\s\S]*--port"):
            start_server(lambda: None, port=port, title="x")


def test_the_server_listens_to_this_machine_alone():
    pytest.importorskip("panel")
    server = start_server(lambda: None, port=None, title="x")
    try:
        listening = [sock.getsockname() for sock in server._http._sockets.values()]
        assert listening == [("127.0.0.1", server.port)]
    finally:
        server.stop()


@pytest.mark.parametrize("port", [0, -1, 70_000])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(InvalidValueError, match=f"Port {port}"):
        start_server(lambda: None, port=port, title="x")


def test_without_the_extra_it_is_named(monkeypatch, lithoscope, tmp_path):
    import numpy as np

    path = tmp_path / "scan.npz"
    np.savez(path, counts=np.ones((2, 2, 500), np.uint8), energy_keV=0.01 * np.arange(500))
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.split(".")[0] in ("panel", "bokeh"):
            raise ImportError(name)
        return real(name, *rest, **more)

    import sys

    for name in [name for name in sys.modules if name.startswith("lithoscope.viewer.pa")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    status, _, said = lithoscope("view", path)
    assert status == 2
    assert "pip install 'lithoscope[viewer]'" in said


@pytest.mark.parametrize("fault", [OSError, webbrowser.Error])
def test_a_browser_that_cannot_be_opened_is_no_fault(monkeypatch, fault):
    def fail(url):
        raise fault("no browser")

    monkeypatch.setattr(webbrowser, "open", fail)
    assert open_browser("http://127.0.0.1:1/") is False


def test_a_scan_that_does_not_exist_ends_with_one_message(lithoscope, tmp_path):
    status, _, said = lithoscope("view", tmp_path / "nowhere.bcf")
    assert status == 2
    assert "does not exist" in said
