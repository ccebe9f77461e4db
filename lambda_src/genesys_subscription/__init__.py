"""The function behind the custom resource of an event subscription."""
