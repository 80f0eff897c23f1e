"""The training loop of the house: what trains networks of any task, and knows none."""
