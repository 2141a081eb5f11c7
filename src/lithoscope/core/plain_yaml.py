"""YAML from users: plain values, no aliases, no key twice, and the line each value stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_SHOWN = 60


class PlainLoader(yaml.SafeLoader):
    """Refuses aliases, with which a short file makes an unbounded one, and double keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping in which no key stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                shown = key.value[:_SHOWN]
                raise yaml.MarkedYAMLError(
                    problem=f"'{shown}' stands twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True)
class YamlDocument:
    """The value of a YAML text, and the lines that its parts stand on."""

    value: object
    root: yaml.Node | None

    def line(self, path: Sequence[object] = ()) -> int:
        """Return the line, from 1, of the part that keys and indices lead to.

        Where the path leads on to what is not there, the line of the last part that is.
        """
        node = self.root
        line = 1 if node is None else node.start_mark.line + 1
        for step in path:
            found = _child(node, step)
            if found is None:
                return line
            line, node = found
        return line


def _child(node: yaml.Node | None, step: object) -> tuple[int, yaml.Node] | None:
    """Line and node of one key or index within a node."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        if 0 <= step < len(node.value):
            return node.value[step].start_mark.line + 1, node.value[step]
        return None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark.line + 1, value
    return None


def load_plain_yaml(text: str) -> object:
    """Return the values of a YAML text.

    Raises
    ------
    yaml.YAMLError
        If the text is not plain YAML; nesting too deep and values that do not fit their type
        (such as a date of month 13) are reported so too.
    """
    return load_yaml_document(text).value


def load_yaml_document(text: str) -> YamlDocument:
    """Return the values of a YAML text and where they stand.

    Raises
    ------
    yaml.YAMLError
        As `load_plain_yaml`.
    """
    try:
        # A SafeLoader: nothing but plain values comes out of it.
        loader = PlainLoader(text)
        try:
            root = loader.get_single_node()
            return YamlDocument(None if root is None else loader.construct_document(root), root)
        finally:
            loader.dispose()
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(str(error)[:300]) from None


def load_own_yaml(text: str) -> YamlDocument:
    """Return the values of a YAML text that comes with Lithoscope, ten times as fast.

    libyaml reads it where that is there, without the checks that only foreign text needs; values
    are text, decimal numbers, lists and mappings.
    """
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is None:
        return load_yaml_document(text)
    root = yaml.compose(text, Loader=fast)
    return YamlDocument(_own_value(root), root)


def _own_value(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {_own_value(key): _own_value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_own_value(item) for item in node.value]
    if not isinstance(node, yaml.ScalarNode):
        return None
    if node.tag.endswith(":int"):
        return int(node.value)
    return float(node.value) if node.tag.endswith(":float") else node.value
