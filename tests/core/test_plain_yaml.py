"""YAML with the lines its parts stand on, and the fast reader of our own files."""

from __future__ import annotations

from pathlib import Path

import pytest

import lithoscope.minerals
from lithoscope.core.plain_yaml import load_own_yaml, load_plain_yaml, load_yaml_document

DATA = Path(lithoscope.minerals.__file__).parent / "data"

TEXT = """\
- quartz
- name: x1
  end_members:
    SiO2: [0, 1]
    TiO2:
      - 0.5
      - 0.2
  7: seven
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        ((0,), 1),
        ((1,), 2),
        ((1, "name"), 2),
        ((1, "end_members"), 3),
        ((1, "end_members", "TiO2"), 5),
        ((1, "end_members", "TiO2", 1), 7),
        ((1, 7), 8),
        ((1, "end_members", "ZrO2"), 3),
        ((1, "name", "more"), 2),
        ((9,), 1),
        ((-1,), 1),
    ],
)
def test_lines(path: tuple[object, ...], line: int) -> None:
    document = load_yaml_document(TEXT)
    assert document.line(path) == line
    assert load_own_yaml(TEXT).line(path) == line


def test_an_empty_text_has_a_first_line() -> None:
    assert load_yaml_document("").value is None
    assert load_yaml_document("").line((3, "x")) == 1


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.name)
def test_both_readers_find_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert load_own_yaml(text).value == load_plain_yaml(text)
