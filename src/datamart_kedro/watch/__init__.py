"""A process that looks at the shop again and again, and runs when there is something new."""
