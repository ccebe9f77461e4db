"""A local Amazon Data Firehose that buffers, transforms, partitions, compresses and backs up as AWS documents.

What is modelled, after which AWS document, and what is not: docs/local-firehose.md.
"""
