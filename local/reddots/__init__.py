"""RedDots, and corpora in its files: `pcm/`, lists in `ndx/`, tables in `infos/`."""
