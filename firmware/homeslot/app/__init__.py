"""The tasks of the firmware and what they share."""
