"""The course: labs as notebooks, and what they use."""

from explorer.course.show import show
from explorer.course.solver_check import check_solver

__all__ = ["check_solver", "show"]
