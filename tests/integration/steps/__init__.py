"""The 31 steps of oVirt's design page, each proven by another path than the code took."""
