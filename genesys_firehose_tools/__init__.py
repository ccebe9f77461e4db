"""The command line `genesys-firehose`: a pipeline on a laptop, and what an operator needs beside AWS's own tools.

The library `genesys_firehose_cdk` never imports it.
"""
