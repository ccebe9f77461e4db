"""What of Genesys Cloud's details records is expected in the lake: pure functions over the records of one day.

The fields are those of Genesys Cloud's SDK (PureCloudPlatformClientV2, "AnalyticsConversation"). Nothing but ids, media
and purposes is taken: a record also holds addresses, names and numbers.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Record = Mapping[str, Any]


class Scope(NamedTuple):
    """What is expected.

    Attributes:
        purposes: purposes of participants, such as ``agent``, in lower case.
        media: media of sessions, such as ``voice``, in lower case.
    """

    purposes: frozenset[str]
    media: frozenset[str]


class Session(NamedTuple):
    """A session that the lake must have an event of."""

    session_id: str
    medium: str
    purpose: str


class Conversation(NamedTuple):
    """A conversation that Genesys Cloud listed.

    Attributes:
        conversation_id: its id.
        ended: whether it had ended by then; it may be opened again.
        sessions: those that are expected, each once; there may be none.
    """

    conversation_id: str
    ended: bool
    sessions: tuple[Session, ...]


class Listing:
    """What one job listed: each conversation once, however its pages were cut.

    Args:
        pages: the job's pages.
        scope: what is expected of them.

    Raises:
        ListingError: A record has no id.
    """

    def __init__(self, pages: Iterable[Iterable[Record]], scope: Scope) -> None:
        found: dict[str, Conversation] = {}
        for page in pages:
            for record in page:
                conversation = _conversation(record, scope)
                found[conversation.conversation_id] = conversation
        self.conversations = [found[each] for each in sorted(found)]

    @property
    def digest(self) -> str:
        """Tell two listings apart by the conversations in them.

        A conversation that goes on between two jobs does not change it: whether all are there is the question.
        """
        ids = "\n".join(each.conversation_id for each in self.conversations)
        return hashlib.sha256(ids.encode()).hexdigest()

    def lines(self, run: str) -> Iterator[bytes]:
        """Yield what is staged, as JSON lines: one for each expected session, one for a conversation without any.

        Args:
            run: what tells this listing from others of the same day.
        """
        for each in self.conversations:
            told = {"run": run, "conversation": each.conversation_id, "ended": each.ended}
            for session in each.sessions:
                told_of_session = {"session": session.session_id, "medium": session.medium, "purpose": session.purpose}
                yield _encode({**told, **told_of_session}).encode() + b"\n"
            if not each.sessions:
                yield _encode(told).encode() + b"\n"


class ListingError(Exception):
    """A record that nothing can be said of; the text repeats nothing of it."""


def _conversation(record: Record, scope: Scope) -> Conversation:
    conversation_id = record.get("conversationId") if isinstance(record, Mapping) else None
    if not isinstance(conversation_id, str) or not conversation_id:
        raise ListingError("Genesys Cloud listed a conversation without an id.")
    sessions = {
        session.session_id: session
        for participant in _objects(record.get("participants"))
        if (purpose := _word(participant.get("purpose"))) in scope.purposes
        for session in _sessions(participant, purpose, scope)
    }
    return Conversation(
        conversation_id, bool(record.get("conversationEnd")), tuple(sessions[each] for each in sorted(sessions))
    )


def _sessions(participant: Record, purpose: str, scope: Scope) -> Iterator[Session]:
    for session in _objects(participant.get("sessions")):
        session_id, medium = session.get("sessionId"), _word(session.get("mediaType"))
        if medium not in scope.media:
            continue
        if not isinstance(session_id, str) or not session_id:
            raise ListingError("Genesys Cloud listed a session without an id.")
        yield Session(session_id, medium, purpose)


def _objects(value: Any) -> list[Record]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _word(value: Any) -> str:
    """The SDK's models compare such words without regard to case."""
    return value.lower() if isinstance(value, str) else ""


_encode = json.JSONEncoder(separators=(",", ":")).encode
