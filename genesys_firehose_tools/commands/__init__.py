"""The commands of `genesys-firehose`, a module for each or for a few that belong together.

A command reads its options, calls `local` or `operations`, and prints the result. What the commands share is in
`options`, `terminal`, `deployed` and `errors`. `cli` registers them. No other package imports from here.
"""
