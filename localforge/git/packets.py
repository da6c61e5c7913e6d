"""The few pkt-lines of Git's wire protocol that the forge itself has to read or write."""

from dataclasses import dataclass
from typing import IO

FLUSH = b"0000"
_MOST_COMMANDS = 10_000


class Unreadable(Exception):
    """A request that is not what Git would send."""


@dataclass(frozen=True)
class Command:
    """A ref that a push wants to change."""

    old: str
    new: str
    ref: str


def line(text: str | bytes) -> bytes:
    """One pkt-line."""
    data = text.encode() if isinstance(text, str) else text
    return b"%04x" % (len(data) + 4) + data


def read_commands(body: IO[bytes]) -> tuple[list[Command], set[str]]:
    """The commands at the start of a push, and the client's capabilities."""
    found: list[Command] = []
    capabilities: set[str] = set()
    while len(found) < _MOST_COMMANDS:
        data = _read_line(body)
        if data is None:
            return found, capabilities
        text, _, extra = data.partition(b"\0")
        if extra:
            capabilities = set(extra.decode("utf-8", "replace").split())
        parts = text.decode("utf-8", "surrogateescape").rstrip("\n").split(" ", 2)
        if len(parts) == 3 and not parts[2].startswith("refs/"):
            raise Unreadable(f"{parts[2]} is not a ref")
        if len(parts) == 3:
            found.append(Command(*parts))
    raise Unreadable("too many refs in one push")


def _read_line(body: IO[bytes]) -> bytes | None:
    head = body.read(4)
    if len(head) < 4 or head == FLUSH:
        return None
    try:
        return body.read(int(head, 16) - 4)
    except ValueError:
        raise Unreadable("the push cannot be read") from None


def refusal(refused: dict[str, str], capabilities: set[str]) -> bytes:
    """The answer to a push that is not taken: every ref with its reason."""
    report = line("unpack ok\n") + b"".join(
        line(f"ng {ref} {reason}\n".encode("utf-8", "surrogateescape"))
        for ref, reason in refused.items()
    )
    report += FLUSH
    if "side-band-64k" not in capabilities:
        return report
    words = b"".join(remark(reason, capabilities) for reason in dict.fromkeys(refused.values()))
    return words + line(b"\x01" + report) + FLUSH


def remark(text: str, capabilities: set[str]) -> bytes:
    """A line for the person who pushes, if the client can show one."""
    if "side-band-64k" not in capabilities:
        return b""
    return line(b"\x02" + f"GitLab: {text}\n".encode("utf-8", "surrogateescape"))
