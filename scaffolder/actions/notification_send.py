"""notification:send: a line at the bell of people, groups or everybody."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from accounts.services import notify
from catalog import refs
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action

MOST = 20_000


@action(
    "notification:send",
    title="Tell people something",
    properties={
        "recipients": {"enum": ["broadcast", "entity"], "description": "Everybody, or entityRefs"},
        "entityRefs": {
            "type": "array",
            "items": STRING,
            "description": "Users and groups; a group stands for its members",
        },
        "title": STRING,
        "info": {"type": "string", "description": "More, behind the title"},
        "link": {
            "type": "string",
            "description": "A path of the portal, or an address of the portal or the forge; "
            "default the run",
        },
        "severity": {"enum": ["low", "normal", "high", "critical"]},
        "scope": {"type": "string", "description": "Accepted and not used"},
        "topic": {"type": "string"},
        "optional": BOOLEAN | {"description": "No error where nobody is found"},
    },
    required=("recipients", "title"),
    notes="High and critical are written before the title.",
)
def notification_send(context: Context, given: Json) -> Json:
    if context.notes.get("sent"):
        return {}
    link = _link(context, given.get("link", ""))
    people = _people(given)
    if not people and not given.get("optional"):
        raise ActionFailed("nobody who may sign in is among the recipients")
    severity = given.get("severity", "normal")
    urgent = f"{severity.capitalize()}: " if severity in ("high", "critical") else ""
    info = f": {given['info']}" if given.get("info") else ""
    topic = str(given.get("topic") or "golden path")[:60]
    with transaction.atomic():
        notify(recipients=people, topic=topic, title=f"{urgent}{given['title']}{info}", link=link)
        context.note("sent", True)
    context.log(f"Told {len(people)} {'person' if len(people) == 1 else 'people'}")
    return {}


def _people(given: Json) -> list[User]:
    if given["recipients"] == "broadcast":
        return list(User.objects.filter(is_active=True)[:MOST])
    if not given.get("entityRefs"):
        raise ActionFailed("entityRefs is needed for the recipients “entity”")
    return [user for text in given["entityRefs"] for user in _behind(text)]


def _behind(text: str) -> Iterable[User]:
    try:
        ref = refs.parse(text, default_kind="user")
    except refs.InvalidRef as error:
        raise ActionFailed(str(error)) from error
    if ref.kind == "group":
        return User.objects.members_of(str(ref))
    if ref.kind == "user":
        return User.objects.filter(entity_ref=str(ref), is_active=True)
    raise ActionFailed(f"{ref} is neither a user nor a group")


def _link(context: Context, link: str) -> str:
    """Raises ActionFailed for what leads out of the portal and the forge."""
    if not link:
        return reverse("scaffolder:run", args=[context.run_id])
    home = (f"{settings.PUBLIC_URL}/", f"{settings.GITLAB_URL}/")
    inside = link.startswith("/") and not link.startswith(("//", "/\\"))
    if len(link) > 500 or not (inside or link.startswith(home)):
        raise ActionFailed(f"link “{link[:80]}” leads out of the portal and the forge")
    return link
