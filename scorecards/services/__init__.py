"""The verbs of the scorecards: collect facts, evaluate checks."""

from scorecards.services.evaluation import evaluate_entity

__all__ = ["evaluate_entity"]
