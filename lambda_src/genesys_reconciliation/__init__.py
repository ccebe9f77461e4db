"""The function that lists what Genesys Cloud knows of a day, so that the lake's tables can be held against it."""
