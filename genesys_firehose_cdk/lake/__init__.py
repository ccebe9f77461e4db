"""Where events are kept and how they are queried: the bucket, the catalog and the saved queries.

May import `common` and `events`. Who writes into the bucket is not known here.
"""
