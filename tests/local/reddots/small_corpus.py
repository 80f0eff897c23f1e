"""A small corpus in the files of RedDots: three men and a background of one more, two sentences, noise for speech."""

from pathlib import Path

import numpy as np

MEN, BACKGROUND, SENTENCES = ("m0001", "m0002", "m0003"), "m0004", ("31", "100032")
N_ENROL, N_TEST = 3, 2
TEXTS = {"31": "My voice is my password", "100032": "OK Google"}


def recording(speaker: str, sentence: str, number: int) -> str:
    """The name of a recording: 0 to 2 enrol, 3 and 4 test."""
    return f"201501{number + 1:02d}101010101_{speaker}_{sentence}"


def trn_lines(speakers=MEN, sentences=SENTENCES) -> list[str]:
    """A model a line."""
    return [
        f"{who}_{what} {','.join(f'{who}/{recording(who, what, number)}' for number in range(N_ENROL))}"
        for who in speakers
        for what in sentences
    ]


def ndx_lines(speakers=MEN, sentences=SENTENCES) -> list[str]:
    """All tests against all models."""
    return [
        f"{who}_{what},{other}/{recording(other, said, number)},{flags(who == other, what == said)}"
        for who in speakers
        for what in sentences
        for other in speakers
        for said in sentences
        for number in range(N_ENROL, N_ENROL + N_TEST)
    ]


def flags(same_speaker: bool, same_sentence: bool) -> str:
    """The flags of a trial: TC, TW, IC, IW."""
    place = (0 if same_speaker else 2) + (0 if same_sentence else 1)
    return ",".join("Y" if number == place else "N" for number in range(4))


def write_corpus(root: Path, seconds: float = 0.2) -> Path:
    """Write the corpus; lists of women are empty."""
    for name in ("ndx", "infos"):
        (root / name).mkdir(parents=True)
    everybody = (*MEN, BACKGROUND)
    lines = []
    for seed, speaker in enumerate(everybody):
        folder = root / "pcm" / speaker
        folder.mkdir(parents=True)
        rng = np.random.default_rng(seed)
        for sentence in SENTENCES:
            for number in range(N_ENROL + N_TEST):
                name = recording(speaker, sentence, number)
                samples = rng.normal(0, 1000, round(16000 * seconds)).astype("<i2")
                (folder / f"{name}.pcm").write_bytes(samples.tobytes())
                lines.append(f"{name};{TEXTS[sentence]}")
    write(root / "infos/script.txt", lines)
    write(root / "ndx/m_part_01.trn", trn_lines())
    write(root / "ndx/m_part_01.ndx", ndx_lines())
    for suffix in ("trn", "ndx"):
        (root / f"ndx/f_part_01.{suffix}").touch()
    return root


def write(path: Path, lines: list[str]) -> None:
    """Write lines in latin-1."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="latin-1")


def edit(path: Path, number: int, line: str | None) -> None:
    """Replace a line, counted from 1, or remove it."""
    lines = path.read_text(encoding="latin-1").splitlines()
    lines[number - 1 : number] = [] if line is None else [line]
    write(path, lines)
