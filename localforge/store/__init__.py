"""The forge's own state: one SQLite file in WAL mode, all SQL in this package."""
