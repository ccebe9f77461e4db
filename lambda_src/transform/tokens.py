"""Tokens: the same for one number, address or name however it is written, and different under another key."""

import hmac
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

TOKEN_PREFIX: Final = "tok_"  # noqa: S105 - what a token begins with
# 128 bits of the HMAC: no two of any number of callers a contact centre will ever have share a token.
_TOKEN_HEX = 32
_KEY_ID_HEX = 8
# A longer text is no number, address or name that comes again; kept, a few hundred would fill the memory.
_LONGEST_KEPT = 256
_KEY_ID_LABEL = b"the id of a tokenization key"
_IDENTITY_LABEL = b"\xffidentity\0"

_SCHEME = re.compile(r"^(?:tel|sips?|mailto|whatsapp):", re.IGNORECASE)
# A shorter user of a SIP address is an extension: whose it is, the host says.
_SHORTEST_NUMBER = 10
_DASHES = dict.fromkeys(range(0x2010, 0x2016), "-")
# A telephone number as people write it, of seven digits or more. An IPv4 address or network, a decimal number, an
# amount and what is below zero are none: they would become one with others that have the same digits.
_NUMBER = re.compile(
    r"^(?!(?:\d{1,3}\.){3}\d{1,3}(?:/\d+)?$)(?!\d+\.\d+$)(?![\d ]+\.\d{1,2}$)(?=(?:[^\d]*\d){7})\+?[\d(][\d\s().\-/]*$",
    re.ASCII,
)
_NON_DIGITS = re.compile(r"\D")
_SPACES = re.compile(r"\s+")


def normalize(value: str) -> str:
    """Bring the spellings of one address or name to one form.

    ``tel:+1 (555) 010-0100``, ``+15550100100`` and ``sip:+15550100100@carrier.example;user=phone`` are the same number.
    """
    text = value.strip() if value.isascii() else _plain(value)
    if _SCHEME.match(text):
        text = _SCHEME.sub("", text).partition(";")[0].strip()
        user, _, _host = text.partition("@")
        if _NUMBER.match(user) and (user.startswith("+") or len(_NON_DIGITS.sub("", user)) >= _SHORTEST_NUMBER):
            text = user
    if _NUMBER.match(text):
        return _NON_DIGITS.sub("", text)
    return _SPACES.sub(" ", text).casefold()


def _plain(value: str) -> str:
    """Return a text in one spelling of its characters, without invisible ones, and with plain blanks and dashes."""
    text = unicodedata.normalize("NFKC", value).translate(_DASHES)
    return "".join(char for char in text if unicodedata.category(char) != "Cf").strip()


def key_id(key: bytes) -> str:
    """Return the id of a key: a keyed hash of a fixed label, so it tells nothing of the key but which one it is."""
    return hmac.new(key, _KEY_ID_LABEL, "sha256").hexdigest()[:_KEY_ID_HEX]


class Tokenizer:
    """Makes the token of a text: ``tok_``, the key's id, and a keyed hash. It remembers the texts it has seen last.

    Attributes:
        made: how many tokens it has made of texts that it did not remember.
    """

    def __init__(self, key: bytes) -> None:
        # A copy with the key already in it takes two thirds of the time that a new one does.
        self._keyed = hmac.new(key, digestmod="sha256")
        self._prefix = f"{TOKEN_PREFIX}{key_id(key)}_"
        self._kept = lru_cache(maxsize=65536)(self._make)
        self.made = 0

    def __call__(self, value: str) -> str:
        """Return the token of a text."""
        return self._kept(value) if len(value) <= _LONGEST_KEPT else self._make(value)

    def _make(self, value: str) -> str:
        self.made += 1
        code = self._keyed.copy()
        code.update(normalize(value).encode("utf-8", "surrogatepass"))
        return self._prefix + code.hexdigest()[:_TOKEN_HEX]


def identifier(key: bytes) -> Callable[[str], str]:
    """Return what makes a keyed digest of a text that identifies an event, 128 bits in hex.

    It is no token of any text, though both come from one key: a token's text is UTF-8, and what is hashed here begins
    with a byte that UTF-8 does not have (RFC 3629). So nobody learns a digest by sending a text and reading its token.
    """
    keyed = hmac.new(key, _IDENTITY_LABEL, "sha256")

    def identify(text: str) -> str:
        code = keyed.copy()
        code.update(text.encode("utf-8", "surrogatepass"))
        return code.hexdigest()[:_TOKEN_HEX]

    return identify


def text_of(value: Any) -> str:
    """Return a plain value as text: a whole number is the same however JSON writes it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
