"""The exit status that means "run me again"."""

RUN_AGAIN = 85  # as self-checkpointing jobs of HTCondor have it
