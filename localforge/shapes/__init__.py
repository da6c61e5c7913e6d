"""How rows look to a client: one function a thing, the fields and names of GitLab's API."""
