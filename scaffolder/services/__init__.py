"""The verbs of the scaffolder: every write to releases, runs, drafts and lineage."""

from scaffolder.services.approvals import (
    decide,
    look_after_approvals,
    look_at,
    may_decide,
    unknown_groups,
)
from scaffolder.services.execution import execute_run
from scaffolder.services.imports import look_through, register_templates
from scaffolder.services.lineage import entity_became_known, record_lineage, record_upgrade
from scaffolder.services.releases import judge_again, outdated_repositories, release_blocks
from scaffolder.services.runs import (
    begin_on,
    cancel_run,
    check_merge_requests,
    discard_draft,
    may_start,
    note_merge_request,
    retry_run,
    save_draft,
    start_run,
)

__all__ = [
    "begin_on",
    "cancel_run",
    "check_merge_requests",
    "decide",
    "discard_draft",
    "entity_became_known",
    "execute_run",
    "judge_again",
    "look_after_approvals",
    "look_at",
    "look_through",
    "may_decide",
    "may_start",
    "note_merge_request",
    "outdated_repositories",
    "record_lineage",
    "record_upgrade",
    "register_templates",
    "release_blocks",
    "retry_run",
    "save_draft",
    "start_run",
    "unknown_groups",
]
