"""A transform function that does with each record what the record itself asks for."""

import base64
import json
import pathlib
import tempfile
import time
from typing import Any


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    records = []
    for record in event["records"]:
        script = json.loads(base64.b64decode(record["data"]))
        action = script["do"]
        result = {"recordId": record["recordId"], "result": "Ok", "data": record["data"]}
        if action == "answer":
            result["data"] = base64.b64encode(script["data"].encode() * script.get("times", 1)).decode()
            result["metadata"] = script.get("metadata", {"partitionKeys": script.get("keys")})
        elif action == "show event":
            result["data"] = base64.b64encode(json.dumps(event).encode()).decode()
        elif action == "show batch size":
            result["data"] = base64.b64encode(b"%d " % len(event["records"])).decode()
        elif action in ("Dropped", "ProcessingFailed", "Splendid"):
            result = {"recordId": record["recordId"], "result": action}
        elif action == "another id":
            result["recordId"] = "another"
        elif action == "no base64":
            result["data"] = "*"
        elif action == "too much":
            result["data"] = "A" * 6 * 1024 * 1024
        elif action == "sleep":
            time.sleep(5)
        elif action == "raise" or (action == "raise once" and not _seen(record["recordId"])):
            raise RuntimeError
        if action != "forget":
            records.extend([result] * (2 if action == "repeat" else 1))
    return {"records": records}


def _seen(record_id: str) -> bool:
    marker = pathlib.Path(tempfile.gettempdir(), record_id)
    seen = marker.exists()
    marker.touch()
    return seen
