"""The hub: takes reports in, decides at the deadline, tells the one who can act."""
