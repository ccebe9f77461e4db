"""Traffic holds what was asked for, and nothing else."""

from collections import Counter

from genesys_firehose_tools.local.traffic import traffic

EVENTS = [{"id": number} for number in range(1000)]


def sent(**options: object) -> list[int]:
    return [event["id"] for message in traffic(EVENTS, **options) for event in message.events]  # type: ignore[arg-type]


def test_every_event_is_sent_once_and_in_order_by_default() -> None:
    assert sent() == list(range(1000))


def test_a_share_of_the_events_is_sent_twice_and_the_rest_once() -> None:
    counts = Counter(Counter(sent(duplicates=0.3, disorder=50)).values())

    assert counts == {1: 700, 2: 300}


def test_events_come_out_of_order_but_not_by_more_than_asked_for() -> None:
    order = sent(disorder=20)

    assert order != sorted(order)
    assert all(abs(place - event) <= 20 for place, event in enumerate(order))


def test_events_come_in_batches_and_none_is_left_out() -> None:
    messages = traffic(EVENTS, batch=300)

    assert [len(message.events) for message in messages] == [300, 300, 300, 100]


def test_forgeries_are_messages_of_their_own() -> None:
    messages = traffic(EVENTS, forgeries=[{"id": "forged"}] * 5, batch=10)
    forged = [message for message in messages if message.forged]

    assert [message.events for message in forged] == [[{"id": "forged"}]] * 5
    assert sum(len(message.events) for message in messages if not message.forged) == 1000
