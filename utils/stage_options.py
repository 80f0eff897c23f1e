"""Check the options that a recipe's --set and the files of its --conf_dir give to its stages, before any stage runs.

    python3 -m utils.stage_options --given 'train.seed=3,sample.max_tries=5' --conf_dir conf \\
        --commands 'prepare="local.folder,local.join_audio",train=steps.generators.train,sample=steps.generators.sample'

Prints a line for each stage: the value of --set for its commands.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from utils import key_values
from utils.command import run_command
from utils.errors import InputError, cut
from utils.option_values import own_names
from utils.options import option
from utils.settings import Setting, command_options, distribute, read_settings

# options of stages that a recipe sets itself (--set would be overridden), each with the recipe's own option for it
BY_RECIPE = {
    **dict.fromkeys(("data", "out", "vec_out", "index", "descriptions", "text_vectors", "exp"), "--data and --exp"),
    **dict.fromkeys(("audio", "embeddings", "measured"), "--data and --exp"),
    **dict.fromkeys(("nj", "job", "shards"), "--nj"),
    **dict.fromkeys(("train.generators", "train.name", "score.generators"), "--generators"),
    **{f"sample.{name}": f"--{name}" for name in ("model", "text", "text_file")},
    **dict.fromkeys(("feats", "profile.conf_dir"), "--data, --exp and --conf_dir"),
    **dict.fromkeys(("evaluate.models", "losses.models", "profile.models"), "--models"),
    **{"split.by": "--split_mode", "features.copies": "--copies", "features.preset": "--preset"},
    **dict.fromkeys(("trials", "models", "ubm", "enrol", "lang", "hmm", "extractor"), "--data and --exp"),
    **dict.fromkeys(("corpus.corpus", "lists.data_dir"), "--corpus and --data_dir"),
    **{"lists.parts": "--parts", "lists.ubm_data": "--ubm_data", "features.type": "--preset", "fuse.systems": "--fuse"},
    **dict.fromkeys(("split.open_share", "split.open_subsets"), "--open_set"),
}
ALIKE = 0.8  # of two names (difflib), one of which is taken for a slip of the other


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    conf_dir: Path = option(help="directory of <stage>.yaml; a stage without a file has its defaults")
    commands: str = option(help="stage=command,... in the order of the lines; several of one stage in quotes")
    others: str | None = option(
        None, "names of further files NAME.yaml that may be in --conf_dir, with commas; null: any may that are no slips"
    )
    given: str = option("", "stage.key=value,... of the recipe's --set")
    typed: str = option("", "key=value,... that the recipe gives to each command which has them")


def work(options: Options) -> None:
    """Check all stages, and print their lines."""
    if not options.conf_dir.is_dir():
        raise InputError(f"--conf_dir {options.conf_dir}: no such directory")
    commands = dict(key_values.split(options.commands))
    _refuse_unread(options.conf_dir, list(commands), options.others)
    pairs = by_stage(options.given, list(commands))
    for stage, command in commands.items():
        conf = options.conf_dir / f"{stage}.yaml"
        settings = read_settings(conf) if conf.exists() or conf.is_symlink() else []
        settings += [Setting(key, value, f"--set {stage}.{cut(key)}={cut(value)}") for key, value in pairs[stage]]
        for key, _, where in settings:
            decided = BY_RECIPE.get(key) or BY_RECIPE.get(f"{stage}.{key}")
            if decided:
                raise InputError(f"{where}: the recipe sets this itself; use {decided}")
        if settings or options.typed:
            classes = [command_options(name) for name in command.split(",")]
            known = {key for cls in classes for key in own_names(cls)}
            typed = [(key, value) for key, value in key_values.split(options.typed) if key in known]
            settings += [Setting(key, value, f"--{key}") for key, value in typed]
            distribute(settings, classes[0], classes[1:])
    print("\n".join(key_values.join(pairs[stage]) for stage in commands))


def _refuse_unread(conf_dir: Path, stages: Sequence[str], others: str | None) -> None:
    """Raise InputError for a file that is meant for a stage, such as train.yml or trian.yaml, but that none would read.

    Args:
        others: names of further files; where it is None, files whose names are not like those of stages may be there.
    """
    allowed = {f"{name}.yaml" for name in (*stages, *(others or "").split(","))}
    for path in sorted(conf_dir.iterdir()):
        if path.suffix.lower() not in (".yaml", ".yml") or path.name in allowed:
            continue
        stem = path.stem.lower()
        meant = [stem] if stem in stages else get_close_matches(stem, stages, n=1, cutoff=ALIKE)
        if others is None and not (meant and stem.isalpha()):
            continue
        remedy = f"rename it to {meant[0]}.yaml" if meant else "rename it, or move it away"
        raise InputError(f"{path}: no stage reads a file of this name; {remedy}; stages are {', '.join(stages)}")


def by_stage(given: str, stages: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The keys and values of each stage. Raises InputError for a key without one of these stages."""
    pairs: dict[str, list[tuple[str, str]]] = {stage: [] for stage in stages}
    for name, value in key_values.split_once([given]):
        stage, dot, key = name.partition(".")
        if not dot or stage not in pairs:
            raise InputError(
                f"--set {cut(name)}={cut(value)}: expected STAGE.KEY=VALUE with a stage of {', '.join(stages)}"
            )
        if "\n" in value:
            raise InputError(f"--set {cut(name)}: the value has a newline; write it into {stage}.yaml of --conf_dir")
        pairs[stage].append((key, value))
    return pairs


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
