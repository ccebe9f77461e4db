"""The function that takes conversations' details records from Genesys Cloud, day by day, and puts them to Firehose."""
