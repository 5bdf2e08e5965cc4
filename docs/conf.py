"""Sphinx configuration."""

import re

import imbdeep

project = "imbdeep"
author = "The imbdeep developers"
copyright = author
version = release = imbdeep.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "gallery"]

# --- API pages ---------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"
# What a method of skorch or torch says about itself belongs to their pages, and its
# references lead nowhere from ours.
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False
# A summary, and parameters that exist, in the order of the signature.
numpydoc_validation_checks = {"SS01", "PR02", "PR03"}
# Inherited from skorch, which writes parameters in another way.
numpydoc_validation_exclude = {r"\.simulate$"}


def escape_shapes(app, what, name, obj, options, lines):
    """Keep shapes such as (*, C) and (n_features_in_,) from being read as markup."""
    for number, line in enumerate(lines):
        line = re.sub(r"(?<!`)\(\*", r"(\\*", line)
        lines[number] = re.sub(r"(?<=\w)_,\)", r"\\_,)", line)


def setup(app):
    # Before numpydoc, which listens with the default priority of 500.
    app.connect("autodoc-process-docstring", escape_shapes, priority=100)


# --- Gallery -----------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("imbdeep",),
    "reference_url": {"imbdeep": None},
    "reset_modules_order": "before",
    "show_memory": False,
    "plot_gallery": "True",
    "image_scrapers": ("matplotlib",),
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}

# --- Theme -------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_title = f"imbdeep {release}"
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
html_sidebars = {"install": [], "api": [], "references": []}
