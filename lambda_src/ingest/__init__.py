"""The ingest function: signed webhook and buffer queue in, Firehose records out."""
