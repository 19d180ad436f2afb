"""The templates of pages: HTML that needs nothing else, in Jinja's language."""

from __future__ import annotations

from importlib import resources

import jinja2


def page_template(name: str) -> jinja2.Template:
    """A template of this folder; values are escaped, and a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)


def _text(name: str) -> str:
    return resources.files("analysis.report").joinpath(name).read_text(encoding="utf-8")
