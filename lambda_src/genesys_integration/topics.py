"""Checks topics against those that an organization has, before an integration asks for them.

The check refuses what Genesys Cloud definitely says it does not send over EventBridge. Where it says nothing, because
the credentials may not ask, the list is not there, or no topic of it names the transport, the topics pass unchecked.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from genesys.client import GenesysClient, GenesysError
from genesys.lifecycle import PropertyError
from shared.telemetry import log

TOPIC = re.compile(r"v2(?:\.(?:[A-Za-z0-9_]+|\{id\}))+")
# The transports of the Platform API's model AvailableTopic that lead to EventBridge, in lower case.
_EVENTBRIDGE = frozenset({"all", "eventbridge"})
# CloudFormation cuts a long reason.
_MOST_NAMED = 5
# A permission as the Platform API writes it, such as routing:queue:view.
_PERMISSION = re.compile(r"[A-Za-z]{1,64}(?::[A-Za-z*]{1,64}){1,2}")
_ALLOWED = "topics that Genesys Cloud lists for the organization with the transport EventBridge are allowed."


def check_topics(client: GenesysClient, topics: Iterable[str]) -> dict[str, list[str]]:
    """Look the topics up in the organization's list, and return the permissions that it names, by topic.

    Raises:
        PropertyError: the organization does not have a topic, or does not send it over EventBridge.
        GenesysError: Genesys Cloud can't answer now.
    """
    try:
        topics_of_the_organization = client.available_topics()
    except GenesysError as error:
        if error.is_transient:
            raise
        log("WARN", "the topics are not checked", reason=f"the list was refused with {error.status}")
        return {}
    listed = {each["id"]: each for each in topics_of_the_organization if TOPIC.fullmatch(str(each.get("id")))}
    if not any(_EVENTBRIDGE.intersection(_transports(each)) for each in listed.values()):
        log("WARN", "the topics are not checked", reason="no listed topic has the transport EventBridge")
        return {}
    chosen = sorted(topics)
    problems = [problem for topic in chosen if (problem := _problem(topic, listed))]
    if problems:
        more = f", and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise PropertyError(f"topics holds {', '.join(problems[:_MOST_NAMED])}{more}: {_ALLOWED}")
    return {topic: needed for topic in chosen if (needed := _permissions(listed[topic]))}


def _problem(topic: str, listed: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what is wrong with a topic; nothing when nothing is."""
    if topic not in listed:
        close = difflib.get_close_matches(topic, listed, n=1)
        return f"{topic!r}, which is unknown" + (f" (did you mean {close[0]!r}?)" if close else "")
    transports = _transports(listed[topic])
    if transports and not _EVENTBRIDGE.intersection(transports):
        return f"{topic!r}, which is not sent over EventBridge"
    return ""


def _permissions(topic: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in topic.get("requiresPermissions") or () if _PERMISSION.fullmatch(str(each))]


def _transports(topic: Mapping[str, Any]) -> list[str]:
    return [str(transport).lower() for transport in topic.get("transports") or ()]
