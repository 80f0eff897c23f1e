"""The training loop of all networks: a task gives it network, batches and loss; the loop knows no task."""
