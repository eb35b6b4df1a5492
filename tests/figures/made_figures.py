"""Every figure made and drawn once for all tests that only look at it."""

from functools import cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from untrained.figures.draw import make


@cache
def made(name: str) -> Figure:
    """A figure of the committed record, laid out."""
    figure = make(name)
    FigureCanvasAgg(figure).draw()
    return figure
