"""What has the shape of something personal is named instead of shown."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.scrub import scrub


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("write to jane.doe+x@mail.example.com now", "write to [email] now"),
        ("a@b.example,c@d.example", "[email],[email]"),
        ("<jane@example.com>", "<[email]>"),
        ("ssn 123-45-6789.", "ssn [id]."),
        ("AB 12 34 56 C", "[id]"),
        ("iban DE89 3704 0044 0532 0130 00", "iban [id]"),
        ("GB29NWBK60161331926819", "[id]"),
        ("card 4111 1111 1111 1111", "card [card]"),
        ("4111-1111-1111-1111", "[card]"),
        ("378282246310005", "[card]"),
        ("4111111111111112", "[phone]"),
        ("call +1 (555) 010-0100!", "call [phone]!"),
        ("555.010.0100", "[phone]"),
        ("0049/30/1234567", "[phone]"),
    ],
)
def test_personal_data_is_recognised(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text", ["", "see you at 10:30", "order 12345", "5 of 6", "jane@", "@jane", "user at example.com", "id abc1234567"]
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert scrub(text) == text


@given(before=st.text(" \n,;!?\u4f60", max_size=20), after=st.text(" \n,;!?\u4f60", max_size=20))
def test_it_is_recognised_whatever_stands_around_it(before: str, after: str) -> None:
    # A letter would be part of the address itself.
    surrounded = f"{before} jane@example.com {after}"
    assert scrub(surrounded) == f"{before} [email] {after}"


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a@", "a@a", "1", "1 ", "12-", "A1", "AB12", "+", "(", "@a.", "-", "a@a.a@"]
)
def test_a_long_text_costs_no_more_than_its_length(unit: str) -> None:
    """A quarter of a megabyte in which everything nearly matches; its square would be hours."""
    text = unit * (250_000 // len(unit))
    started = time.perf_counter()
    scrub(text)
    assert time.perf_counter() - started < 10
