"""The templates of pages: HTML that needs nothing else, in Jinja's language, and the scripts that stand in it."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

import jinja2
from markupsafe import Markup


def page_template(name: str, *scripts: str) -> jinja2.Template:
    """A template of this folder; values are escaped, and a name that is not given is an error.

    Args:
        name: of the template.
        scripts: files of this folder that the page may run, and nothing else: `script(file)` writes one into it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals["script"] = _script
    environment.globals["security_policy"] = _security_policy(scripts)
    return environment.get_template(name)


def _security_policy(scripts: tuple[str, ...]) -> Markup:
    """What a browser lets the page do: show pictures that it carries, run its own scripts, ask nobody for anything."""
    hashes = [base64.b64encode(hashlib.sha256(_text(file).encode()).digest()).decode() for file in scripts]
    allowed = " ".join(f"'sha256-{own}'" for own in hashes) or "'none'"
    return Markup(f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}")  # noqa: S704


def _script(file: str) -> Markup:
    return Markup(f"<script>{_text(file)}</script>")  # noqa: S704 (a file of this package)


def _text(name: str) -> str:
    return resources.files("analysis.report").joinpath(name).read_text(encoding="utf-8")
