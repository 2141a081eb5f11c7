"""Answers about spectra, found by what a table of labels calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import LabelError, MineralError
from lithoscope.io.label_tables import LabelTable
from lithoscope.io.stored_results import Answer
from lithoscope.minerals import load_library


def finder_of_answers(answers: tuple[Answer, ...], path: Path) -> Callable[[str, int, int], Answer]:
    """Return what finds an answer by file, whole or its name alone, and index."""
    whole: Mapping[tuple[str, int], Answer] = {(one.file, one.index): one for one in answers}
    by_name: dict[tuple[str, int], list[Answer]] = {}
    for one in answers:
        by_name.setdefault((Path(one.file).name, one.index), []).append(one)

    def find(file: str, index: int, line: int) -> Answer:
        near = by_name.get((file, index), [])
        if (file, index) in whole:
            return whole[file, index]
        if len(near) == 1:
            return near[0]
        raise LabelError(
            f"{path}, line {line}: the result holds "
            f"{'several spectra' if near else 'no spectrum'} {index} of {file}.",
            expected="files as the result names them, such as " + answers[0].file,
        )

    return find


def classes_of_answers(answers: tuple[Answer, ...], table: LabelTable) -> LabelSet:
    """All groups that answers mention, and labelled minerals of the library beside them."""
    groups = dict.fromkeys(
        members for one in answers for members in (one.members, *one.others) if members
    )
    known = {name for members in groups for name in members}
    library = load_library()
    for label in table.labels:
        try:
            name = library.get(label.mineral).name
        except MineralError:
            continue
        if name not in known:
            known.add(name)
            groups[(name,)] = None
    return LabelSet(tuple(Group(members) for members in groups))
