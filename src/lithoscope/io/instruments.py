"""Instruments by name or file: those that ship, a user's YAML, or the header of a scan."""

from __future__ import annotations

import functools
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from lithoscope.core.instrument import Instrument
from lithoscope.core.plain_yaml import load_plain_yaml
from lithoscope.errors import InstrumentError, nearest_names
from lithoscope.io.instrument_schema import instrument_from_mapping, merged

_FOLDER = resources.files("lithoscope.io") / "data" / "instruments"
_YAML = (".yaml", ".yml")
_BRUKER = (".spx", ".bcf")
_MAX_BYTES = 1 << 16

_BEHIND_HEADERS = "m4-tornado"


@functools.cache
def shipped_instruments() -> tuple[str, ...]:
    """Return the names of the instruments that ship."""
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir()))


def load_instrument(name_or_path: str | Path) -> Instrument:
    """Return an instrument by the name of a shipped one, or from a file.

    Parameters
    ----------
    name_or_path
        A name of `shipped_instruments`, a ``.yaml`` file (see `lithoscope.io.instrument_schema`),
        or a ``.spx`` or ``.bcf`` file of an XRF machine, whose header is used. What that header
        lacks or contradicts is said in warnings.

    Raises
    ------
    InstrumentError
        If there is no such name or file, or a field of the file is unknown, missing or
        impossible.
    FileFormatError
        If a Bruker file cannot be read.
    """
    path = Path(name_or_path)
    suffix = path.suffix.lower()
    if str(name_or_path) in shipped_instruments():
        return _load_shipped(str(name_or_path))
    if suffix not in (*_YAML, *_BRUKER):
        raise _unknown(str(name_or_path))
    if not path.is_file():
        raise InstrumentError(
            f"There is no file {path}.",
            expected=f"a file, or one of {', '.join(shipped_instruments())}",
            remedy="check the name and the folder",
        )
    return _from_yaml(path) if suffix in _YAML else _from_bruker(path)


def header_default() -> Instrument:
    """Return the instrument that stands in for what Bruker's headers do not tell."""
    return _load_shipped(_BEHIND_HEADERS)


@functools.cache
def _load_shipped(name: str) -> Instrument:
    return instrument_from_mapping(_shipped_document(name), f"{name}.yaml")


def _shipped_document(name: str) -> dict[str, Any]:
    if name not in shipped_instruments():
        raise _unknown(name)
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return _complete(_mapping(text, f"{name}.yaml"), f"{name}.yaml")


def _unknown(name: str) -> InstrumentError:
    near = nearest_names(name, shipped_instruments())
    return InstrumentError(
        f"There is no instrument '{name}'.",
        expected=f"one of {', '.join(shipped_instruments())}, or a .yaml, .spx or .bcf file",
        remedy=f"did you mean {' or '.join(near)}?" if near else "",
    )


def _from_yaml(path: Path) -> Instrument:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InstrumentError(
            f"{path} cannot be read: {error}.", expected="a text file in UTF-8"
        ) from None
    if len(raw) > _MAX_BYTES:
        raise InstrumentError(f"{path} holds more than {_MAX_BYTES} bytes.", expected="a few KB")
    document = _complete(_mapping(text, str(path)), str(path))
    document.setdefault("name", path.stem)
    return instrument_from_mapping(document, str(path))


def _complete(document: dict[str, Any], source: str) -> dict[str, Any]:
    """Fill in what a file takes over from the shipped instrument that it is based on."""
    if "based_on" not in document:
        return document
    differences = {key: value for key, value in document.items() if key != "based_on"}
    base = document["based_on"]
    if not isinstance(base, str) or base not in shipped_instruments():
        raise InstrumentError(
            f"{source}: based_on is {str(base)[:60]}.",
            expected=f"one of {', '.join(shipped_instruments())}",
        )
    inherited = {key: value for key, value in _shipped_document(base).items() if key != "name"}
    return merged(inherited, differences)


def _mapping(text: str, source: str) -> dict[str, Any]:
    try:
        document = load_plain_yaml(text)
    except yaml.YAMLError as error:
        raise InstrumentError(
            f"{source} is not plain YAML: {str(error)[:300]}.",
            expected="fields and values, such as 'name: our-tornado'",
        ) from None
    if not isinstance(document, dict):
        raise InstrumentError(
            f"{source} holds no fields.",
            expected="fields and values, such as 'name: our-tornado'",
        )
    return document


def _from_bruker(path: Path) -> Instrument:
    from lithoscope.io.bruker.header_files import read_bruker_header
    from lithoscope.io.bruker.instrument import instrument_from_header

    header = read_bruker_header(path)
    instrument, notes = instrument_from_header(
        header, name=header.machine, default=header_default()
    )
    for note in notes:
        warnings.warn(f"{path}: {note}", stacklevel=3)
    return instrument
