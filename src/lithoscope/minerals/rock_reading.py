"""The edge where YAML becomes rocks: a list of ``name``, ``minerals`` with ranges, and ``also``."""

from __future__ import annotations

from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lithoscope.core.plain_yaml import YamlDocument, load_yaml_document
from lithoscope.errors import FileFormatError, MineralError
from lithoscope.minerals.names import name_key
from lithoscope.minerals.rocks import Rock


class RockEntry(BaseModel):
    """A rock as it stands in YAML; ``also`` holds its other names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    minerals: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    also: list[str] = []

    def to_rock(self) -> Rock:
        """Make the rock; what it cannot be raises a `MineralError`."""
        ranges = {mineral: (low, high) for mineral, (low, high) in self.minerals.items()}
        return Rock(self.name, ranges, tuple(self.also))


def read_rocks(text: str, source: str) -> tuple[Rock, ...]:
    """Read rocks from YAML.

    Raises
    ------
    FileFormatError
        If it is no YAML of that form; the message names the line.
    MineralError
        If a rock is not sound, or two share a name; the message names the line.
    """
    entries, document = _read_entries(text, source)
    rocks = []
    lines: dict[str, int] = {}
    for index, entry in enumerate(entries):
        line = document.line((index,))
        try:
            rocks.append(entry.to_rock())
        except MineralError as error:
            raise MineralError(
                f"{source}, line {line}: {error.problem}", expected=error.expected
            ) from None
        for key in map(name_key, (entry.name, *entry.also)):
            if key in lines:
                raise MineralError(
                    f"{source}, line {line}: '{key}' is the rock of line {lines[key]} too.",
                    expected="each name once",
                )
            lines[key] = line
    return tuple(rocks)


def _read_entries(text: str, source: str) -> tuple[list[RockEntry], YamlDocument]:
    try:
        document = load_yaml_document(text)
    except yaml.YAMLError as error:
        raise FileFormatError(
            f"{source} is not YAML: {str(error)[:200]}", expected="YAML"
        ) from None
    try:
        return TypeAdapter(list[RockEntry]).validate_python(document.value), document
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise FileFormatError(
            f"{source}, line {document.line(fault['loc'])}: "
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.",
            expected="a list of rocks, each with 'name' and 'minerals: {quartz: [0.2, 0.4]}'",
        ) from None
