"""People as Git knows them."""

import time

from localforge.git.objects import Signature
from localforge.store.database import Row


def signature(user: Row, *, name: str = "", email: str = "") -> Signature:
    """Somebody's signature now; name and e-mail address may be given."""
    return Signature(name or user["name"], email or user["email"], int(time.time()))
