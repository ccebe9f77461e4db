"""A local Genesys Cloud: the calls of its Platform API that the pipeline uses, and a partner of EventBridge."""
