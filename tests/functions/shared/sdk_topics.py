"""The notification topics of Genesys Cloud, each with the official SDK's model of its body.

The list from which the dictionary of events is made: what ``notificationMappings.json`` in the SDK's repositories says.
The SDK's Python package has the models without the list.
"""

import json
from pathlib import Path

from genesys_firehose_tools.operations import dictionary

MODELS_BY_TOPIC: dict[str, str] = json.loads(
    Path(dictionary.__file__).with_name("topics.json").read_text(encoding="utf-8")
)
