"""Sentence vectors of a BERT as sentence-transformers makes them, to the last bit, without that library.

Loading `sentence_transformers` takes 5 s and 500 MB in each process. Here the usual kind of its models (BERT, mean
over tokens, unit length; all-MiniLM-L6-v2 is one) is read from the same files by torch, `tokenizers` and safetensors
alone. `BertSentences.of` says no to every other kind.

Network: J. Devlin et al., "BERT: Pre-training of deep bidirectional transformers for language understanding",
NAACL 2019. Vectors: N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from utils.json_files import parse_json
from utils.mounts import lost_disk_told
from utils.tables import read_text

KINDS = ["Transformer", "Pooling", "Normalize"]  # of the modules, in order
NETWORK = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
SIZES = ("num_hidden_layers", "num_attention_heads", "layer_norm_eps")
WORD_VECTORS = "embeddings.word_embeddings"
WORDS = {
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
}
FILES = ("config.json", "sentence_bert_config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors")


class BertSentences:
    """A BERT whose vector of a text is the mean over its tokens, scaled to unit length.

    Attributes:
        max_seq_length: tokens that are read of a text, the mark before and the one behind it among them.
        batches: texts may go through it side by side.
    """

    batches = True

    def __init__(self, tensors: Mapping[str, Tensor], config: Mapping[str, Any], tokenizer: Tokenizer, longest: int):
        self.tensors, self.max_seq_length, self.tokenizer = tensors, longest, tokenizer
        self.n_blocks, self.n_heads, self.epsilon = (config[name] for name in SIZES)
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The model in a directory; None where it is of another kind, or not in the files of this one."""
        modules = _read(path / "modules.json")
        if [module["type"].rpartition(".")[2] for module in modules] != KINDS or modules[0]["path"]:
            return None
        files = [path / name for name in FILES]
        pooling = path / modules[1]["path"] / "config.json"
        if not all(file.is_file() for file in (*files, pooling)):
            return None
        config, own, words, tokenizer = map(_read, files[:4])
        longest = own.get("max_seq_length")
        if not (
            all(config.get(name, value) == value for name, value in NETWORK.items())
            and _is_mean(_read(pooling))
            and isinstance(longest, int)
            and not own.get("do_lower_case")
            and _is_plain(words, tokenizer)
            and not _has_prompt(path / "config_sentence_transformers.json")
        ):
            return None
        with lost_disk_told(files[4]):
            tensors = load_file(files[4])
        exact = all(tensor.dtype == torch.float32 for tensor in tensors.values() if tensor.is_floating_point())
        if not exact or f"{WORD_VECTORS}.weight" not in tensors or not config.keys() >= set(SIZES):
            return None
        return cls(tensors, config, Tokenizer.from_file(str(files[3])), longest)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors (B, S) float32 of texts with the same number of tokens; beside others a text's last bits differ.

        Raises ValueError for other texts.
        """
        with torch.inference_mode():
            rows = self._rows(torch.tensor([self.tokenizer.encode(text).ids for text in texts]))  # (B, L, S)
            mean = rows.sum(dim=1) / rows.shape[1]
            return functional.normalize(mean, p=2, dim=1).numpy()

    def n_tokens(self, text: str) -> int:
        """How many tokens of a text are read, the two marks among them."""
        return len(self.tokenizer.encode(text).ids)

    def ends(self, text: str) -> list[int]:
        """Where in the text each token ends; 0 for the two marks."""
        return [end for _, end in self.tokenizer.encode(text).offsets]

    def _rows(self, tokens: Tensor) -> Tensor:
        """The last states (B, L, S) of tokens (B, L)."""
        names = (WORD_VECTORS, "embeddings.token_type_embeddings", "embeddings.position_embeddings")
        words, kinds, positions = (self.tensors[f"{name}.weight"] for name in names)
        x = functional.embedding(tokens, words) + kinds[0] + positions[: tokens.shape[1]]
        x = self._norm(x, "embeddings.LayerNorm")
        for number in range(self.n_blocks):
            x = self._block(x, f"encoder.layer.{number}.")
        return x

    def _block(self, x: Tensor, name: str) -> Tensor:
        """One block of attention and dense layers: (B, L, S) -> (B, L, S)."""
        heads = (*x.shape[:2], self.n_heads, x.shape[2] // self.n_heads)
        query, key, value = (
            self._dense(x, f"{name}attention.self.{part}").view(heads).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # (B, heads, L, S / heads) each
        attended = functional.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(1, 2).reshape(x.shape)
        x = self._norm(self._dense(attended, f"{name}attention.output.dense") + x, f"{name}attention.output.LayerNorm")
        inner = functional.gelu(self._dense(x, f"{name}intermediate.dense"))
        return self._norm(self._dense(inner, f"{name}output.dense") + x, f"{name}output.LayerNorm")

    def _dense(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, self.epsilon)


def _read(path: Path) -> Any:
    return parse_json(read_text(path), str(path))


def _is_mean(pooling: Mapping[str, Any]) -> bool:
    """Is it the mean over tokens, in the words of any version of the library?"""
    modes = {
        name.removeprefix("pooling_mode_")
        for name, chosen in pooling.items()
        if name.startswith("pooling_mode_") and chosen
    }
    return modes == {"mean_tokens"} or (not modes and pooling.get("pooling_mode") == "mean")


def _is_plain(words: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    """Is it BERT's own tokenizer, set alike in both of its files?"""
    normalizer = tokenizer.get("normalizer") or {}
    alike = all(normalizer.get(ours) == words.get(theirs, normalizer.get(ours)) for ours, theirs in WORDS.items())
    return (
        alike
        and str(words.get("tokenizer_class")).startswith("BertTokenizer")
        and normalizer.get("type") == "BertNormalizer"
    )


def _has_prompt(path: Path) -> bool:
    """Does the model put words before each text?"""
    return path.is_file() and bool(_read(path).get("default_prompt_name"))
