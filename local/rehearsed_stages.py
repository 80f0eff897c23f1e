"""The stages of the main recipe, one after the other, on a part of the corpus: what each has shown, and will take.

The corpus itself is read in full where that is quick beside the run: rows and keys of capspeech, the headers of audio.
"""

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from local.check_parts import Verdicts, jobs_at_once
from local.estimates import Estimate, Sizes, grown, memory_of, scored_factor, together
from local.rehearsal import Rehearsal, Trial, size_of
from local.rehearsed_training import train_for
from steps.data import take_part
from steps.generators import train
from steps.generators.train import FITS, Entry, generator_options, read_list
from utils.archives import ArchiveReader
from utils.command import logger
from utils.data_dir import require_valid
from utils.errors import InputError
from utils.faults import describe
from utils.options import parse
from utils.tables import iterate_table

if TYPE_CHECKING:
    from local.check_run import Options

log = logger(__name__)
ROWS, AUDIO, VOICES = 4000, 240, 24  # of the part: utterances with embeddings, of audio, voices of the demo corpus
ALL_GROUPS = ("--set", "split.allow_missing_groups=true")  # a part may lack some
VOICES_OF_DEMO, UTTERANCES_OF_VOICE = 180, 10
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
RATE = re.compile(r"([\d.]+) times real time")


