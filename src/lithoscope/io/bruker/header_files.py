"""Bruker's header, from the two kinds of file that carry it."""

from __future__ import annotations

from pathlib import Path

from lithoscope.errors import ScanError, SpectrumError
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.header import BrukerHeader, parse_header
from lithoscope.io.bruker.xml_tree import MAX_BYTES
from lithoscope.io.formats import read_bounded

HEADER_DATA = "EDSDatabase/HeaderData"


def read_bruker_header(path: Path) -> BrukerHeader:
    """Read the header of a ``.bcf`` or ``.spx`` file.

    Raises
    ------
    FileFormatError
        If the file cannot be read: a `ScanError` for .bcf, a `SpectrumError` for .spx.
    """
    if path.suffix.lower() == ".bcf":
        with SfsContainer(path) as container:
            return header_of_container(container)
    raw = read_bounded(path, limit=MAX_BYTES, error=SpectrumError)
    return parse_header(raw, where=str(path), error=SpectrumError)


def header_of_container(container: SfsContainer) -> BrukerHeader:
    """Read the header of an open .bcf."""
    raw = container.read(HEADER_DATA, limit=MAX_BYTES)
    return parse_header(raw, where=f"{HEADER_DATA} of {container.path}", error=ScanError)
