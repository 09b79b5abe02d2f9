"""``deskbell connect``: what a monitoring system has to be told so that its alerts arrive."""
