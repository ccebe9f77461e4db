"""The command line `genesys-firehose`: a local pipeline, and the operation of a deployed one.

The library `genesys_firehose_cdk` never imports it.
"""
