"""What the catalogue tells the apps above it; they answer by queueing tasks on commit."""

from django.dispatch import Signal

# refs: the entities that were made or changed (a list of strings). Sent inside the transaction.
entities_changed = Signal()
# repository: the Repository whose default branch has a new commit. Sent inside the transaction.
repository_changed = Signal()
# payload: a merge request event as GitLab sends it.
merge_request_changed = Signal()
# payload: a pipeline event as GitLab sends it.
pipeline_changed = Signal()
