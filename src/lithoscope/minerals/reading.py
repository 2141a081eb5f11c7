"""Reading mineral files: all of a file or nothing, and where a fault stands."""

from __future__ import annotations

from collections.abc import Callable

import yaml
from pydantic import ValidationError

from lithoscope.core.mineral import Mineral
from lithoscope.core.plain_yaml import YamlDocument, load_own_yaml, load_yaml_document
from lithoscope.errors import FileFormatError, LithoscopeError, MineralError, nearest_names
from lithoscope.minerals.names import name_key
from lithoscope.minerals.schema import KEYS, MineralEntry

_SHOWN_LENGTH = 60


def read_minerals(
    text: str, source: str, shipped: Callable[[str], Mineral], *, trusted: bool = False
) -> list[Mineral]:
    """Read a list of minerals from YAML.

    Parameters
    ----------
    text
        The YAML text.
    source
        What to call it in messages, such as its path.
    shipped
        Finds the mineral that an entry names, or raises `MineralError`.
    trusted
        Whether the text comes with Lithoscope.

    Raises
    ------
    FileFormatError
        If it is not YAML, or not a list.
    MineralError
        If an entry is not sound, or two share a name; the message names the file, the line and
        the entry.
    """
    document = _load_yaml(text, source, trusted)
    entries = document.value
    if not isinstance(entries, list) or not entries:
        raise FileFormatError(
            f"{source} is {'empty' if not text.strip() else 'not a list of minerals'}.",
            expected="entries such as '- name: eucryptite' with 'formula: LiAlSiO4' below, "
            "or '- quartz'",
        )
    minerals = []
    lines: dict[str, int] = {}
    for index, entry in enumerate(entries):
        minerals.append(_read_entry(entry, index, document, source, shipped))
        _refuse_second_name(minerals[-1], lines, document.line((index,)), source)
    return minerals


def _read_entry(
    entry: object,
    index: int,
    document: YamlDocument,
    source: str,
    shipped: Callable[[str], Mineral],
) -> Mineral:
    whose = f"entry {index + 1}{_named(entry)}"
    try:
        if isinstance(entry, str):
            return shipped(entry)
        return MineralEntry.model_validate(entry).to_mineral()
    except ValidationError as error:
        path = tuple(error.errors(include_url=False)[0]["loc"])
        where = f"{source}, line {document.line((index, *path))}, {whose}"
        raise _explained(error, where) from None
    except LithoscopeError as error:
        where = f"{source}, line {document.line((index,))}, {whose}"
        raise MineralError(
            f"{where}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None


def _refuse_second_name(mineral: Mineral, lines: dict[str, int], line: int, source: str) -> None:
    keys = {name_key(name): name for name in (mineral.name, *mineral.aliases)}
    for key, name in keys.items():
        if key in lines:
            raise MineralError(
                f"{source}, line {line}: '{name}' means two entries, this and that of line "
                f"{lines[key]}.",
                expected="each name and alias once",
                remedy="remove or rename one of them",
            )
    lines.update(dict.fromkeys(keys, line))


def _named(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f" ({_shown(name)})" if isinstance(name, str) else ""


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


def _explained(error: ValidationError, where: str) -> MineralError:
    """Say the first of pydantic's complaints in our words."""
    fault = error.errors(include_url=False)[0]
    key = ".".join(_shown(part) for part in fault["loc"] if part != "[key]")
    if not fault["loc"]:
        return MineralError(
            f"{where} is {_shown(fault['input'])}.",
            expected="a mapping with 'name' and 'formula', or the name of a shipped mineral",
        )
    own = fault.get("ctx", {}).get("error")
    if own is not None and own.args and isinstance(own.args[0], LithoscopeError):
        cause = own.args[0]
        return MineralError(
            f"{where}: {key}: {cause.problem}", expected=cause.expected, remedy=cause.remedy
        )
    if fault["type"] == "extra_forbidden":
        near = nearest_names(key, KEYS, count=1)
        return MineralError(
            f"{where}: there is no key '{key}'.",
            expected=f"keys among {', '.join(KEYS)}",
            remedy=f"write '{near[0]}'" if near else "remove it",
        )
    if fault["type"] == "missing":
        return MineralError(
            f"{where}: '{key}' is missing.", expected="at least 'name' and 'formula'"
        )
    return MineralError(
        f"{where}: {key} is {_shown(fault['input'])}.",
        expected=fault["msg"].removeprefix("Input should be ").removeprefix("List should have "),
        remedy="quote names and formulas that YAML reads as something else, such as 'No'",
    )


def _load_yaml(text: str, source: str, trusted: bool) -> YamlDocument:
    try:
        return load_own_yaml(text) if trusted else load_yaml_document(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileFormatError(f"{source}{place}: {error.problem}.", expected="YAML") from None
    except yaml.YAMLError as error:
        raise FileFormatError(
            f"{source} is not YAML: {_shown(error)}.", expected="a text file with a YAML list"
        ) from None
