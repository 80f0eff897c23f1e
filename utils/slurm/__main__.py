"""The process that utils/slurm.pl turns into: reads a request from standard input, and runs it."""

import os
import signal
import sys


def main() -> int:
    """Run the request on standard input."""
    if sys.argv[1:]:
        print("usage: utils/slurm.pl [options] [JOB=1:n] log-file command..., which starts this module")
        return 0 if sys.argv[1:] == ["--help"] else 255
    try:
        from utils.slurm.conf import WrongUsage
        from utils.slurm.launch import Launch, say
        from utils.slurm.launch_request import read_launch_request
        from utils.slurm.stopping import Sleeper, Stopped
    except ModuleNotFoundError as error:
        print(f"slurm.pl: {sys.executable} has no {error.name}; run utils/setup_env.sh", file=sys.stderr)
        return 1
    sleeper = Sleeper()
    try:
        return Launch(read_launch_request(sys.stdin.buffer), sleeper).run()
    except Stopped:
        sleeper.die()
        return 1
    except WrongUsage as error:
        say(str(error))
        return 255
    except (ValueError, OSError) as error:  # InputError among the first
        say(str(error))
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before there was a Sleeper
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
