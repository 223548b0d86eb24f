"""Stand-in for sanlock: its lockspace records on disk, its command, a daemon that keeps leases."""
