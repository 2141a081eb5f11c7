"""Every command that pages, README and --help quote exists, with the options that they name."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from lithoscope.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CLI = typer.main.get_command(app)


def commands():
    """Yield the path and the command of each that can be called, groups left out."""
    todo = [((), CLI)]
    while todo:
        path, command = todo.pop()
        inside = getattr(command, "commands", None)
        if inside is None:
            yield path, command
        else:
            todo += [((*path, name), one) for name, one in inside.items()]


COMMANDS = dict(commands())


def quoted(text):
    """Return the lines of code blocks that call lithoscope, without comments and prompts."""
    blocks = re.findall(r"^```(?:bash|)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`(lithoscope [a-z][^`\n]*)`", text)
    return [line for line in (*lines, *inline) if line.startswith("lithoscope ")]


def check(line):
    words = shlex.split(line.split(" #")[0].split(" | ")[0])[1:]
    options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in COMMANDS), None)
    if path is None:
        known = {name for option in CLI.params for name in option.opts} | {"--help", "-h"}
        assert words[0] in known | set(CLI.commands), line
        return
    given = COMMANDS[path].params
    known = {name for one in given for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    assert set(options) <= known, f"{line}: {set(options) - known}"


def examples(command):
    """Return the examples of a command's help, however its lines are broken."""
    text = " ".join((command.help or "").split())
    return re.findall(r"(lithoscope [a-z].*?)(?= (?:Example|To |[A-Z]\w+ [a-z]+:)|$)", text)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_command_s_help_has_an_example_of_itself(path):
    found = examples(COMMANDS[path])
    assert found
    assert shlex.split(found[0])[1 : 1 + len(path)] == list(path)
    for line in found:
        check(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_pages_have_the_options_that_they_name(page):
    for line in quoted(page.read_text(encoding="utf-8")):
        check(line)


def test_an_option_that_does_not_exist_is_found():
    with pytest.raises(AssertionError, match="--colour"):
        check("lithoscope map sample.bcf --colour red")
    with pytest.raises(AssertionError):
        check("lithoscope paint sample.bcf")


def test_some_commands_are_quoted():
    assert sum(len(quoted(page.read_text(encoding="utf-8"))) for page in PAGES) > 40
