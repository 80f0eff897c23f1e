"""The one exception that stands for a fault of the input rather than of the program."""


class InputError(ValueError):
    """The user's files, options or texts are wrong.

    The message alone must suffice: file and line, the offending key, what was expected and what to do. Commands print
    it as one line and exit with status 1; every other exception is a bug of ours and keeps its traceback.
    """
