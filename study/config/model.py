"""The section `model` of a sweep file, made from what every architecture says of its settings."""

from __future__ import annotations

import difflib
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_type_hints

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from asteroid.errors import InputError
from asteroid.models.architectures import ARCHITECTURES, NAMED, settings_type
from study.config.meanings import add_meanings
from study.config.stages import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.models.network import NetworkSettings

    ArchitectureName = str
else:
    ArchitectureName = Literal[tuple(settings.architecture for settings in ARCHITECTURES)]


#: Largest number of a model's settings that does not say its own.
SETTING_MAX = 8192


class ModelSection(Section):
    """Architecture and settings of the networks; settings that are left out are the architecture's own.

    Attributes:
        architecture: name of the network, or `module:factory` for one of your own.
    """

    architecture: ArchitectureName = ARCHITECTURES[0].architecture

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.settings()  # which refuses what it cannot use
        return self

    def settings(self) -> NetworkSettings:
        """The model's own record of it."""
        return settings_type(self.architecture)(**self.model_dump(exclude={"architecture"}))


def _section_of(settings: type[NetworkSettings]) -> type[ModelSection]:
    """One key for each setting of an architecture, with its default and its bounds."""
    types = get_type_hints(settings)
    keys: dict[str, Any] = {
        field.name: (
            types[field.name],
            Field(
                default=... if field.default is MISSING else field.default, **_bounds(types[field.name], field.metadata)
            ),
        )
        for field in fields(settings)
    }
    keys["architecture"] = (Literal[settings.architecture], settings.architecture)
    return create_model(f"ModelSectionOf{settings.__name__}", __base__=ModelSection, __doc__=settings.__doc__, **keys)


def _bounds(kind: object, stated: Mapping[str, Any]) -> dict[str, Any]:
    unbounded = kind in (int, float) and not {"le", "lt"} & set(stated)
    return {**stated, "le": SETTING_MAX} if unbounded else dict(stated)


_SECTIONS = {settings.architecture: _section_of(settings) for settings in NAMED}


@cache
def _section_of_own(path: str) -> type[ModelSection]:
    try:
        return _section_of(settings_type(path))
    except InputError as error:
        raise PydanticCustomError("value_error", "{error}", {"error": str(error)}) from error


def _validated_by_architecture(given: Any) -> Any:
    name = given.get("architecture", ARCHITECTURES[0].architecture) if isinstance(given, dict) else None
    if not isinstance(name, str):
        return given  # a finished section, or something that the validation of the section refuses
    if name not in _SECTIONS and ":" not in name:
        error = InitErrorDetails(type=_no_such_architecture(name), loc=("architecture",), input=name)
        raise ValidationError.from_exception_data("model", [error])
    section = _SECTIONS.get(name) or _section_of_own(name)
    unknown = [key for key in given if key not in section.model_fields]
    if unknown:
        errors = [
            InitErrorDetails(type=_unknown(name, section, str(k)), loc=(str(k),), input=given[k]) for k in unknown
        ]
        raise ValidationError.from_exception_data("model", errors)
    return section.model_validate(given)


def _no_such_architecture(name: str) -> PydanticCustomError:
    """Said before anything of its settings, whose keys nobody can know."""
    module, dot, factory = name.rpartition(".")
    near = difflib.get_close_matches(name[:100], _SECTIONS, n=1)
    meant = near[0] if near else f"{module}:{factory}" if dot else None
    return PydanticCustomError(
        "value_error",
        "no architecture is called {name}{hint} (valid: {valid}, or module:factory for a network of your own)",
        {
            "name": repr(name[:100]),
            "hint": f": did you mean {meant[:100]!r}?" if meant else "",
            "valid": ", ".join(_SECTIONS),
        },
    )


def _unknown(name: str, section: type[ModelSection], key: str) -> PydanticCustomError:
    valid = list(section.model_fields)
    others = [other for other, theirs in _SECTIONS.items() if key in theirs.model_fields]
    if not others:
        return PydanticCustomError("extra_forbidden", "unknown key", {"valid": valid})
    return PydanticCustomError(
        "value_error",
        "this is a setting of architecture {others}, found architecture {name}: remove one of the two (valid: {valid})",
        {"others": ", ".join(others), "name": name, "valid": ", ".join(valid)},
    )


#: The section as a field of the sweep.
Model = SerializeAsAny[Annotated[ModelSection, BeforeValidator(_validated_by_architecture)]]

#: The section where the network is the user's: what else may stand there, its factory says.
_SCHEMA_OF_OWN = {
    "title": "ModelSectionOfOwn",
    "description": "A network of your own; the arguments of its factory are the keys.",
    "type": "object",
    "properties": {
        "architecture": {"type": "string", "pattern": ":", "description": "`module:factory` that returns the network."},
        "hidden": {"type": "integer", "exclusiveMinimum": 0, "description": "width of the network."},
    },
    "required": ["architecture"],
}
#: What a sweep file without the section has.
DEFAULT_MODEL = _SECTIONS[ARCHITECTURES[0].architecture]()


def model_schemas() -> list[dict[str, Any]]:
    """The JSON schema of the section for each architecture, and for one of the user's own.

    A settings class and those above it explain its keys.
    """
    schemas = []
    for name, section in _SECTIONS.items():
        schemas.append(section.model_json_schema())
        add_meanings(schemas[-1], (*settings_type(name).__mro__, ModelSection))
    return [*schemas, _SCHEMA_OF_OWN]
