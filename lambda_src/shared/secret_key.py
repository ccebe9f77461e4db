"""The key of an HMAC, as a secret holds it; one that can't work is refused in words."""

import json
import secrets
import string

SHORTEST_KEY = 8
_CHARACTERS = string.ascii_letters + string.digits
_LENGTH = 64


class UnusableKeyError(Exception):
    """A secret holds no usable key. The message names the secret's role and may be shown; it repeats nothing of it."""


def new_key() -> str:
    """Make a key: letters and digits alone, which stand in a header as they are."""
    return "".join(secrets.choice(_CHARACTERS) for _ in range(_LENGTH))


def usable_key(text: str | None, role: str) -> bytes:
    """Return the key that the text of a secret is.

    A key that begins or ends with a blank or a newline is one that was pasted or piped wrongly: whoever else has the
    key has it without.

    Args:
        text: the secret's text; None for a secret without one.
        role: what the key is for, such as ``signing key``.

    Raises:
        UnusableKeyError: the secret holds no text, or a text that can be no key.
    """
    if problem := _problem(text):
        raise UnusableKeyError(
            f"The secret of the {role} {problem}: the key alone as plain text is allowed, {SHORTEST_KEY} characters or "
            "more, without a blank or newline around it."
        )
    return str(text).encode()


def _problem(text: str | None) -> str | None:
    if text is None:
        return "holds no text"
    if not text.strip():
        return "is empty or holds blanks alone"
    if text != text.strip():
        return "begins or ends with a blank or a newline"
    if _is_json_object(text):
        return "is a JSON object"
    if len(text) < SHORTEST_KEY:
        return "is too short"
    if len(set(text)) == 1:
        return "repeats one character"
    return None


def _is_json_object(text: str) -> bool:
    # The console of Secrets Manager makes one of a key and its value unless told otherwise.
    try:
        return text.startswith("{") and isinstance(json.loads(text), dict)
    except ValueError:
        return False
