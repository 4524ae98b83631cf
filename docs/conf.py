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
    "complete_reference",
    "docstrings",
    "lessons",
    "mathml",
    "ops_table",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "nnscratch"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_math_renderer = "mathml"
html_show_sphinx = False

autodoc_member_order = "bysource"
autoclass_content = "both"  # the arguments stand with the constructor
autodoc_typehints = "none"  # the docstrings name shapes and dtypes, which say more
autodoc_default_options = {"members": True}
default_role = "literal"
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # one list, not each a heading
nitpicky = False

# The pages write files, into a folder that is thrown away, and draw without a screen.
doctest_global_setup = """
import os, tempfile
import numpy as np
import nnscratch as ns
folder = tempfile.TemporaryDirectory()
back = os.getcwd()
os.chdir(folder.name)
os.environ["MPLBACKEND"] = "Agg"
ns.random.seed(0)
np.random.seed(0)
"""
doctest_global_cleanup = """
os.chdir(back)
folder.cleanup()
"""
