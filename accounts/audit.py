"""The audit trail: services call `record` inside the transaction of the write they describe."""

from typing import Any

from structlog.contextvars import get_contextvars

from accounts.models import AuditEvent, User


def record(
    *,
    by: User | None,
    verb: str,
    object_type: str,
    object_id: object,
    label: str = "",
    **data: Any,
) -> AuditEvent:
    """Writes one audit row; `by` None means the portal itself. Never put a secret in `data`."""
    context = get_contextvars()
    return AuditEvent.objects.create(
        actor=by.username if by else "",
        verb=verb,
        object_type=object_type,
        object_id=str(object_id)[:255],
        object_label=(label or str(object_id))[:255],
        data=data,
        address=context.get("ip", ""),
        request_id=context.get("request_id", ""),
    )
