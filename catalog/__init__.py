"""What exists, who owns it and what it depends on: Backstage's catalogue format and semantics."""
