"""Get parts of LibriSpeech from OpenSLR 12 or a mirror.

Input: names of parts. Output: <out>/LibriSpeech with SPEAKERS.TXT and <part>/<speaker>/<chapter>/*.flac, the input of
`local.librispeech`. Archives are checked by their md5, and resumed where they broke off; an archive that lies in <out>
already is used. A part is there whole or not at all, so that the command may be killed and run again at any moment.
Licence of the corpus: CC BY 4.0, https://www.openslr.org/12.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.librispeech_parts import MIRRORS, PARTS, CorpusPart
from utils.command import logger, run_command
from utils.durable import rename, sync_tree, write_whole
from utils.errors import InputError
from utils.fetch import PARTIAL, FetchPlan, fetch, file_md5
from utils.locking import lock_file, remove_lock
from utils.options import option
from utils.unpack import unpack

log = logger(__name__)
CORPUS = "LibriSpeech"  # the directory in all archives
GROWTH = 1.05  # unpacked, an archive is so much larger at most: audio cannot be packed further
GB = 1e9


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.download"
    parts: tuple[str, ...] = option(("train-clean-100", "dev-clean", "test-clean"), f"of {', '.join(PARTS)}")
    out: Path = option(Path("corpora"), f"directory to make {CORPUS} in")
    mirrors: tuple[str, ...] = option(MIRRORS, "addresses of the directory of the archives, tried in turn")
    keep_archives: bool = option(True, "keep the archives when they are unpacked")
    tries: int = option(10, "tries that bring nothing new, after which an archive is given up", least=1, most=10_000)
    retry_seconds: float = option(2.0, "pause before another try", least=0, most=3600)
    timeout: float = option(60.0, "seconds without a byte after which a connection is given up", least=0.1, most=3600)


def work(options: Options, parts: Mapping[str, CorpusPart] = PARTS) -> None:
    """Get the parts that are not there. `parts`: the table of all there are."""
    unknown = [name for name in options.parts if name not in parts]
    if unknown or not options.parts:
        raise InputError(f"--parts {','.join(unknown)}: expected some of {', '.join(parts)}")
    wrong = [url for url in options.mirrors if not url.startswith(("http://", "https://"))]
    if wrong or not options.mirrors:
        raise InputError(f"--mirrors {','.join(wrong)}: expected addresses that begin with http:// or https://")
    options.out.mkdir(parents=True, exist_ok=True)
    lock_path = options.out / ".download.lock"
    try:
        lock = lock_file(lock_path)
    except BlockingIOError as error:
        raise InputError(f"{options.out}: another process is fetching into it; wait for it or stop it") from error
    try:
        wanted = {name: parts[name] for name in dict.fromkeys(options.parts)}
        missing = {name: part for name, part in wanted.items() if not is_there(options.out / CORPUS / name, part)}
        require_space(options, missing)
        for name, part in missing.items():
            get_archive(options, name, part)
            place(options, name)
    finally:
        remove_lock(lock_path, lock)
    log.info("%s: has %s%s", options.out / CORPUS, ", ".join(wanted), "" if missing else ", as before")


def is_there(folder: Path, part: CorpusPart) -> bool:
    """Is a part unpacked? Raises InputError where some of it is missing: this command has not left it so."""
    if not folder.is_dir():
        return False
    found = sum(name.endswith(".flac") for _, _, names in os.walk(folder) for name in names)
    if found != part.utterances:
        raise InputError(
            f"{folder}: has {found} of {part.utterances} utterances; complete it, or remove it, and it is fetched again"
        )
    return True


def require_space(options: Options, missing: Mapping[str, CorpusPart]) -> None:
    """Raise InputError where the disk cannot hold the archives and what is in them."""
    lacking = {name: part.size - _bytes_there(options.out, name) for name, part in missing.items()}
    kept = sum(lacking.values()) if options.keep_archives else max(lacking.values(), default=0)
    unpacked = sum(part.size for part in missing.values()) * GROWTH
    free = shutil.disk_usage(options.out).free
    if kept + unpacked > free:
        raise InputError(
            f"--out {options.out}: {', '.join(missing)} need {(kept + unpacked) / GB:.1f} GB ({kept / GB:.1f} of "
            f"archives, {unpacked / GB:.1f} unpacked), but {free / GB:.1f} GB are free; make room, or name another disk"
        )


def _bytes_there(out: Path, name: str) -> int:
    archive = out / f"{name}.tar.gz"
    files = (archive, archive.with_name(archive.name + PARTIAL))
    return max(file.stat().st_size if file.is_file() else 0 for file in files)


def get_archive(options: Options, name: str, part: CorpusPart) -> None:
    """Fetch the archive of a part, unless it is there and whole."""
    archive = options.out / f"{name}.tar.gz"
    partial = archive.with_name(archive.name + PARTIAL)
    if archive.is_file():
        if archive.stat().st_size < part.size and not partial.exists():  # of another program that broke off
            log.info("%s: %d of %d bytes; fetched from there on", archive, archive.stat().st_size, part.size)
            archive.rename(partial)
        else:
            found = file_md5(archive)
            if found == part.md5:
                return
            log.warning("%s: damaged, its md5 is %s, expected %s; fetched again", archive, found, part.md5)
            archive.unlink()
    urls = [f"{mirror.rstrip('/')}/{archive.name}" for mirror in options.mirrors]
    log.info("%s: %.2f GB from %s", archive.name, part.size / GB, urls[0])
    fetch(archive, FetchPlan(urls, part.md5, options.tries, options.retry_seconds, options.timeout))


def place(options: Options, name: str) -> None:
    """Unpack the archive of a part beside the corpus, and rename it into it."""
    archive, corpus = options.out / f"{name}.tar.gz", options.out / CORPUS
    folder = options.out / f".{name}.unpacking"
    shutil.rmtree(folder, ignore_errors=True)  # of a killed run
    folder.mkdir()
    log.info("%s: unpacking", archive.name)
    try:
        unpack(archive, folder)
        if not (folder / CORPUS / name).is_dir():
            raise InputError(f"{archive}: has no {CORPUS}/{name}; remove it, and it is fetched again")
        corpus.mkdir(exist_ok=True)
        for text in sorted((folder / CORPUS).glob("*.TXT")):
            merge_text(text, corpus / text.name)
        sync_tree(folder)
        rename(folder / CORPUS / name, corpus / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not options.keep_archives:
        archive.unlink()


def merge_text(text: Path, target: Path) -> None:
    """Add the lines that a table of the corpus lacks, such as those of further speakers; a text in prose stays."""
    if not target.exists():
        write_whole(target, text.read_bytes())
        return
    lines = target.read_bytes().splitlines()
    known = set(lines)
    new = [line for line in text.read_bytes().splitlines() if b"|" in line and line not in known]
    if new:
        write_whole(target, (line + b"\n" for line in [*lines, *new]))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
