"""A partner of Amazon EventBridge for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from genesys_firehose_tools.local.genesys.partner import SourceExistsError, SourceKey


class InMemoryPartner:
    """EventBridge without one: remembers sources and events.

    Attributes:
        sources: The sources, each with its state for DescribeEventSource.
        events: The events put, by the name of their source.
    """

    def __init__(self) -> None:
        self.sources: dict[SourceKey, str] = {}
        self.events: dict[str, list[Mapping[str, Any]]] = {}

    def create_source(self, source: SourceKey) -> None:
        """Create a source that waits for its bus."""
        if source in self.sources:
            raise SourceExistsError(source.name)
        self.sources[source] = "PENDING"

    def delete_source(self, source: SourceKey) -> None:
        """Forget a source."""
        self.sources.pop(source, None)

    def put_events(self, source: SourceKey, events: Sequence[Mapping[str, Any]]) -> None:
        """Remember events."""
        self.events.setdefault(source.name, []).extend(events)
