"""A small random Whisper in the files of the real ones: weights, features, and a tokenizer of bytes."""

from pathlib import Path

LANGUAGES = ("en", "es")
MARKS = """"#()*+/:;<=>@[\\]^_`{|}~âĠ"""  # the last two begin signs of music, and are the blank


def write_whisper(directory: Path, multilingual: bool = True) -> Path:
    """Save a model as transformers does. Returns its directory.

    Marks in the text are suppressed, as in the real ones.
    """
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizer,
    )

    words = list(_bytes_as_text().values())
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in LANGUAGES)]
    special += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    vocab = {word: number for number, word in enumerate(words)}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens(times)
    ids = {word: tokenizer.convert_tokens_to_ids(word) for word in (*special, *times)}
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    size = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2}
    size |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_mel_bins": 80}
    marks = {"eos_token_id": end, "bos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}
    config = WhisperConfig(vocab_size=len(tokenizer), max_target_positions=448, init_std=0.8, **size, **marks)
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight[ids[times[0]] :] = 0  # a trained one says no times where none are asked
    several = {
        "lang_to_id": {f"<|{language}|>": ids[f"<|{language}|>"] for language in LANGUAGES},
        "task_to_id": {task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")},
    }
    model.generation_config = GenerationConfig(
        **marks,
        is_multilingual=multilingual,
        **(several if multilingual else {}),
        no_timestamps_token_id=ids["<|notimestamps|>"],
        suppress_tokens=sorted([vocab[sign] for sign in MARKS] + [ids[word] for word in special[1:2] + special[4:9]]),
        begin_suppress_tokens=[ids["<|endoftext|>"]],
        max_length=448,
        alignment_heads=[[0, 0], [1, 1]],
    )
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(directory)
    return directory


def _bytes_as_text() -> dict[int, str]:
    """The characters by which byte-level tokenizers write bytes."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {byte: chr(256 + n) for n, byte in enumerate(others)}
