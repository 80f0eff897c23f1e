"""Speaker verification: trials of real and sampled speakers, their scores, and the report."""
