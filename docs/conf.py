"""The documentation site: `sphinx-build docs build/site`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # site_pages

project = "asteroid-study"
author = "the authors of asteroid-study"
version = release = version_of("asteroid-study")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_pages"]
exclude_patterns = ["site_pages", "_static"]
default_role = "code"  # docstrings write code between single backticks
smartquotes = False  # two hyphens begin an option
suppress_warnings = ["ref.python"]  # annotations name classes shortly, and several may be meant

myst_enable_extensions = ["colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "no-value": True}
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries = False  # modules suffice in the margin

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "asteroid-study"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["asteroid-study.sbatch"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False  # the search finds more
html_domain_indices = False
html_show_copyright = False
