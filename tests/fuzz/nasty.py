"""Values that have broken programs: texts for cells, keys, options and numbers, and byte strings for files.

None needs more than some 200 kB, so that what a trial uses is the command's doing, not the input's size.
"""

TEXTS = (
    "", " ", "\t", "\n", "\r\n", "\0", '"', "'", "''", '"\n', "\\", ",", ";", "|", "$HOME", "$(true)", "%s", "{}",
    "[]", "[{[]}]", "NA", "nan", "NaN", "None", "null", "true", "False", "~", "-", "--", "-1", "0", "-0", "1",
    "1.0", "01", "1e3", "1e308", "-1e308", "1e999", "inf", "-inf", "0x10", "1_000", "²", "١٢", "½", "9" * 25,
    "9" * 5000, "1.5.2", "2026-11-26", "!!int abc", "!!python/object:os.system", "*a", "&a", "<<", "? x", "a: b: c",
    "..", ".", "/", "../../x", "/dev/zero", "/dev/stdin", "/proc/self/mem", "a b", "a\u00a0b", "\ufeff", "\u200b",
    "e\u0301", "é", "É", "\u202e", "ß", "ﬀ", "😀", "\ud800", "\x1b[31m", "\x7f", "<b>&amp;", "a=b", "a=b,c=d",
    "train", "male", "female", "low-pitched", "text", "index", "x" * 300, "x" * 200_000, "-" * 60_000, "[" * 20_000,
    "(" * 20_000, '{"a":' * 20_000, "word " * 20_000, "\u0301" * 5000,
)  # fmt: skip

BYTES = (
    b"", b"\0", b"\0" * 1000, b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80",
    b"\xe9t\xe9", b"\n", b"\r", b"\n\n\n", b"\t", b" ", b'"', b",", b"\xff" * 4, b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f", b"\x80" * 8, b"\x1f\x8b", b"PK\x03\x04", b"\x80\x04\x95", b"\0BFV \x04\xff\xff\xff\x7f",
    b"\0BCM ", b"RIFF", b"data\xff\xff\xff\xff",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n", b"9" * 5000,
)  # fmt: skip

VALUES = (
    None, True, False, 0, -1, 1, 10**7, 2**31, 2**63, 10**30, 0.5, -0.5, 1e308, float("inf"), float("-inf"),
    float("nan"), [], {}, [[]], {"a": {}}, [1, "a", None], "", "x", "1", "nan",
)  # fmt: skip
