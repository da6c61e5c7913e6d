"""The verbs of the fleet: every write to campaigns and their targets."""

from fleet.services.campaigns import (
    Roll,
    abort_campaign,
    answer,
    create_campaign,
    decide_waiver,
    pause_campaign,
    plan_again,
    resume_campaign,
    start_campaign,
    waive,
)
from fleet.services.following import follow, note_merge_request, note_pipeline
from fleet.services.opening import close_target, open_target
from fleet.services.planning import plan_target, plan_targets
from fleet.services.refreshing import merge_target, refresh_repository, refresh_target
from fleet.services.rights import may_manage, may_waive
from fleet.services.rolling import tick
from fleet.services.selecting import Selection

__all__ = [
    "Roll",
    "Selection",
    "abort_campaign",
    "answer",
    "close_target",
    "create_campaign",
    "decide_waiver",
    "follow",
    "may_manage",
    "may_waive",
    "merge_target",
    "note_merge_request",
    "note_pipeline",
    "open_target",
    "pause_campaign",
    "plan_again",
    "plan_target",
    "plan_targets",
    "refresh_repository",
    "refresh_target",
    "resume_campaign",
    "start_campaign",
    "tick",
    "waive",
]
