"""How Sphinx builds these pages: MyST's Markdown, formulas as MathML, nothing from a network."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "nnscratch"
author = "the nnscratch authors"
copyright = "the nnscratch authors, MIT licence"
release = metadata.version("nnscratch")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "docstrings",
    "lessons_table",
    "mathml",
    "ops_table",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "nnscratch"
html_math_renderer = "mathml"
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name shapes and dtypes, which say more
autodoc_default_options = {"members": True, "show-inheritance": False}
default_role = "literal"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes as one list, not each a heading
nitpicky = False

doctest_global_setup = """
import numpy as np
import nnscratch as ns
ns.random.seed(0)
"""
