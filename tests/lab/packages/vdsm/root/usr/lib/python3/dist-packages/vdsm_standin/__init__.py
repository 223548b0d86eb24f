"""Stand-in for vdsm: what an engine, a hosted engine and an operator use of it."""
