"""The function that takes snapshots of the names behind Genesys Cloud's identifiers, and puts them to Firehose."""
