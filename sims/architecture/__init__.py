"""Whether the theory covers an architecture: its Jacobian measured, the papers' conditions held against it."""

from sims.architecture.examine import Question as Question
from sims.architecture.examine import check as check
