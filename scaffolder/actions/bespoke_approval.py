"""bespoke:approval: the run waits until somebody in a group has agreed."""

import uuid

from catalog.selectors import SelectorError
from scaffolder import approving, blocks
from scaffolder.actions import STRING, ActionFailed, Context, Json, Waiting, action
from scaffolder.models import Approval, Release
from scaffolder.services import approvals


@action(
    approving.ACTION,
    title="Wait for an approval",
    properties={"group": STRING, "condition": STRING, "title": {"type": "string"},
                "expires": STRING},
    required=("group",),
    output={"needed": {"type": "boolean"}, "approvedBy": STRING, "reason": {"type": "string"}},
    notes="Backstage has no such action. `condition` is CEL over `parameters`; `expires` is 30m, "
          "12h or 7d. A refusal fails the step with its reason.",
)  # fmt: skip
def wait_for_approval(context: Context, given: Json) -> Json:
    if not _is_needed(context, given):
        context.log("No approval is needed for these answers")
        return {"needed": False}
    asked = Approval.objects.filter(pk=context.notes.get("approval", 0)).first()
    if asked and asked.status == Approval.Status.APPROVED:
        who = asked.decided_by.username if asked.decided_by else ""
        return {"needed": True, "approvedBy": who, "reason": asked.reason}
    if asked is None or asked.status != Approval.Status.WAITING:
        asked = _asked(context, given)
        context.note("approval", asked.pk)
    raise Waiting(str(asked))


def _is_needed(context: Context, given: Json) -> bool:
    path = blocks.golden_path(Release.objects.get(pk=context.release_id))
    try:
        return approving.is_needed(given, context.values, path.question_names)
    except SelectorError as error:
        raise ActionFailed(f"condition: {error}") from error


def _asked(context: Context, given: Json) -> Approval:
    """A request that waits already is the one to wait for: a worker died before it was noted."""
    group = approving.group_ref(given["group"])
    if not group:
        raise ActionFailed(f"“{given['group']}” is no reference to a group")
    run = uuid.UUID(context.run_id)
    waiting = Approval.objects.filter(run=run, status=Approval.Status.WAITING).first()
    return waiting or approvals.ask(
        run_id=run, group_ref=group, condition=given.get("condition", ""),
        title=given.get("title") or f"Approval by {group}",
        seconds=approving.seconds(given.get("expires")),
    )  # fmt: skip
