"""YAML from users: plain values, no aliases, no key twice."""

from __future__ import annotations

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


def load_plain_yaml(text: str) -> object:
    """Return the values of a YAML text.

    Raises
    ------
    yaml.YAMLError
        If the text is not plain YAML; nesting too deep and values that do not fit their type
        (such as a date of month 13) are reported so too.
    """
    try:
        # A SafeLoader: nothing but plain values comes out of it.
        return yaml.load(text, Loader=PlainLoader)
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(str(error)[:300]) from None
