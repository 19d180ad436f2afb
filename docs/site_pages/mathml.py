"""Formulas as MathML, which browsers draw themselves: no script, no font from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.writers.html5 import HTML5Translator


def inline_formula(translator: HTML5Translator, node: Element) -> None:
    """Write a formula of a line."""
    translator.body.append(convert(node.astext()))
    raise SkipNode


def block_formula(translator: HTML5Translator, node: Element) -> None:
    """Write a formula that stands by itself; it can be scrolled where it is wider than the page."""
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode
