"""Scrubs recognisable personal data from free text that a policy keeps. What can't be recognised stays: names do."""

import re

# Begins where a run of its characters begins: tried at each of them, a long run would cost the square of its length.
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
# US social security number; UK national insurance number; IBAN-like account numbers.
_NATIONAL_ID = re.compile(
    r"\b(?:\d{3}-\d{2}-\d{4}|[A-CEGHJ-PR-TW-Z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]|[A-Z]{2}\d{2}(?:\s?[A-Z\d]{4}){3,7}"
    r"(?:\s?[A-Z\d]{1,3})?)\b"
)
_LONG_NUMBER = re.compile(r"(?<![\w])\+?\(?\d(?:[\s().\-/]{0,2}\d){6,18}(?!\w)")
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19
_NON_DIGITS = re.compile(r"\D")


def scrub(text: str) -> str:
    """Replace e-mail addresses, national ids, card numbers (Luhn) and telephone numbers by what they were."""
    text = _EMAIL.sub("[email]", text)
    text = _NATIONAL_ID.sub("[id]", text)
    return _LONG_NUMBER.sub(_name_number, text)


def _name_number(match: re.Match[str]) -> str:
    digits = _NON_DIGITS.sub("", match.group())
    is_card = _MIN_CARD_DIGITS <= len(digits) <= _MAX_CARD_DIGITS and _passes_luhn(digits)
    return "[card]" if is_card else "[phone]"


def _passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(number // 10 + number % 10 for number in doubled)) % 10 == 0
