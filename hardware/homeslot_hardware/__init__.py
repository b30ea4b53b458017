"""What board this is: board files, their lint, and the tools made from them."""
