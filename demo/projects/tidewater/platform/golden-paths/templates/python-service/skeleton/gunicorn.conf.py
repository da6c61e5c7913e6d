"""How gunicorn serves the application. Every setting comes from the environment."""

import os

wsgi_app = "${{ values.package }}.wsgi:application"
bind = "0.0.0.0:" + os.environ.get("PORT", "8080")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# A worker tells gunicorn that it is alive by touching a file, which is slow on a container's disk.
worker_tmp_dir = "/dev/shm"
