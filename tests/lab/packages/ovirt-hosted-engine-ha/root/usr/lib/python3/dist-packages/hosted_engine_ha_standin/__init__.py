"""Stand-in for the hosted engine's HA agent and broker: readers made from the formats alone."""
