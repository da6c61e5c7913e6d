"""Who is asking: users, login, roles, memberships, API tokens and the audit trail."""
