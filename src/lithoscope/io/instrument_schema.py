"""The edge where YAML becomes an instrument.

The schema is made from the dataclasses of `lithoscope.core.instrument`, so that a file can name
exactly what an instrument has, and units stand in the names::

    based_on: m4-tornado        # optional: then only what differs needs to be named
    name: our-tornado
    tube:
      voltage_kV: 40
      filters:
        - {formula: Al, thickness_um: 12.5, density_g_cm3: 2.70}
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, ClassVar, Union

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InstrumentError, LithoscopeError, nearest_names

_SHOWN_LENGTH = 60


def instrument_from_mapping(document: object, source: str) -> Instrument:
    """Make an instrument of what stands in a YAML file.

    Parameters
    ----------
    document
        The parsed file, with all that an instrument needs.
    source
        What to call it in messages, such as its path.

    Raises
    ------
    InstrumentError
        If a field is unknown, missing, of the wrong type, or holds an impossible value.
    """
    try:
        instrument: Instrument = _model_of(Instrument).model_validate(document).build()
        return instrument
    except ValidationError as error:
        raise _explained(error, source) from None
    except LithoscopeError as error:
        raise InstrumentError(
            f"{source}: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from None


def merged(base: dict[str, Any], differences: dict[str, Any]) -> dict[str, Any]:
    """Return a document with some of its fields replaced; lists are replaced whole."""
    result = dict(base)
    for key, value in differences.items():
        both_are_parts = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both_are_parts else value
    return result


class _Part(BaseModel):
    """A part of an instrument as it stands in YAML; `kind` is its dataclass."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: ClassVar[type]

    def build(self) -> Any:
        """Make the dataclass; what the file left out keeps the dataclass's default."""
        return self.kind(**{name: _built(getattr(self, name)) for name in self.model_fields_set})


def _built(value: Any) -> Any:
    if isinstance(value, _Part):
        return value.build()
    return tuple(_built(item) for item in value) if isinstance(value, list) else value


@functools.cache
def _model_of(kind: type) -> type[_Part]:
    """Return a model with the fields of a dataclass; those without a default are required.

    An instrument's parts are therefore required, and most values within them are not.
    """
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        default = ... if field.default is dataclasses.MISSING else field.default
        fields[field.name] = (_with_models(hints[field.name]), default)
    model = create_model(kind.__name__, __base__=_Part, **fields)
    model.kind = kind
    return model


def _with_models(hint: Any) -> Any:
    """Replace the dataclasses in a type by their models, and tuples by lists as YAML has them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _model_of(typing.cast(type, hint))
    if origin is tuple:
        return list[_with_models(arguments[0])]  # type: ignore[misc]
    if origin is types.UnionType:
        return Union[tuple(_with_models(argument) for argument in arguments)]  # noqa: UP007
    return hint


def _explained(error: ValidationError, source: str) -> InstrumentError:
    """Say the first of pydantic's complaints in our words."""
    fault = error.errors(include_url=False)[0]
    path = ".".join(_shown(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _fields_at(fault["loc"][:-1])
        near = nearest_names(str(fault["loc"][-1]), known, count=1)
        return InstrumentError(
            f"{source}: there is no field '{path}'.",
            expected=f"fields among {', '.join(known)}",
            remedy=f"write '{near[0]}'" if near else "remove it",
        )
    if fault["type"] == "missing":
        return InstrumentError(
            f"{source}: '{path}' is missing.",
            expected=f"all of {', '.join(_fields_at(fault['loc'][:-1]))}",
            remedy="add it, or start from a shipped instrument with 'based_on: m4-tornado'",
        )
    if fault["type"] == "model_type":
        return InstrumentError(
            f"{source}: {path} is {_shown(fault['input'])}.",
            expected=f"fields among {', '.join(_fields_at(fault['loc']))}",
        )
    return InstrumentError(
        f"{source}: {path} is {_shown(fault['input'])}.",
        expected=fault["msg"].removeprefix("Input should be "),
    )


def _fields_at(place: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the fields that may stand at a place, such as ``('tube', 'window', 0)``."""
    model = _model_of(Instrument)
    for name in place:
        if isinstance(name, str):
            hint = model.model_fields[name].annotation
            model = next(found for found in (hint, *typing.get_args(hint)) if _is_model(found))
    return tuple(model.model_fields)


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, _Part)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
