"""The embedded forge: GitLab's REST API v4 and Git smart HTTP over real bare repositories."""

__version__ = "18.5.0"
