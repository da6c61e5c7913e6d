"""What can go wrong with Git, in words that a client may see."""


class GitError(Exception):
    """A request that Git cannot fulfil."""


class Conflict(GitError):
    """Two sides changed the same lines."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__("Merge conflict in " + ", ".join(paths))
        self.paths = paths


class Moved(GitError):
    """A branch was moved by somebody else between look and leap."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"Could not update {ref}. Please refresh and try again.")
