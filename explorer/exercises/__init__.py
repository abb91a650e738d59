"""Exercises: functions that learners write, and a check that names their slips."""

from explorer.exercises import display as _display  # noqa: F401  (registers the notebook display)
from explorer.exercises.check import check
from explorer.exercises.pictures import Comparison, Pair
from explorer.exercises.report import Report
from explorer.exercises.slip import Slip
from explorer.exercises.tasks import TASKS, Task
from explorer.exercises.terms import Number

__all__ = ["TASKS", "Comparison", "Number", "Pair", "Report", "Slip", "Task", "check"]
