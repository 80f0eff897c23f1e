"""Extract i-vectors: one a recording, or one a model, of the pooled statistics of the recordings that enrol it.

    python3 -m steps.ivector.extract --data data/test_01 --feats exp/feats/all --extractor exp/01/ivector \\
        --out exp/01/ivectors/test
    python3 -m steps.ivector.extract --data data/enrol_01 --by model --feats exp/feats/all --extractor exp/01/ivector \\
        --out exp/01/ivectors/enrol

Writes a data directory whose utterances are recordings or models:

    xvector.{ark,scp} utt2spk spk2utt    vectors, and whose they are
    utt2sent                             what is said, where utt2sent or model2sent of --data tells
    failures.tsv                         what has no vector

With --job 2 --nj 4 it makes the parts of one job, as steps/ivector/extract.sh has it do; without, what is missing, and
the outputs. They are the same for any number of jobs.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.options import option
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.shards import MOST_JOBS, SHARDS_HELP, shards_of
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)
RECORDING, MODEL = "recording", "model"
SENTENCES = {RECORDING: "utt2sent", MODEL: "model2sent"}
TABLES = ("utt2spk", "enrol_map", *SENTENCES.values())
SMALLEST_SHARD = 100  # recordings


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.ivector.extract"
    data: Path = option(help="data directory of the recordings; of models, with enrol_map")
    feats: Path = option(help="directory of features with speech frames, as steps.features.normalise writes it")
    extractor: Path = option(help="directory of steps/ivector/train.sh")
    out: Path = option(help="directory to write")
    by: str = option(RECORDING, "a vector each recording, or each model of enrol_map", choices=(RECORDING, MODEL))
    alignments: Path | None = option(None, "of the recordings, where the extractor was trained with alignments")
    max_fail: float = option(0.01, "largest share that may have no vector", least=0, most=1)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the outputs", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "extract again even if nothing has changed")


def work(options: Options) -> None:
    """Extract the share of this job, or all, and commit the directory."""
    inputs = [path for name in TABLES if (path := options.data / name).is_file()]
    inputs += [
        options.feats,
        options.extractor / "model.safetensors",
        *([options.alignments] if options.alignments else []),
    ]
    run_part_jobs(options, inputs, _Extraction(options), free=("max_fail",))


@dataclass
class _Extraction:
    """The work on a data directory; items are recordings or models, with the recordings of each."""

    options: Options

    def recordings(self) -> Mapping[str, Sequence[str]]:
        """Recording or model -> its recordings."""
        from steps.data.enrolments import read_enrolments
        from utils.data_dir import DataDir

        if self.options.by == MODEL:
            return dict(sorted(read_enrolments(self.options.data).items()))
        return {one: (one,) for one in sorted(DataDir(self.options.data).require_utterances().utt2spk)}

    def items(self) -> list[Item]:
        listed = self.recordings()
        shards = shards_of([len(own) for own in listed.values()], SMALLEST_SHARD)
        return [Item(name, shard, list(own)) for (name, own), shard in zip(listed.items(), shards, strict=True)]

    def prepare(self) -> Callable[[list[Item]], Part]:
        import numpy as np
        import torch

        from steps.features.speech_frames import FramesProblem
        from steps.ivector.extractor_dir import read_extractor
        from steps.ivector.sorter import use_one_thread
        from steps.ivector.utterances import UtteranceStatistics, pooled

        use_one_thread()
        extractor, sorter = read_extractor(self.options.extractor)
        statistics = UtteranceStatistics(self.options.feats, sorter, self.options.alignments)

        def make(items: list[Item]) -> Part:
            problems, found = [], []
            for item in items:
                usable = []
                for recording in item.content:
                    try:
                        usable.append(statistics.of(recording))
                    except FramesProblem as problem:
                        problems.append([item.id, recording, problem.reason, problem.detail])
                found += [pooled(usable)] if usable else []
            counts, sums = (np.array([one[side] for one in found]) for side in (0, 1))
            if not found:
                return problems, {"vectors": np.empty((0, extractor.n_factors), np.float32)}
            vectors = extractor.vectors(torch.from_numpy(counts).double(), torch.from_numpy(sums).double())
            return problems, {"vectors": vectors.astype(np.float32)}

        return make

    def join(self, stage: StageDir, planned: Work) -> None:
        from steps.audio.failures import FAILURES, check_failures, write_failures
        from utils.archive_writer import ArchiveWriter

        failures, extracted, n_items = [], [], 0
        files = (stage.dir / "xvector.ark", stage.dir / "xvector.scp", stage.final / "xvector.ark")
        with ArchiveWriter(*files) as writer:
            for shard, items in planned.shards(range(planned.n_shards)):
                problems, arrays = read_part(planned.part(shard))
                failed = failed_items(items, problems)
                names = [item.id for item in items if item.id not in failed]
                writer.write(names, arrays["vectors"])
                failures += [(name, *why) for name, why in failed.items()]
                extracted += names
                n_items += len(items)
                for model, recording, reason, detail in problems:
                    if model not in failed:
                        log.info("%s is without %s: %s: %s", model, recording, reason, detail)
        check_failures(failures, n_items, self.options.max_fail, self.options.out)
        write_failures(stage.dir / FAILURES, failures)
        self.write_tables(stage.dir, extracted)
        log.info("%s: %d of %d vectors", stage.final, len(extracted), n_items)

    def write_tables(self, directory: Path, names: Sequence[str]) -> None:
        """Write whose the vectors are, and what is said."""
        from utils.data_dir import DataDir, write_data_dir

        data, listed = DataDir(self.options.data), self.recordings()
        tables = {"utt2spk": {name: data.utt2spk[listed[name][0]] for name in names}}
        if data.has(SENTENCES[self.options.by]):
            sentences = data.table(SENTENCES[self.options.by])
            tables["utt2sent"] = {name: sentences[name] for name in names if name in sentences}
        write_data_dir(directory, tables)

    def check(self) -> None:
        from steps.audio.failures import FAILURES, check_failures, read_failures

        failures = read_failures(self.options.out / FAILURES)
        n_items = len(failures) + len(read_lines(self.options.out / "utt2spk"))
        check_failures(failures, n_items, self.options.max_fail, self.options.out)


def failed_items(items: Sequence[Item], problems: Sequence[Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Reason and detail of the items of which no recording can be used."""
    reasons: dict[str, list[tuple[str, str]]] = {}
    for name, _, reason, detail in problems:
        reasons.setdefault(name, []).append((reason, detail))
    return {item.id: reasons[item.id][0] for item in items if len(reasons.get(item.id, ())) == len(item.content)}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
