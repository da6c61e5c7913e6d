"""Pages of the scaffolder, a room each."""

from scaffolder.views.actions import action_page, actions_page
from scaffolder.views.approvals import approval, approvals, decide
from scaffolder.views.form import choices, form
from scaffolder.views.golden_paths import discard, golden_paths
from scaffolder.views.importing import import_page
from scaffolder.views.offers import begin
from scaffolder.views.review import review
from scaffolder.views.runs import again, cancel, retry, run, runs

__all__ = [
    "action_page",
    "actions_page",
    "again",
    "approval",
    "approvals",
    "begin",
    "cancel",
    "choices",
    "decide",
    "discard",
    "form",
    "golden_paths",
    "import_page",
    "retry",
    "review",
    "run",
    "runs",
]
