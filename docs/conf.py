"""Sphinx: the guides in Markdown, the notebooks with their outputs, the reference from the docstrings."""

import re
from importlib import metadata

project, author, copyright = "untrained", "The untrained authors", "The untrained authors"
try:
    release = metadata.version("untrained")
except metadata.PackageNotFoundError:
    release = ""
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples", "pictures"]
html_theme = "alabaster"
html_theme_options = {"description": "The theory of untrained networks, claim by claim", "page_width": "1080px"}
html_show_sourcelink = False
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
myst_heading_anchors = 3
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True


def literal(app, what, name, obj, options, lines):
    """Escape what reStructuredText would read as markup: docstrings here are plain text with `code`."""
    lines[:] = ["".join(escaped(part) for part in re.split(r"(`+[^`]*`+|^:\w+ \w+:)", line)) for line in lines]


def escaped(part):
    return part if part.startswith(("`", ":")) else re.sub(r"(\||\*|_(?!\w))", r"\\\1", part)


def downloads(app, docname, source):
    """The notes are no pages of these guides: a link to one downloads it."""
    source[0] = re.sub(r"\]\((?=\.\./paper_notes/\w)", "](path:", source[0])


def setup(app):
    app.connect("source-read", downloads)
    app.connect("autodoc-process-docstring", literal, priority=900)
