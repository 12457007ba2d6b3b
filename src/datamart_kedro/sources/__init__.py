"""Where the shop's rows come from."""
