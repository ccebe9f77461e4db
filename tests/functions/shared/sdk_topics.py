"""The notification topics of Genesys Cloud, each with the official SDK's model of its body.

``notification_topics.json`` holds what ``notificationMappings.json`` in the SDK's repositories says: its Python package
has the models without the list.
"""

import json
from pathlib import Path

MODELS_BY_TOPIC: dict[str, str] = json.loads(
    Path(__file__).with_name("notification_topics.json").read_text(encoding="utf-8")
)
