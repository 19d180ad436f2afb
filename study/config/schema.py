"""The JSON schema of sweep and study files, for editors that check and complete them."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from study.config.buying import BuyStudy
from study.config.model import model_schemas
from study.config.sweep import Sweep

#: As the first line of a file names it, beside the file.
SCHEMA_FILE = "asteroid-study.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def file_schema() -> dict[str, Any]:
    """The schema: a file with a section `buy` is the study file of a purchase, any other one is a sweep."""
    _, schema = models_json_schema([(Sweep, "validation"), (BuyStudy, "validation")])
    definitions: dict[str, Any] = schema["$defs"]
    # What a model's settings are depends on its architecture: the section is known by its architectures alone.
    definitions["ModelSection"] = {"anyOf": model_schemas()}
    return {
        "$schema": _DIALECT,
        "title": "asteroid-study: sweep or study file",
        "if": {"required": ["buy"]},
        "then": {"$ref": "#/$defs/BuyStudy"},
        "else": {"$ref": "#/$defs/Sweep"},
        "$defs": definitions,
    }
