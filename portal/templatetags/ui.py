"""Small template tags and filters that every page may use."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django import forms, template
from django.forms import BoundField
from django.forms.boundfield import BoundWidget
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from tablericons.templatetags.tablericons import icon as draw_icon

from catalog import forges, markdown, refs
from catalog.models import Entity, Problem
from catalog.panels import Panel
from catalog.relations import INVERSE

register = template.Library()

KIND_ICONS = {
    "component": "box",
    "api": "api",
    "resource": "database",
    "system": "components",
    "domain": "world",
    "group": "users-group",
    "user": "user",
    "location": "map-pin",
    "template": "template",
    "aspect": "puzzle",
    "scorecard": "gauge",
}
KIND_TITLES = {"api": "API", "template": "Golden path"}
# What a state looks like: its tone (a class of portal.css) and its icon.
STATES = {
    "queued": ("neutral", "clock"),
    "pending": ("neutral", "circle-dashed"),
    "running": ("info", "loader-2"),
    "waiting": ("info", "hourglass"),
    "approved": ("good", "circle-check"),
    "refused": ("bad", "circle-x"),
    "completed": ("good", "circle-check"),
    "failed": ("bad", "circle-x"),
    "cancelled": ("neutral", "ban"),
    "skipped": ("neutral", "player-skip-forward"),
    "pass": ("good", "circle-check"),
    "fail": ("bad", "circle-x"),
    "unknown": ("warn", "help-circle"),
    "not applicable": ("neutral", "circle-minus"),
    "opened": ("info", "git-pull-request"),
    "merged": ("good", "git-merge"),
    "closed": ("neutral", "ban"),
    "active": ("good", "circle-check"),
    "planning": ("info", "loader-2"),
    "ready": ("info", "circle-dashed"),
    "paused": ("warn", "player-pause"),
    "finished": ("good", "circle-check"),
    "aborted": ("bad", "ban"),
    "unplanned": ("neutral", "clock"),
    "planned": ("neutral", "circle-dashed"),
    "no_op": ("good", "circle-check"),
    "conflict": ("warn", "alert-triangle"),
    "needs_answer": ("warn", "help-circle"),
    "scheduled": ("info", "clock"),
    "open": ("info", "git-pull-request"),
    "red": ("bad", "circle-x"),
    "green": ("good", "circle-check"),
    "waived": ("neutral", "clock"),
    "drifted": ("warn", "alert-triangle"),
    "superseded": ("neutral", "player-skip-forward"),
    "expired": ("neutral", "clock"),
    "revoked": ("neutral", "ban"),
}
TONES = {
    "good": "circle-check",
    "success": "circle-check",
    "bad": "alert-circle",
    "error": "alert-circle",
    "warn": "alert-triangle",
    "warning": "alert-triangle",
}
RELATIONS = {
    "ownedBy": "Owned by",
    "ownerOf": "Owns",
    "partOf": "Part of",
    "hasPart": "Consists of",
    "providesApi": "Provides",
    "apiProvidedBy": "Provided by",
    "consumesApi": "Uses the API",
    "apiConsumedBy": "Used by",
    "dependsOn": "Depends on",
    "dependencyOf": "Needed by",
    "childOf": "Belongs to",
    "parentOf": "Groups below",
    "memberOf": "Member of",
    "hasMember": "Members",
}


# -- icons and states ---------------------------------------------------------------------------
@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int = 18) -> SafeString:
    """An outline icon of Tabler's. It only decorates: the words beside it say the same."""
    drawn = draw_icon(
        f"outline/{name}", size=size, aria_hidden="true", **{"class": f"glyph glyph-{name}"}
    )
    return SafeString(drawn)


@register.filter
def state_tone(state: str) -> str:
    return STATES.get(state, ("neutral", ""))[0]


@register.filter
def state_icon(state: str) -> str:
    return STATES.get(state, ("", "circle"))[1]


@register.filter
def tone_icon(tone: str) -> str:
    return TONES.get(tone, "info-circle")


# -- entities -----------------------------------------------------------------------------------
@register.filter
def kind_icon(kind: str) -> str:
    """The icon's name for an entity kind."""
    return KIND_ICONS.get(kind.lower(), "file")


@register.filter
def kind_title(kind: str) -> str:
    """A kind as people say it."""
    return KIND_TITLES.get(kind.lower(), kind.capitalize())


@register.filter
def kind_of(ref: str) -> str:
    return ref.partition(":")[0]


@register.filter
def short_ref(ref: str) -> str:
    """`group:default/x` as people say it: `x`, with the namespace when it is not the default."""
    _, _, rest = ref.partition(":")
    return (rest or ref).removeprefix(f"{refs.DEFAULT_NAMESPACE}/")


@register.filter
def relation_title(relation: str) -> str:
    return RELATIONS.get(relation, relation)


@register.filter
def relation_words(relation: str) -> str:
    """The title as it stands inside a sentence: “uses the API”."""
    title = relation_title(relation)
    return title[:1].lower() + title[1:]


@register.filter
def inverse_relation(relation: str) -> str:
    return INVERSE.get(relation, relation)


