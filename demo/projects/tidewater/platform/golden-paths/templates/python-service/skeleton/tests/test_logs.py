import json
import logging
import sys

from ${{ values.package }}.logs import JsonFormatter


def test_one_json_object_a_line():
    record = logging.LogRecord("shop", logging.INFO, "x.py", 1, "sold %s", ("two",), None)
    record.fields = {"order": 7}
    line = JsonFormatter().format(record)
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["message"], entry["level"], entry["order"]) == ("sold two", "info", 7)


def test_exception_stays_on_the_line():
    try:
        raise ValueError("no seats")
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("shop", logging.ERROR, "x.py", 1, "failed", (), info)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "no seats" in json.loads(line)["exception"]
