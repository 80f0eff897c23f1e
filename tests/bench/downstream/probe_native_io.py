"""kaldi_native_io, Kaldi's own readers of tables: vectors, numbers of utterances, lists of utterances."""

from copy import copy

import kaldi_native_io
from probing import Probe, table

probe = Probe()


def sequential(kind, specifier):
    """All entries of a table, copied: vectors are views of memory that the next one takes."""
    with getattr(kaldi_native_io, f"Sequential{kind}Reader")(specifier) as reader:
        yield from ((key, copy(value)) for key, value in reader)


def random_access(specifier, keys):
    """The vectors of some keys, in any order."""
    with kaldi_native_io.RandomAccessFloatVectorReader(specifier) as reader:
        for key in reversed(keys):
            if key in reader:
                yield key, copy(reader[key])


for name, path, expected in probe.scripts():
    probe.count(f"{name}: scp", expected, lambda path=path: sequential("FloatVector", f"scp:{path}"))
for name, path, expected in probe.scripts():
    if name in ("samples", "embeddings"):
        archive = path.replace(".scp", ".ark")
        probe.count(f"{name}: ark", expected, lambda archive=archive: sequential("FloatVector", f"ark:{archive}"))
        keys = list(expected)
        probe.count(
            f"{name}: scp, any order", expected, lambda path=path, keys=keys: random_access(f"scp:{path}", keys)
        )
counted = {"samples": "samples/groups", "enrolment": "verify/trials"}
for name, directory in counted.items():
    path = probe.directories[directory] + ("/enrol" if name == "enrolment" else "") + "/num_utts.ark"
    expected = {key: int(value) for key, value in table(path).items()}
    probe.count(f"{name}: num_utts.ark, int32", expected, lambda path=path: sequential("Int32", f"ark:{path}"))
for directory in ("samples/groups", "data/train"):
    path = f"{probe.directories[directory]}/spk2utt"
    expected = {key: value.split() for key, value in table(path).items()}
    probe.count(f"{directory}: spk2utt, tokens", expected, lambda path=path: sequential("TokenVector", f"ark:{path}"))
