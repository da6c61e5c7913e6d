"""Git itself: repositories, objects, trees, diffs, merges. It knows no users and no projects."""
