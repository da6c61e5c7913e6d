"""debug:log: a line in the run's log."""

from scaffolder.actions import Context, Json, action


@action(
    "debug:log",
    title="Write a line to the log",
    properties={
        "message": {},
        "listWorkspace": {"type": ["boolean", "string"]},
    },
    in_preview=True,
)
def debug_log(context: Context, given: Json) -> Json:
    if "message" in given:
        context.log(str(given["message"]))
    if given.get("listWorkspace"):
        context.log("Workspace:\n" + "\n".join(sorted(context.workspace)))
    return {}
