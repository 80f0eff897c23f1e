"""The programs behind the recognisers. Each file runs here or alone in another interpreter, so none imports our own."""
