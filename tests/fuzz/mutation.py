"""Byte-level mutations, repeatable by their seed."""

import random
from collections.abc import Iterator, Sequence

# Bytes that mean something to a parser of JSON, base64 or UTF-8.
_TELLING = [
    *(bytes([byte]) for byte in b'{}[]",:\\/ \t\r\n-+.eE019=\x00\x7f\x80\xc0\xed\xff'),
    b"\\u0000",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 400,
    b"9" * 5000,
    b"[" * 2000,
    b'{"a":' * 2000,
    b'"messageId":7,',
    b'"oversize":{},',
    b'"Records":[{}],',
    b"null",
]


class Mutator:
    """An endless, repeatable stream of mutations.

    Args:
        seed: same seed, same mutations.
        corpus: valid inputs: what is mutated, and what is spliced into it.
    """

    def __init__(self, seed: int, corpus: Sequence[bytes]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._corpus = corpus

    def take(self, count: int) -> Iterator[bytes]:
        """Yield mutations of the corpus, most of them small."""
        for _ in range(count):
            data = bytearray(self._random.choice(self._corpus))
            for _mutation in range(self._random.choice([1, 1, 1, 2, 3, 8])):
                self._mutate(data)
            yield bytes(data)

    def _mutate(self, data: bytearray) -> None:
        start = self._random.randint(0, len(data))
        end = min(len(data), start + self._random.choice([1, 1, 2, 4, 16, 64]))
        kind = self._random.choice(["flip", "insert", "overwrite", "delete", "repeat", "splice", "truncate"])
        if kind == "flip" and start < len(data):
            data[start] ^= 1 << self._random.randrange(8)
        elif kind == "insert":
            data[start:start] = self._random.choice(_TELLING)
        elif kind == "overwrite":
            data[start:end] = self._random.choice(_TELLING)
        elif kind == "delete":
            del data[start:end]
        elif kind == "repeat":
            data[start:start] = data[start:end] * self._random.choice([1, 2, 50])
        elif kind == "splice":
            other = self._random.choice(self._corpus)
            data[start:] = other[self._random.randint(0, len(other)) :]
        elif kind == "truncate":
            del data[start:]
