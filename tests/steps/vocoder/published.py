"""Small random CodeHiFiGANs in the published format, and what such a network gives, written from its description.

python3 -m tests.steps.vocoder.published DIRECTORY UNIT,UNIT,... OUT.npy [SPEAKER]    # in another process
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

SIZES = {
    **{"resblock": "1", "upsample_rates": [5, 4, 4, 2, 2], "upsample_kernel_sizes": [11, 8, 8, 4, 4]},
    **{"upsample_initial_channel": 64, "resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 3], [1, 2]]},
    **{"num_embeddings": 20, "embedding_dim": 8, "model_in_dim": 8, "sampling_rate": 16000, "code_hop_size": 320},
    **{"batch_size": 16, "lambda_commit": None},
}
DURATION = {"encoder_embed_dim": 8, "var_pred_hidden_dim": 6, "var_pred_kernel_size": 3, "var_pred_dropout": 0.5}
KINDS = {
    "plain": {},
    "speakers": {"multispkr": "from_input_file", "num_speakers": 5, "model_in_dim": 16, "resblock": "2"},
    "styles": {
        **{"multispkr": "from_input_file", "multistyle": "from_input_file", "num_speakers": 5, "num_styles": 3},
        **{"model_in_dim": 24, "dur_prediction_weight": 1.0, "dur_predictor_params": DURATION},
    },
    "vectors": {"multispkr": "x", "embedder_params": {"model": "x"}, "embedder_dim": 6, "model_in_dim": 16},
}
Tensors = dict[str, torch.Tensor]


def write_model(directory: Path, kind: str, seed: int = 0) -> tuple[dict, Tensors]:
    """Write config.json and g_00000005. Returns the configuration, and the tensors as they are stored."""
    directory.mkdir(parents=True)
    config, draw = SIZES | KINDS[kind], torch.Generator().manual_seed(seed)
    (directory / "config.json").write_text(json.dumps(config))
    tensors = random_tensors(config, draw)
    torch.save({"generator": tensors}, directory / "g_00000005")
    torch.save({"generator": {}}, directory / "g_00000001")
    torch.save({"optim_g": {}}, directory / "do_00000005")
    return config, tensors


def random_tensors(config: dict, draw: torch.Generator) -> Tensors:
    """All tensors of a checkpoint of such a configuration, with weight normalisation in the old spelling."""
    found: Tensors = {}

    def normal(*shape: int) -> torch.Tensor:
        return 0.3 * torch.randn(*shape, generator=draw)

    def conv(name: str, a: int, b: int, kernel: int, transposed: bool = False) -> None:
        found[f"{name}.bias"] = normal(b)
        shape = (a, b, kernel) if transposed else (b, a, kernel)
        found[f"{name}.weight_g"], found[f"{name}.weight_v"] = 0.5 + normal(shape[0], 1, 1).abs(), normal(*shape)

    width = config["embedding_dim"]
    found["dict.weight"] = normal(config["num_embeddings"], width)
    if "embedder_params" in config:
        found["spkr.weight"], found["spkr.bias"] = normal(width, config["embedder_dim"]), normal(width)
    elif "multispkr" in config:
        found["spkr.weight"] = normal(config["num_speakers"], width)
    if "multistyle" in config:
        found["style.weight"] = normal(config["num_styles"], width)
    if "dur_predictor_params" in config:
        hidden = config["dur_predictor_params"]["var_pred_hidden_dim"]
        for number, size in ((1, width), (2, hidden)):
            found[f"dur_predictor.conv{number}.0.weight"] = normal(hidden, size, 3)
            found[f"dur_predictor.conv{number}.0.bias"] = normal(hidden)
            found[f"dur_predictor.ln{number}.weight"], found[f"dur_predictor.ln{number}.bias"] = (
                normal(hidden),
                normal(hidden),
            )
        found["dur_predictor.proj.weight"], found["dur_predictor.proj.bias"] = normal(1, hidden), 1 + normal(1)
    channels = config["upsample_initial_channel"]
    conv("conv_pre", config["model_in_dim"], channels, 7)
    n_blocks = len(config["resblock_kernel_sizes"])
    for number, kernel in enumerate(config["upsample_kernel_sizes"]):
        conv(f"ups.{number}", channels, channels // 2, kernel, transposed=True)
        channels //= 2
        for block, (size, dilations) in enumerate(
            zip(config["resblock_kernel_sizes"], config["resblock_dilation_sizes"], strict=True)
        ):
            for layer in range(len(dilations)):
                for part in ("convs1", "convs2") if config["resblock"] == "1" else ("convs",):
                    conv(f"resblocks.{number * n_blocks + block}.{part}.{layer}", channels, channels, size)
    conv("conv_post", channels, 1, 7)
    return found


def weight(tensors: Tensors, name: str) -> torch.Tensor:
    v, g = tensors[f"{name}.weight_v"], tensors[f"{name}.weight_g"]
    return g * v / v.flatten(1).norm(dim=1)[:, None, None]


def convolve(tensors: Tensors, name: str, x: torch.Tensor, dilation: int = 1) -> torch.Tensor:
    kernel = weight(tensors, name)
    padding = (kernel.shape[2] - 1) * dilation // 2
    return functional.conv1d(x, kernel, tensors[f"{name}.bias"], padding=padding, dilation=dilation)


def reference(config: dict, tensors: Tensors, frames: list[int], speaker=None, style=None) -> np.ndarray:
    """The waveform that the published network gives for the units of frames."""
    x = tensors["dict.weight"][frames].T[None]  # (1, E, T)
    conditions = []
    if "embedder_params" in config:
        conditions.append(tensors["spkr.weight"] @ torch.as_tensor(speaker) + tensors["spkr.bias"])
    elif "multispkr" in config:
        conditions.append(tensors["spkr.weight"][speaker])
    if "multistyle" in config:
        conditions.append(tensors["style.weight"][style])
    for one in conditions:
        x = torch.cat([x, one[None, :, None].repeat(1, 1, x.shape[2])], dim=1)
    x = convolve(tensors, "conv_pre", x)
    n_blocks = len(config["resblock_kernel_sizes"])
    for number, rate in enumerate(config["upsample_rates"]):
        name, x = f"ups.{number}", functional.leaky_relu(x, 0.1)
        padding = (config["upsample_kernel_sizes"][number] - rate) // 2
        x = functional.conv_transpose1d(x, weight(tensors, name), tensors[f"{name}.bias"], rate, padding)
        total = 0
        for block, dilations in enumerate(config["resblock_dilation_sizes"]):
            inside, name = x, f"resblocks.{number * n_blocks + block}"
            for layer, dilation in enumerate(dilations):
                one = "convs1" if config["resblock"] == "1" else "convs"
                y = convolve(tensors, f"{name}.{one}.{layer}", functional.leaky_relu(inside, 0.1), dilation)
                if config["resblock"] == "1":
                    y = convolve(tensors, f"{name}.convs2.{layer}", functional.leaky_relu(y, 0.1))
                inside = inside + y
            total = total + inside
        x = total / n_blocks
    return torch.tanh(convolve(tensors, "conv_post", functional.leaky_relu(x)))[0, 0].numpy()


def main() -> None:
    """Load a directory as a user would, and write the waveform of units of one frame each."""
    from steps.vocoder.code_hifigan_files import load_code_hifigan

    directory, units, out, *speaker = sys.argv[1:]
    network = load_code_hifigan(Path(directory))
    frames = torch.tensor([int(word) for word in units.split(",")])
    with torch.no_grad():
        waveform = network(frames, torch.tensor(int(speaker[0])) if speaker else None, None)
    np.save(out, waveform.numpy())


if __name__ == "__main__":
    main()
