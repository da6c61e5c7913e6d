"""The forge's plain HTML pages."""

from localforge.pages import static
from localforge.reply import Reply

ROUTES = [*static.ROUTES]


def unknown(incoming) -> Reply:
    return Reply({"error": "404 Not Found"}, 404)


def error_page(forge, incoming, reply):
    return reply
