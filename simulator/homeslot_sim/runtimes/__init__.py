"""What carts run on."""


class NoRuntime(RuntimeError):
    """A runtime cannot be used here, or did not last; says what it lacks."""
