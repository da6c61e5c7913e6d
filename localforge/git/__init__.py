"""Git itself: repositories, objects, trees, diffs and merges. Knows nothing of users or projects."""
