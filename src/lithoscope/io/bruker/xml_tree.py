"""Bruker's XML, made well-formed and read with care.

Bruker writes WINDOWS-1252, tags that begin with a digit, control characters, and decimals with
the comma of the machine's language.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

from lithoscope.errors import FileFormatError

# The mosaic image makes headers of several MB; elements are thousands, never millions.
MAX_BYTES = 256 << 20
_MAX_ELEMENTS = 2_000_000

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9-]+)["']""")
_DEFINITION = re.compile(r"<!(?!--|\[CDATA\[)")
_DIGIT_TAG = re.compile(r"<(/?)(?=\d)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENCODINGS = {"windows-1252": "cp1252", "utf-8": "utf-8", "iso-8859-1": "latin-1"}


def parse_xml(raw: bytes, *, where: str, error: type[FileFormatError]) -> ET.Element:
    """Parse XML as Bruker writes it.

    Tags that begin with a digit get an underscore before it.

    Raises
    ------
    FileFormatError
        Of the given kind, if the XML is too large, defines entities, or is broken.
    """
    if len(raw) > MAX_BYTES:
        raise error(f"{where} holds {len(raw)} bytes.", expected=f"at most {MAX_BYTES} bytes")
    declared = _ENCODING.match(raw[:200])
    name = declared.group(1).decode().lower() if declared else "windows-1252"
    if name not in _ENCODINGS:
        raise error(f"{where} is encoded as {name}.", expected=", ".join(_ENCODINGS))
    text = _CONTROL.sub("", raw.decode(_ENCODINGS[name], "replace"))
    text = _DECLARATION.sub("", text, count=1)
    if _DEFINITION.search(text):
        raise error(
            f"{where} has a document type or defines entities.",
            expected="plain XML",
            remedy="Bruker writes neither: do not trust this file",
        )
    if text.count("<") > _MAX_ELEMENTS:
        raise error(f"{where} holds more than {_MAX_ELEMENTS} elements.", expected="a few thousand")
    try:
        return ET.fromstring(_DIGIT_TAG.sub(r"<\1_", text))
    except ET.ParseError as problem:
        raise error(
            f"{where} is not well-formed XML ({problem}).",
            expected="a header as Bruker's software writes it",
            remedy="copy or export the file again",
        ) from None


def text_of(element: ET.Element | None, tag: str) -> str:
    """Return the text of a child, empty where there is none."""
    return "" if element is None else (element.findtext(tag) or "").strip()


def number_of(element: ET.Element | None, tag: str) -> float | None:
    """Return the number in a child; ``None`` where it is missing or no finite number."""
    return to_number(text_of(element, tag))


def numbers_of(element: ET.Element | None, tag: str) -> tuple[float, ...]:
    """Return the numbers in a child's list, up to the first that is none."""
    numbers = []
    for word in text_of(element, tag).split(","):
        number = to_number(word)
        if number is None:
            break
        numbers.append(number)
    return tuple(numbers)


def to_number(word: str) -> float | None:
    """Return a decimal, written with a point or a comma."""
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
