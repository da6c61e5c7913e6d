"""debug:log: a line in the run's log. debug:wait: a pause, in which no worker waits."""

import json
import time

from scaffolder.actions import ActionFailed, Context, Json, Later, action

LONGEST = 600
_SHOWN = 10_000


@action(
    "debug:log",
    title="Write a line to the log",
    properties={
        "message": {"description": "Anything; what is no text is shown as JSON"},
        "listWorkspace": {
            "type": ["boolean", "string"],
            "description": "true or with-filenames: the paths; with-contents: the texts too",
        },
    },
    in_preview=True,
)
def debug_log(context: Context, given: Json) -> Json:
    if "message" in given:
        message = given["message"]
        context.log(message if isinstance(message, str) else json.dumps(message))
    if given.get("listWorkspace"):
        context.log("Workspace:\n" + "\n".join(sorted(context.workspace)))
    if given.get("listWorkspace") == "with-contents":
        for path, file in sorted(context.workspace.items()):
            context.log(f"{path}:\n{file.content[:_SHOWN].decode(errors='replace')}")
    return {}


@action(
    "debug:wait",
    title="Wait a while",
    properties={
        "minutes": {"type": "number", "minimum": 0},
        "seconds": {"type": "number", "minimum": 0},
        "milliseconds": {"type": "number", "minimum": 0},
    },
    in_preview=True,
    notes="At most ten minutes. The run goes back into the queue meanwhile; a preview waits not.",
)
def debug_wait(context: Context, given: Json) -> Json:
    seconds = sum(
        given.get(name, 0) * factor
        for name, factor in (("minutes", 60), ("seconds", 1), ("milliseconds", 0.001))
    )
    if seconds > LONGEST:
        raise ActionFailed(f"the longest wait is {LONGEST} seconds, not {seconds:g}")
    if "until" not in context.notes:
        context.note("until", time.time() + seconds)
    left = context.notes["until"] - time.time()
    if left > 0:
        raise Later(f"Waiting for {seconds:g} s", left)
    return {}
