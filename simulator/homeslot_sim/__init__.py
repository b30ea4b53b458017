"""The slot simulator: the board in software, with a school day around it."""
