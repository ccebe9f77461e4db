"""The lake's tables: what each holds, and the Athena statements that make and fill them.

Nothing here is a construct. The statements are texts; who runs them is in `genesys_firehose_cdk.lake.lake_tables`.
"""
