"""The function behind the custom resource of an Amazon EventBridge Source integration."""
