"""The transform function: Firehose's raw records in, masked and partitioned records out."""
