"""Bruker's header, from the two kinds of file that carry it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lithoscope.errors import ScanError, SpectrumError
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.header import BrukerHeader, parse_header
from lithoscope.io.bruker.images import mosaic_of
from lithoscope.io.bruker.overview import Overview, overview_of
from lithoscope.io.bruker.xml_tree import MAX_BYTES, parse_xml
from lithoscope.io.formats import existing_file, read_bounded

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


def read_mosaic(path: str | Path) -> NDArray[Any] | None:
    """Read the optical overview that was taken before a .bcf map.

    Returns
    -------
    ndarray or None
        Shape (y, x), with a last axis where there are several planes or colours, in the order in
        which they are stored; ``None`` if there is no overview.

    Raises
    ------
    ScanError
        If the file is no sound .bcf.
    """
    return mosaic_of(_header_root(path))


def read_overview(path: str | Path) -> Overview | None:
    """Read the optical overview of a .bcf map, with the place of the map in it.

    Returns
    -------
    Overview or None
        ``None`` if there is no overview.

    Raises
    ------
    ScanError
        If the file is no sound .bcf.
    """
    return overview_of(_header_root(path))


def _header_root(path: str | Path) -> ET.Element:
    path = existing_file(path, (".bcf",), ScanError)
    with SfsContainer(path) as container:
        raw = container.read(HEADER_DATA, limit=MAX_BYTES)
    return parse_xml(raw, where=f"{HEADER_DATA} of {path}", error=ScanError)


def header_of_container(container: SfsContainer) -> BrukerHeader:
    """Read the header of an open .bcf."""
    raw = container.read(HEADER_DATA, limit=MAX_BYTES)
    return parse_header(raw, where=f"{HEADER_DATA} of {container.path}", error=ScanError)