@register.filter
def entity_url(ref: str) -> str:
    """The entity page's address; empty when the text is no full reference."""
    try:
        parsed = refs.parse(ref)
    except refs.InvalidRef:
        return ""
    return reverse("catalog:entity", args=[parsed.kind, parsed.namespace, parsed.name])


@register.simple_tag
def entity_link(ref: str, label: str = "") -> SafeString:
    url = entity_url(ref)
    if not url:
        return format_html("{}", ref or "—")
    return format_html('<a href="{}" title="{}">{}</a>', url, ref, label or short_ref(ref))


@register.filter
def source_url(problem: Problem) -> str:
    """The line in the forge that a problem is about."""
    location = problem.location
    branch = location.repository.default_branch or "HEAD"
    return forges.file_url(location.repository.path, branch, location.path, problem.line)


@register.filter
def descriptor_url(entity: Entity) -> str:
    """The line in the forge where the entity begins."""
    location = entity.location
    branch = location.repository.default_branch or "HEAD"
    return forges.file_url(location.repository.path, branch, location.path, entity.line)


@register.filter
def plus(moment: datetime, span: timedelta) -> datetime:
    return moment + span


@register.filter
def forge_url(project: str) -> str:
    return forges.project_url(project)


@register.simple_tag(takes_context=True)
def panel(context: Any, found: Panel, values: dict[str, Any]) -> SafeString:
    """A panel of an entity's page, drawn with what its app has to say."""
    given = values | {"entity": context["entity"]}
    return render_to_string(found.template, given, context["request"])


@register.filter
def layer_name(layer: str) -> str:
    """What a layer of a tree is called: `template:default/x@1.0.0` is x."""
    return layer.rpartition("/")[2].partition("@")[0]


@register.filter
def layer_origin(layer: str) -> str:
    """The rest of what there is to say about a layer: its kind and version."""
    if layer == "lineage":
        return "written by the portal"
    kind, _, rest = layer.partition(":")
    return f"{kind_title(kind).lower()}, version {rest.rpartition('@')[2]}"


# -- forms --------------------------------------------------------------------------------------
@register.simple_tag
def widget(field: BoundField) -> SafeString:
    """A field's control with the classes that make it look like ours."""
    given = field.field.widget
    css = "form-select" if isinstance(given, forms.Select) else "form-control"
    if isinstance(given, forms.CheckboxInput):
        css = "form-check-input"
    if given.attrs.get("type") == "range":
        css = "form-range"
    if field.errors:
        css += " is-invalid"
    return field.as_widget(attrs={"class": css})


@register.simple_tag
def radio(choice: BoundWidget) -> SafeString:
    """One choice of several, without the label that Django would wrap around it."""
    choice.data["attrs"]["class"] = "form-check-input"
    return choice.tag()


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


# -- values -------------------------------------------------------------------------------------
@register.filter
def plain(value: Any) -> str:
    """A value of a form or a descriptor as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, "", [], {}):
        return "—"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


@register.simple_tag
def marked(text: str, words: str) -> SafeString:
    """The text with what was searched for in it marked."""
    wanted = "|".join(re.escape(word) for word in sorted(words.split(), key=len, reverse=True))
    parts = re.split(f"({wanted})", text, flags=re.IGNORECASE) if wanted else [text]
    shown = (format_html("<mark>{}</mark>", p) if i % 2 else p for i, p in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in shown))


@register.filter(name="markdown")
def as_html(text: str) -> SafeString:
    """Other people's Markdown; cleaned, so that nothing in it runs."""
    return SafeString(markdown.render(text) if text else "")


@register.simple_tag
def numbered(text: str) -> SafeString:
    """Lines that portal.css numbers; the numbers are not copied with the text."""
    lines = ((line,) for line in text.splitlines())
    return format_html_join("", '<span class="line">{}\n</span>', lines)


@register.filter
def duration(start: datetime | None, end: datetime | None) -> str:
    """How long something took, or has taken so far: “80 ms”, “2.4 s”, “3 min 20 s”."""
    if start is None:
        return "—"
    seconds = ((end or timezone.now()) - start).total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def number_of(items: list[Any], item: Any) -> int:
    """The place of an item in a list, from 1; 0 when it is not there."""
    return items.index(item) + 1 if item in items else 0


@register.filter
def share(part: int | None, whole: int) -> str:
    """Part of a whole as a percentage, as SVG's `width` takes it."""
    return f"{100 * (part or 0) / whole:.1f}%" if whole else "0%"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping|get:key`, None when it is missing."""
    return mapping.get(key) if mapping else None


@register.simple_tag(takes_context=True)
def with_query(context: Any, **changes: Any) -> str:
    """The current query string with some parameters changed; None takes one out."""
    request = context.get("request") or context.request  # `include … only` hides the former
    query = {key: values for key, values in request.GET.lists() if key not in changes}
    query |= {key: [value] for key, value in changes.items() if value not in (None, "")}
    return "?" + urlencode(query, doseq=True)


@register.simple_tag(takes_context=True)
def facet_query(context: Any, name: str, value: str | None) -> str:
    """The query string with one facet set or taken out, back on the first page."""
    return with_query(context, **{name: value, "page": None})
