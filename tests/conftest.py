"""What all tests share."""

from hypothesis import settings

# A busy machine is not a slow program: no test fails for the time an example took.
settings.register_profile("homeslot", deadline=None)
settings.load_profile("homeslot")
