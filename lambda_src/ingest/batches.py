"""Cuts what is sent to AWS into batches."""

from collections.abc import Iterator, Sequence


def batches(sizes: Sequence[int], most_items: int, most_bytes: int) -> Iterator[list[int]]:
    """Cut ``range(len(sizes))`` into runs within both limits."""
    batch: list[int] = []
    total = 0
    for index, size in enumerate(sizes):
        if batch and (len(batch) == most_items or total + size > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(index)
        total += size
    if batch:
        yield batch
