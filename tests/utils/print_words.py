"""Print the words of the command line as a Python list."""

import sys

print(repr(sys.argv[1:]))
