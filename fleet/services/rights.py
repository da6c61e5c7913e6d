"""Who may do what to a campaign."""

from accounts.models import Role, User
from fleet.models import Target


def may_manage(user: User) -> bool:
    """Platform engineers make, start, pause and abort campaigns."""
    return Role.PLATFORM in user.roles


def may_waive(user: User, target: Target) -> bool:
    """Whoever owns the repository may postpone its merge request; platform engineers may too."""
    return may_manage(user) or (bool(target.owner_ref) and target.owner_ref in user.group_refs)
