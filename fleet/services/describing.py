"""The words of a campaign's merge request."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from fleet.changes import changes
from fleet.models import Target
from scaffolder.weave.upgrade import Kind

HEADINGS = {
    Kind.CONFLICT: "Changed on both sides: your version was kept",
    Kind.DELETED: "Deleted here, changed in the block: it stays deleted",
    Kind.DROPPED: "Changed here, dropped from the block: it was kept",
    Kind.BLOCKED: "New in the block, but something of yours is in its place",
}


def title(target: Target) -> str:
    text = target.campaign.title
    return f"Draft: {text}" if target.conflicts else text


def description(target: Target) -> str:
    """What it is, what was merged, what was not, and how to say no."""
    campaign = target.campaign
    parts = [f"**{_what(target)}**", campaign.notes, _merged(target)]
    parts += _conflicts(target)
    url = f"{settings.PUBLIC_URL}{reverse('fleet:target', args=[campaign.key, target.pk])}"
    parts.append(
        "### Not now?\n\n"
        f"[The portal]({url}) shows the whole difference, and postpones this merge request with "
        "a reason and a date. Closing it without merging says no: nothing opens it again. "
        "Commits that you add to its branch stay."
    )
    return "\n\n".join(part for part in parts if part)


def _what(target: Target) -> str:
    verb, release = changes()[target.campaign.kind].verb, target.campaign.release
    if release is None:
        return verb
    step = f"{target.from_version} → {release.version}" if target.from_version else release.version
    return f"{verb} {release.title} ({step})"


def _merged(target: Target) -> str:
    s = target.summary
    if "alike" in s:
        return (
            "### What this adds\n\n"
            f"Only the lineage. {s['alike']} of the {s['made']} files that the block makes are the "
            "same here; the others stay, and count as yours from now on."
        )
    counts = f"{s['files']} files: {s['plus']} lines added, {s['minus']} removed."
    renamed = [f"- {_code(f['text'])}" for f in target.findings if f["kind"] == Kind.RENAMED]
    return "\n".join(["### What was merged\n", counts, *renamed])


def _conflicts(target: Target) -> list[str]:
    """Every path that was left as it is, by why."""
    parts = []
    for kind, heading in HEADINGS.items():
        paths = [_code(f["path"]) for f in target.findings if f["kind"] == kind]
        if paths:
            parts.append("\n".join([f"### {heading}\n", *(f"- {path}" for path in paths)]))
    if parts:
        parts.append(
            "This is a draft because of these paths. Decide on each, commit to this branch what "
            "you want of the new version, and mark it as ready."
        )
    return parts


def _code(text: str) -> str:
    """As code: a path may hold what Markdown takes for its own."""
    return f"`{text.replace('`', chr(39))}`"


def commit_message(target: Target) -> str:
    campaign = target.campaign
    return f"{campaign.title}\n\nBespoke-Campaign: {campaign.key}\nBespoke-Target: {target.pk}"
