"""The JSON schema of sweep and study files, for editors that check and complete them."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from asteroid.descriptors.layout import DescriptorSettings
from asteroid.io.declaration import Declaration
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.training.schedule import Schedule
from study.config.buying import BuyStudy
from study.config.label_files import DataSection
from study.config.meanings import add_all_meanings
from study.config.model import model_schemas
from study.config.sweep import Sweep

#: As the first line of a file names it, beside the file.
SCHEMA_FILE = "asteroid-study.schema.json"
#: Sections whose keys other classes explain, by name.
_EXPLAINED_BY: dict[str, tuple[type, ...]] = {
    "BuyData": (DataSection,),
    "BuyStudy": (Sweep,),
    "DescriptorSection": (DescriptorSettings,),
    "HandOverSection": (Declaration,),
    "KernelSection": (KernelSettings,),
    "LabelFile": (Declaration,),
    "ScheduleSection": (Schedule,),
    "ScoreSection": (Schedule,),
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def file_schema() -> dict[str, Any]:
    """The schema: a file with a section `buy` is the study file of a purchase, any other one is a sweep."""
    _, schema = models_json_schema([(Sweep, "validation"), (BuyStudy, "validation")])
    definitions: dict[str, Any] = schema["$defs"]
    # What a model's settings are depends on its architecture: the section is known by its architectures alone.
    definitions["ModelSection"] = {"anyOf": model_schemas()}
    add_all_meanings(schema, _EXPLAINED_BY)
    return {
        "$schema": _DIALECT,
        "title": "asteroid-study: sweep or study file",
        "if": {"required": ["buy"]},
        "then": {"$ref": "#/$defs/BuyStudy"},
        "else": {"$ref": "#/$defs/Sweep"},
        "$defs": definitions,
    }
