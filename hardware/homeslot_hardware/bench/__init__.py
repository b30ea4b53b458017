"""`homeslot-bench`: the technician's tool, for boards on a desk and for carts on a USB cable."""
