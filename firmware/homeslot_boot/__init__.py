"""What starts first on the board, and is never updated: it chooses the side that runs."""
