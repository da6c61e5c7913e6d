"""How a repository is born: golden paths, forms, steps, runs and approvals."""
