"""The forms of values: what an identifier, a code, a time looks like, and what cannot be personal."""

import re
from typing import Any, Final

_UUID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9a-f]{32}"
_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_MOMENT = rf"{_DAY}(?:[T ]{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?)?"
# Seven digits and no letter may be a telephone number, whatever stands between them; so may seven digits that only
# separators set apart, with letters around them.
_NO_NUMBER = r"(?=.*[A-Za-z]|(?:\D*\d){0,6}\D*$)(?!.*\d(?:[._+-]?\d){6})"

is_uuid = re.compile(_UUID, re.ASCII).fullmatch
is_moment = re.compile(_MOMENT, re.ASCII).fullmatch
is_id = re.compile(rf"{_UUID}|(?=.*\d){_NO_NUMBER}[A-Za-z0-9._-]{{1,64}}", re.ASCII).fullmatch
# A media type or a time zone has a slash.
is_code = re.compile(rf"{_UUID}|{_NO_NUMBER}[A-Za-z0-9._+-]{{1,64}}(?:/[A-Za-z0-9._+-]{{1,64}})?", re.ASCII).fullmatch
is_time = re.compile(
    rf"{_MOMENT}(?:/{_MOMENT})?|{_CLOCK}|P(?=.)(?:\d{{1,4}}[YMWD])*(?:T(?:\d{{1,6}}(?:\.\d{{1,9}})?[HMS])+)?", re.ASCII
).fullmatch
# A part of the topic of a notification that nobody knows.
is_topic_word = re.compile(r"[A-Za-z_{}]{0,40}", re.ASCII).fullmatch
# What a field is called, with three digits at most. Anything else may be a value that stands as a key.
is_field_name = re.compile(r"(?!(?:.*\d){4})[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII).fullmatch

# 2000 to 2100.
_FIRST_EPOCH_MS: Final = 946_684_800_000
_LAST_EPOCH_MS: Final = 4_102_444_800_000
_LARGEST_NUMBER: Final = 10**13
_LARGEST_MEASURE: Final = 10**9
_MAX_UNKNOWN_DIGITS: Final = 6
NEAR_MS: Final = 31 * 24 * 3600 * 1000
_NON_DIGITS = re.compile(r"\D")


def is_number(value: float) -> bool:
    """Tell whether a number is one that a field known as a number may have."""
    return -_LARGEST_NUMBER < value < _LARGEST_NUMBER


def is_epoch(value: float) -> bool:
    """Tell whether a number is a moment in epoch milliseconds."""
    return _FIRST_EPOCH_MS <= value <= _LAST_EPOCH_MS


def is_impersonal_text(value: str) -> bool:
    """Tell whether a text nobody knows cannot be personal by its form."""
    return not value or is_uuid(value) is not None or is_moment(value) is not None


def is_impersonal_number(value: Any, name: str, arrived_ms: float) -> bool:
    """Tell whether a number nobody knows cannot be personal by its form."""
    if not is_number(value):
        return False
    if isinstance(value, int) and abs(value - arrived_ms) <= NEAR_MS:
        return True
    if name.endswith(("Ms", "Count")):
        return bool(0 <= value <= _LARGEST_MEASURE)
    return len(_NON_DIGITS.sub("", repr(value))) <= _MAX_UNKNOWN_DIGITS
