"""The community simulator: scenarios, runs and what can be said of them."""
