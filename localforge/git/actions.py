"""The actions of one commit: create, update, delete, move and chmod, all or nothing."""

from dataclasses import dataclass

from localforge.git.errors import GitError
from localforge.git.objects import Signature, Sink
from localforge.git.repository import Repo
from localforge.git.trees import EXECUTABLE, FILE, Entry, TreeEditor, check_path

MAXIMUM_ACTIONS = 10_000


@dataclass(frozen=True)
class Action:
    """One change to one file."""

    kind: str
    path: str
    content: bytes | None = None
    previous_path: str | None = None
    last_commit_id: str | None = None
    executable: bool | None = None


def apply(editor: TreeEditor, sink: Sink, action: Action) -> None:
    """Does one action to a tree."""
    handler = _HANDLERS.get(action.kind)
    if handler is None:
        raise GitError("actions[action] does not have a valid value")
    check_path(action.path)
    handler(editor, sink, action)


def _mode(entry: Entry, executable: bool | None) -> int:
    if executable is None or entry.mode not in (FILE, EXECUTABLE):
        return entry.mode
    return EXECUTABLE if executable else FILE


def _create(editor: TreeEditor, sink: Sink, action: Action) -> None:
    if editor.get(action.path):
        raise GitError("A file with this name already exists")
    oid = sink.add("blob", action.content or b"")
    editor.put(action.path, Entry(EXECUTABLE if action.executable else FILE, oid))


def _existing(editor: TreeEditor, path: str) -> Entry:
    entry = editor.get(path)
    if entry is None:
        raise GitError("A file with this name doesn't exist")
    return entry


def _update(editor: TreeEditor, sink: Sink, action: Action) -> None:
    entry = _existing(editor, action.path)
    oid = sink.add("blob", action.content or b"")
    editor.put(action.path, Entry(_mode(entry, action.executable), oid))


def _delete(editor: TreeEditor, sink: Sink, action: Action) -> None:
    editor.remove(action.path)


def _move(editor: TreeEditor, sink: Sink, action: Action) -> None:
    source = check_path(action.previous_path or "")
    entry = _existing(editor, source)
    if editor.get(action.path):
        raise GitError("A file with this name already exists")
    editor.remove(source)
    oid = entry.oid if action.content is None else sink.add("blob", action.content)
    editor.put(action.path, Entry(_mode(entry, action.executable), oid))


def _chmod(editor: TreeEditor, sink: Sink, action: Action) -> None:
    entry = _existing(editor, action.path)
    editor.put(action.path, Entry(_mode(entry, bool(action.executable)), entry.oid))


_HANDLERS = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "move": _move,
    "chmod": _chmod,
}


def check_unchanged(repo: Repo, tip: str | None, action: Action) -> None:
    """The optimistic lock: `last_commit_id` has to be the last commit that touched the file."""
    if not action.last_commit_id or action.kind == "create" or tip is None:
        return
    path = action.previous_path or action.path
    if not _same_file(repo, action.last_commit_id, tip, path):
        raise GitError(
            "You are attempting to update a file that has changed since you started editing it."
        )


def _same_file(repo: Repo, known: str, tip: str, path: str) -> bool:
    resolved = repo.resolve(known)
    if resolved is None:
        return False
    then, now = repo.entry(resolved, path), repo.entry(tip, path)
    return then is not None and now is not None and (then.oid, then.mode) == (now.oid, now.mode)


@dataclass(frozen=True)
class NewCommit:
    """What a commit needs besides its actions."""

    message: str
    author: Signature
    committer: Signature


def commit_actions(repo: Repo, parent: str | None, actions: list[Action], new: NewCommit) -> str:
    """Writes one commit on top of a parent and returns its id; no ref is moved."""
    if len(actions) > MAXIMUM_ACTIONS:
        raise GitError(f"a commit may hold at most {MAXIMUM_ACTIONS} actions")
    sink, editor = repo.sink(), repo.editor(parent)
    for action in actions:
        check_unchanged(repo, parent, action)
        apply(editor, sink, action)
    tree = editor.write(sink)
    sha = sink.commit(tree, [parent] if parent else [], new.author, new.committer, new.message)
    sink.flush()
    return sha
