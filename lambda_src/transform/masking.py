"""Masks personal data in an event, by a policy that is data.

A rule belongs to a field name, wherever it stands, or to a path, wherever its names stand in that order; a path's rule
beats a name's, a longer path's a shorter's. ``tokenize`` replaces a value by a keyed hash of its normalised form, so
that the same number or name is the same token in every field and event; ``mask`` keeps the last characters; ``drop``
removes the field; ``keep`` ends the search for a broader rule. ``attributes`` objects hold whatever a flow's author put
there, so they keep only the keys that the policy allows. Free text is dropped, or scrubbed of what can be recognised.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from transform.scrub import scrub

TOKEN_PREFIX: Final = "tok_"  # noqa: S105 - what a token begins with
# 128 bits of the HMAC: no two of any number of callers a contact centre will ever have share a token.
_TOKEN_HEX = 32
_MASK = "*"
_ATTRIBUTES = "attributes"
_NESTED: Final = frozenset({dict, list})

_Rule = Callable[[Any], Any]
_DROPPED: Final = object()
# Per name on a path, what may follow, and the rule where a path ends.
_Node = dict[str, Any]
_END = ""

_SCHEME = re.compile(r"^(?:tel|sips?):", re.IGNORECASE)
# A telephone number as people write it; an IPv4 address is none.
_NUMBER = re.compile(r"^(?!(?:\d{1,3}\.){3}\d{1,3}$)\+?[\d\s().\-/]{3,}$")
_NON_DIGITS = re.compile(r"\D")
_SPACES = re.compile(r"\s+")


def normalize(value: str) -> str:
    """Bring the spellings of one address or name to one form.

    ``tel:+1 (555) 010-0100``, ``+15550100100`` and ``sip:+15550100100@carrier.example;user=phone`` are the same number.
    """
    text = value.strip()
    if _SCHEME.match(text):
        text = _SCHEME.sub("", text).partition(";")[0]
        user, _, _host = text.partition("@")
        if _NUMBER.match(user):
            text = user
    if _NUMBER.match(text):
        return _NON_DIGITS.sub("", text)
    return _SPACES.sub(" ", text).casefold()


class Masker:
    """Applies one policy with one key.

    Args:
        policy: the policy as JSON, as ``policy.json`` holds it.
        key: the tokenization key.
    """

    def __init__(self, policy: Mapping[str, Any], key: bytes) -> None:
        # A copy with the key already in it takes two thirds of the time that a new one does.
        keyed = hmac.new(key, digestmod="sha256")

        @lru_cache(maxsize=65536)
        def token(value: str) -> str:
            code = keyed.copy()
            code.update(normalize(value).encode("utf-8", "surrogatepass"))
            return TOKEN_PREFIX + code.hexdigest()[:_TOKEN_HEX]

        self._token = token
        free_text = _drop_text if policy["free_text"] == "drop" else _scrub_text
        self._names: dict[str, _Rule] = dict.fromkeys(policy["free_text_fields"], free_text)
        self._names.update({name: self._rule(rule) for name, rule in policy["fields"].items()})
        self._paths: _Node = {}
        for path, rule in policy["paths"].items():
            node = self._paths
            for name in path.replace("[]", "").split("."):
                node = node.setdefault(name, {})
            node[_END] = self._rule(rule)
        self._allowed_attributes = frozenset(policy["attributes"]["allow"])
        self._named = frozenset({*self._names, *self._paths, _ATTRIBUTES})

    def mask(self, payload: dict[str, Any]) -> None:
        """Mask a payload in place."""
        self._mask_object(payload, ())

    def _rule(self, rule: Mapping[str, Any]) -> _Rule:
        action = rule["action"]
        if action == "tokenize":
            return self._tokenize
        if action == "mask":
            keep_last = rule["keep_last"]
            return lambda value: _each_scalar(value, lambda text: _keep_last(text, keep_last))
        return _drop if action == "drop" else _keep

    def _tokenize(self, value: Any) -> Any:
        return _each_scalar(value, self._token)

    def _mask_object(self, node: dict[str, Any], open_paths: tuple[_Node, ...]) -> None:
        names, paths = self._names, self._paths
        dropped: list[str] | None = None
        for name, value in node.items():
            # Most fields are plain and named nowhere.
            if name not in self._named and not open_paths and type(value) not in _NESTED:
                continue
            rule: _Rule | None
            if name in paths or open_paths:
                followers = tuple(path[name] for path in (*open_paths, paths) if name in path)
                rule = next((path[_END] for path in followers if _END in path), None) or names.get(name)
            else:
                followers = ()
                rule = names.get(name)
            is_text_rule = rule is _drop_text or rule is _scrub_text
            if name == _ATTRIBUTES and rule is None:
                node[name] = value = self._allowed(value)
            if isinstance(value, dict) and (rule is None or is_text_rule):
                self._mask_object(value, followers)
            elif isinstance(value, list) and (rule is None or is_text_rule):
                self._mask_list(value, followers, rule)
            elif rule is not None:
                masked = rule(value)
                if masked is _DROPPED:
                    dropped = [*(dropped or ()), name]
                elif masked is not value:
                    node[name] = masked
        for name in dropped or ():
            del node[name]

    def _allowed(self, attributes: Any) -> Any:
        if isinstance(attributes, dict):
            return {key: value for key, value in attributes.items() if key in self._allowed_attributes}
        # Whatever else stands there has no keys to allow.
        return [self._allowed(value) for value in attributes] if isinstance(attributes, list) else None

    def _mask_list(self, values: list[Any], open_paths: tuple[_Node, ...], text_rule: _Rule | None) -> None:
        for index, value in enumerate(values):
            if isinstance(value, dict):
                self._mask_object(value, open_paths)
            elif isinstance(value, list):
                self._mask_list(value, open_paths, text_rule)
            elif text_rule is not None:
                values[index] = text_rule(value)
        if text_rule is _drop_text:
            values[:] = [value for value in values if value is not _DROPPED]


def _each_scalar(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text and number inside a value. Empty text, truth values and null tell nothing of a person."""
    if isinstance(value, str):
        return change(value) if value else value
    if isinstance(value, dict):
        return {name: _each_scalar(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_scalar(inner, change) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    return change(str(value))


def _keep_last(text: str, keep: int) -> str:
    hidden = max(len(text) - keep, 0)
    # The last characters of a text that is hardly longer would be the text.
    return _MASK * len(text) if hidden < keep else _MASK * hidden + text[hidden:]


def _drop(_value: Any) -> Any:
    return _DROPPED


def _keep(value: Any) -> Any:
    return value


def _drop_text(value: Any) -> Any:
    # A number in the place of a text may be a card's.
    return value if value is None or isinstance(value, bool) else _DROPPED


def _scrub_text(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    text = str(value)
    scrubbed = scrub(text)
    return value if scrubbed == text else scrubbed
