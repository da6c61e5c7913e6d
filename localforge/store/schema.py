"""The tables. What lists filter or constraints need is a column; the long tail of settings that a
client may only set and read back is JSON in `data`."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password TEXT,
    state TEXT NOT NULL DEFAULT 'active',
    admin INTEGER NOT NULL DEFAULT 0,
    bot INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind TEXT NOT NULL DEFAULT 'personal',
    source_id INTEGER,
    name TEXT NOT NULL,
    description TEXT,
    digest TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    access_level INTEGER,
    expires_at TEXT,
    revoked INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    last_used_at TEXT
);
CREATE INDEX IF NOT EXISTS tokens_user ON tokens (user_id);
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS namespaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('group', 'user')),
    path TEXT NOT NULL,
    full_path TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    visibility TEXT NOT NULL DEFAULT 'private',
    parent_id INTEGER REFERENCES namespaces ON DELETE CASCADE,
    owner_id INTEGER REFERENCES users ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS namespaces_parent ON namespaces (parent_id);
CREATE TABLE IF NOT EXISTS members (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('group', 'project')),
    source_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    access_level INTEGER NOT NULL,
    expires_at TEXT,
    created_at TEXT NOT NULL,
    created_by INTEGER,
    UNIQUE (kind, source_id, user_id)
);
CREATE INDEX IF NOT EXISTS members_user ON members (user_id);
CREATE TABLE IF NOT EXISTS shares (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('group', 'project')),
    source_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE,
    access_level INTEGER NOT NULL,
    expires_at TEXT,
    UNIQUE (kind, source_id, group_id)
);
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE,
    path TEXT NOT NULL,
    full_path TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    visibility TEXT NOT NULL DEFAULT 'private',
    default_branch TEXT NOT NULL DEFAULT 'main',
    empty INTEGER NOT NULL DEFAULT 1,
    archived INTEGER NOT NULL DEFAULT 0,
    creator_id INTEGER,
    forked_from INTEGER,
    star_count INTEGER NOT NULL DEFAULT 0,
    topics TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    last_activity_at TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}',
    UNIQUE (namespace_id, name)
);
CREATE INDEX IF NOT EXISTS projects_updated ON projects (updated_at);
CREATE INDEX IF NOT EXISTS projects_activity ON projects (last_activity_at);
CREATE TABLE IF NOT EXISTS redirects (
    path TEXT PRIMARY KEY COLLATE NOCASE,
    kind TEXT NOT NULL,
    target_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS merge_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    source_project_id INTEGER,
    source_branch TEXT NOT NULL,
    target_branch TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'opened',
    author_id INTEGER NOT NULL,
    sha TEXT NOT NULL,
    base_sha TEXT,
    merge_status TEXT NOT NULL DEFAULT 'preparing',
    prepared_at TEXT,
    check_due REAL NOT NULL DEFAULT 0,
    auto_merge INTEGER NOT NULL DEFAULT 0,
    labels TEXT NOT NULL DEFAULT '[]',
    assignees TEXT NOT NULL DEFAULT '[]',
    reviewers TEXT NOT NULL DEFAULT '[]',
    approvals TEXT NOT NULL DEFAULT '[]',
    milestone_id INTEGER,
    merge_commit_sha TEXT,
    squash_commit_sha TEXT,
    merged_by INTEGER,
    merged_at TEXT,
    closed_by INTEGER,
    closed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}',
    UNIQUE (project_id, iid)
);
CREATE INDEX IF NOT EXISTS merge_requests_source
    ON merge_requests (source_project_id, source_branch, state);
CREATE INDEX IF NOT EXISTS merge_requests_target
    ON merge_requests (project_id, target_branch, state);
CREATE INDEX IF NOT EXISTS merge_requests_updated ON merge_requests (updated_at);
CREATE INDEX IF NOT EXISTS merge_requests_check ON merge_requests (check_due)
    WHERE merge_status IN ('preparing', 'checking');
CREATE TABLE IF NOT EXISTS versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    merge_request_id INTEGER NOT NULL REFERENCES merge_requests ON DELETE CASCADE,
    head_sha TEXT NOT NULL,
    base_sha TEXT NOT NULL,
    start_sha TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS versions_merge_request ON versions (merge_request_id);
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'opened',
    author_id INTEGER NOT NULL,
    labels TEXT NOT NULL DEFAULT '[]',
    assignees TEXT NOT NULL DEFAULT '[]',
    milestone_id INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    closed_at TEXT,
    closed_by INTEGER,
    data TEXT NOT NULL DEFAULT '{}',
    UNIQUE (project_id, iid)
);
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    item_id INTEGER NOT NULL,
    discussion TEXT NOT NULL,
    individual INTEGER NOT NULL DEFAULT 1,
    author_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    system INTEGER NOT NULL DEFAULT 0,
    resolvable INTEGER NOT NULL DEFAULT 0,
    resolved INTEGER NOT NULL DEFAULT 0,
    resolved_by INTEGER,
    position TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_item ON notes (kind, item_id);
CREATE TABLE IF NOT EXISTS pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    sha TEXT NOT NULL,
    ref TEXT NOT NULL,
    tag INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    user_id INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS pipelines_project ON pipelines (project_id, sha);
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    pipeline_id INTEGER NOT NULL REFERENCES pipelines ON DELETE CASCADE,
    external INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT 'test',
    status TEXT NOT NULL,
    ref TEXT NOT NULL,
    sha TEXT NOT NULL,
    user_id INTEGER,
    description TEXT,
    target_url TEXT,
    coverage REAL,
    allow_failure INTEGER NOT NULL DEFAULT 0,
    log TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT
);
CREATE INDEX IF NOT EXISTS jobs_pipeline ON jobs (pipeline_id);
CREATE INDEX IF NOT EXISTS jobs_project ON jobs (project_id, sha);
CREATE TABLE IF NOT EXISTS hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('project', 'group', 'system')),
    source_id INTEGER NOT NULL DEFAULT 0,
    url TEXT NOT NULL,
    token TEXT NOT NULL DEFAULT '',
    signing_token TEXT NOT NULL DEFAULT '',
    uuid TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    disabled_until TEXT,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS hooks_source ON hooks (kind, source_id);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hook_id INTEGER NOT NULL REFERENCES hooks ON DELETE CASCADE,
    event TEXT NOT NULL,
    trigger TEXT NOT NULL,
    body TEXT NOT NULL,
    event_uuid TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    instance TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    response_status TEXT,
    response_body TEXT,
    request_headers TEXT,
    response_headers TEXT,
    duration REAL,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_hook ON deliveries (hook_id);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    scope_id INTEGER NOT NULL DEFAULT 0,
    key TEXT,
    data TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (kind, scope, scope_id, key)
);
"""
