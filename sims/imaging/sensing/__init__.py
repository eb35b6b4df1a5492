"""Linear operators that measure images, by name, with adjoints and exact descriptions."""

from sims.imaging.sensing.base import Operator, Shape
from sims.imaging.sensing.checks import memory_available, memory_estimate
from sims.imaging.sensing.registry import OPERATORS, make_operator, operator_from_spec
from sims.imaging.sensing.stacked import Stack, stack
from sims.imaging.sensing.user import as_operator, dot_test

__all__ = [
    "OPERATORS",
    "Operator",
    "Shape",
    "Stack",
    "as_operator",
    "dot_test",
    "make_operator",
    "memory_available",
    "memory_estimate",
    "operator_from_spec",
    "stack",
]
