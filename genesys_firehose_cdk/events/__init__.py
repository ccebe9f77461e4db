"""What is known of events: the topics there are, the shapes they have, what is masked in them.

Data and its checks, no AWS resource. May import `common` alone.
"""
