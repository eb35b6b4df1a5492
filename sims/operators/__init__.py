"""Linear operators that measure images, by name, with adjoints and exact descriptions."""

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.operators.checks import memory_available, memory_estimate
from untrained.sims.operators.registry import OPERATORS, make_operator, operator_from_spec
from untrained.sims.operators.stacked import Stack, stack
from untrained.sims.operators.user import as_operator, dot_test

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
