"""Stand-in for what the command hosted-engine calls once it has read its configuration."""
