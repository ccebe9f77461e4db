"""The dictionary of events: how it is generated from the SDK's models, and the page that shows it."""