class RehearsedStages:
    """What the check of a run tries, stage by stage; each fault ends it, and is a row of `verdicts`."""

    def __init__(
        self, options: "Options", rehearsal: Rehearsal, device: str | None, verdicts: Verdicts, estimate: Estimate
    ):
        self.options, self.rehearsal, self.device = options, rehearsal, device
        self.verdicts, self.estimate = verdicts, estimate
        self.peak = 0
        self.spans: list[tuple[float, float]] = []  # seconds of trainings, from and to
        self.entries = read_list(options.generators)

    def rehearse(self, last: int) -> Sizes:
        """Try the stages of the run. Returns how large the whole is, as far as it is known.

        Args:
            last: 0 for the corpus alone.
        """
        try:
            whole = self._corpus()
            if whole is None or last < min(1, self.options.stop_stage):
                return whole or Sizes(0)
            texts = self.options.stop_stage >= 1 and self._texts(whole)
            if texts and self.options.stop_stage >= 4 and self.device and self._training(whole):
                self._figures(whole)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.verdicts.bad("disk", f"no room for a part of the run: {describe(error)}")
            return Sizes(0)
        self._room(whole)
        return whole

    def _try(self, what: str, trial: Trial) -> bool:
        """Note what a run has needed, or why it has failed. Returns whether it went well."""
        self.peak = max(self.peak, trial.peak)
        if trial.fault:
            self.verdicts.bad(what, trial.fault)
        return not trial.fault

    def _corpus(self) -> Sizes | None:
        """Read the corpus, and leave a part of it in the directory of the rehearsal."""
        log.info("reading the corpus")
        if self.options.stage > 0:
            require_valid(self.options.data / "all")
            whole = _sizes(self.options.data / "all")
            self._take(self.options.data / "all")
            self.verdicts.good("corpus", f"{whole.utterances:,} utterances in {self.options.data / 'all'}")
            return whole
        return {"demo": self._demo, "capspeech": self._rows}.get(self.options.corpus, self._audio)()

    def _demo(self) -> Sizes | None:
        own = next((int(n) for n in re.findall(r"prepare\.n_voices=(\d+)", " ".join(self.rehearsal.words))), None)
        more = () if own else ("--set", f"prepare.n_voices={VOICES}")
        trial = self.rehearsal.run(0, 0, *more)
        if not self._try("corpus", trial):
            return None
        voices = own or VOICES_OF_DEMO
        self._add(trial, self.rehearsal.run(0, 0, *more), {0: voices / (own or VOICES)})
        self.verdicts.good("corpus", f"{voices} synthetic voices, {voices * UTTERANCES_OF_VOICE:,} utterances")
        return Sizes(voices * UTTERANCES_OF_VOICE)

    def _rows(self) -> Sizes | None:
        data = self.rehearsal.directory / "whole"
        trial = self.rehearsal.run(0, 0, data=data)
        if not self._try("corpus", trial):
            return None
        whole = _sizes(data / "all")
        self.estimate.add("0", trial.seconds)
        self.verdicts.good("corpus", f"{whole.utterances:,} rows with embeddings, {_left_out(data / 'all')} left out")
        if self.options.stop_stage >= 2:
            log.info("splitting the speakers")
            trial = self.rehearsal.run(2, 2, data=data)
            self.estimate.add("2", trial.seconds)
            if not self._try("split", trial):
                return None
        self._take(data / "all")
        return whole

    def _audio(self) -> Sizes | None:
        trial = self.rehearsal.run(0, 0, part=AUDIO)
        if not self._try("corpus", trial):
            return None
        audio = self.rehearsal.data / "audio"
        whole = _sizes(audio)
        log_of = self.rehearsal.exp / "log"
        rates = {name: sum(_rates(log_of.glob(f"{name}.*.log"))) for name in ("embed", "measure")}
        seconds = trial.seconds + sum(whole.seconds / rate for rate in rates.values() if rate)
        self.estimate.add("0", seconds)
        found = f"{whole.utterances:,} utterances, {whole.seconds / 3600:.1f} hours"
        self.verdicts.good("corpus", f"{found}; embedded {rates['embed']:.0f} times as fast as spoken")
        return whole

    def _take(self, data: Path) -> None:
        take_part.work(take_part.Options(data, self.rehearsal.data / "all", ROWS))

    def _texts(self, whole: Sizes) -> bool:
        """Stages 1 to 3 on the part."""
        last = min(3, self.options.stop_stage)
        log.info("texts, split and index of a part")
        more = () if "allow_missing_groups" in " ".join(self.rehearsal.words) else ALL_GROUPS
        trial = self.rehearsal.run(1, last, *more)
        if not self._try("a part in stages 1 to 3", trial):
            return False
        part = _sizes(self.rehearsal.data / "all")
        rows = whole.utterances / part.utterances
        factors = {1: whole.captions / part.captions if part.captions else 1.0, 2: rows, 3: rows}
        self._add(trial, self.rehearsal.run(1, last, *more), factors)
        if last < 3:
            return False
        vectors = ArchiveReader(self.rehearsal.exp / "index/train/xvector.scp")
        whole.dim = vectors.vectors([next(iter(vectors))]).shape[1]
        self.verdicts.good("a part in stages 1 to 3", f"{part.utterances:,} utterances of {whole.dim} dimensions")
        return True

    def _add(self, trial: Trial, idle: Trial, factors: Mapping[int, float]) -> None:
        """Add to the estimate what each stage takes for so many times the work, if it is not known yet."""
        for stage, factor in factors.items():
            if stage in trial.stages and (stage == 4 or str(stage) not in self.estimate.seconds):
                seconds = grown(trial.stages[stage], idle.stages.get(stage, 0.0), factor)
                self.estimate.add(str(stage), seconds)

    def _training(self, whole: Sizes) -> bool:
        """Train each network for its share of the seconds."""
        networks = [entry for entry in self.entries if FITS.load(entry.fit).shared]
        exp, part = self.rehearsal.exp, _sizes(self.rehearsal.data / "all").utterances
        rows = round(_sizes(exp / "index/train").utterances * whole.utterances / part)
        places = exp / "index", self.rehearsal.data / "descriptions", exp / "text"
        for entry in networks:
            seconds, out = self.options.seconds / len(networks), self.rehearsal.directory / "training" / entry.name
            log.info("training %s for %.0f s", entry.name, seconds)
            own = generator_options(
                FITS.load(entry.fit).Options, entry, self.options_of(train, "train", self.options.train)
            )
            try:
                found = train_for(entry, own, places, rows, self.device, out, seconds)
            except InputError as error:
                self.verdicts.bad("training", f"{entry.name}: {error}")
                return False
            updates = f"{found.updates} updates in {found.seconds:.0f} s, as on {found.rows:,} embeddings"
            self.verdicts.good("training", f"{entry.name}: {updates}")
            self.spans.append(found.span(own, rows))
        at_once = jobs_at_once(self.device, self.options.launcher, len(self.entries))
        self.estimate.add("4", *together(self.spans, at_once))
        return True

    def options_of(self, command: ModuleType, stage: str, given: str) -> Any:
        """The options of a command, as the run gives them to a stage: those of its file, and of --set."""
        path, conf = str(self.rehearsal.exp), self.options.conf_dir / f"{stage}.yaml"
        required = [one.name for one in fields(command.Options) if one.default is MISSING]
        words = [word for name in required for word in (f"--{name}", path)]
        words += ["--conf", str(conf)] if conf.exists() else []
        return parse(command.Options, words + (["--set", given] if given else []), stage)

    def _figures(self, whole: Sizes) -> None:
        """Train the generators in closed form, sample from the first, and score them, as far as the run does."""
        closed = [entry for entry in self.entries if not FITS.load(entry.fit).shared]
        if not closed:
            return
        log.info("generators in closed form, samples and figures of a part")
        more = ("--generators", str(self._list(lambda entry: not FITS.load(entry.fit).shared)))
        more += ("--model", str(self.rehearsal.exp / closed[0].name))
        part = _sizes(self.rehearsal.data / "all").utterances
        last = min(6, self.options.stop_stage)
        trial = self.rehearsal.run(4, last, *more)
        if self._try(f"a part in stages 4 to {last}", trial):
            scored = scored_factor(part, whole.utterances) * len(self.entries) / len(closed)
            self._add(trial, self.rehearsal.run(4, last, *more), {4: whole.utterances / part, 5: 1.0, 6: scored})
            self.verdicts.good(f"a part in stages 4 to {last}", ", ".join(entry.name for entry in closed))

    def _list(self, wanted: Callable[[Entry], bool]) -> Path:
        """A list of some of the generators."""
        path = self.rehearsal.directory / "generators.txt"
        lines = [f"{entry.name} {entry.fit} {entry.conf or '-'}" for entry in self.entries if wanted(entry)]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return path

    def _room(self, whole: Sizes) -> None:
        """Memory and disk of the whole."""
        part = _sizes(self.rehearsal.data / "all").utterances
        rows = size_of(self.rehearsal.data, self.rehearsal.exp / "index", self.rehearsal.exp / "embed")
        others = size_of(self.rehearsal.exp) - size_of(self.rehearsal.exp / "index", self.rehearsal.exp / "embed")
        others += size_of(self.rehearsal.directory / "training")  # checkpoints are as large as in the run
        self.estimate.disk = int(rows * whole.utterances / max(1, part)) + others
        self.estimate.memory = memory_of(self.peak, part, whole)


def _sizes(data: Path) -> Sizes:
    """How large a data directory is."""
    count = sum(1 for _ in iterate_table(data / "utt2spk"))
    seconds = sum(float(value) for _, value in iterate_table(data / "utt2dur")) if (data / "utt2dur").is_file() else 0.0
    captions = sum(1 for _ in iterate_table(data / "utt2caption")) if (data / "utt2caption").is_file() else 0
    return Sizes(count, seconds=seconds, captions=captions)


def _left_out(data: Path) -> str:
    """How many rows row_counts.tsv says are left out."""
    counts = [line.split("\t") for line in (data / "row_counts.tsv").read_text(encoding="utf-8").splitlines()]
    return f"{sum(int(row[-1]) for row in counts if 'left out' in ' '.join(row) and row[-1].isdigit()):,}"


def _rates(logs: Iterator[Path]) -> list[float]:
    """How many times as fast as real time each job was."""
    found = [RATE.findall(path.read_text(encoding="utf-8", errors="replace")) for path in logs]
    return [float(rates[-1]) for rates in found if rates]
