"""The Exercises tab."""

from explorer.ui.tabs.exercises.tab import ExercisesTab

__all__ = ["ExercisesTab"]
