"""What recipe amela needs beside the rooms that it joins: speech of its own, transcripts, splits, its report."""
