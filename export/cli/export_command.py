"""`vitrine export`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from export.cli.console import console
from export.terminal import progress_bar
from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from export.model.export_model import ExportRequest


def export(
    out: Annotated[Path, typer.Option(help="Directory for the encoder's files.")],
    model: Annotated[
        str,
        typer.Option(help="Hugging Face id or checkpoint directory of a ViT, DeiT, DINOv2, CLIP or SigLIP."),
    ] = "google/vit-base-patch16-224",
    pooling: Annotated[
        Literal["auto", "cls", "mean", "pooler", "projection"],
        typer.Option(help="How the tokens become one vector; auto: as usual for the architecture."),
    ] = "auto",
    layers: Annotated[int | None, typer.Option(help="Keep only the first N transformer blocks.", min=1)] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "w8", "int8"],
        typer.Option(help="fp16 halves the file; w8 and int8 quarter it; int8 is also about 3x as fast."),
    ] = "fp32",
    runtime: Annotated[
        Literal["onnxruntime", "openvino"],
        typer.Option(help="Library that runs the encoder; openvino: int8 only, install it where photos are embedded."),
    ] = "onnxruntime",
    bfloat16: Annotated[
        bool,
        typer.Option(
            "--bfloat16",
            help="With --runtime openvino: compute in 16 bits where the CPU can. It is faster, and vectors then differ "
            "a little from CPU to CPU.",
        ),
    ] = False,
    photos: Annotated[
        Path | None,
        typer.Option(show_default="the sample shop", help="Photos for the parity check; preferably your own."),
    ] = None,
    sample: Annotated[int, typer.Option(help="Maximum number of photos for the parity check.", min=1)] = 600,
    licence: Annotated[
        str | None, typer.Option("--license", help="License of the weights, if the model card does not state it.")
    ] = None,
    name: Annotated[str | None, typer.Option(show_default="its id or directory", help="Name of the model.")] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Export the text tower of a CLIP or SigLIP as well, for searches by words.")
    ] = False,
    finetune: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTOS",
            help="Fine-tune the last two blocks to these photos (a directory or a product table) before the export.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="With --finetune: photos with the same text in this field are alike; a directory has `category`.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(help="With --finetune: how often each photo is shown.", min=1)] = 5,
    join: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="A B",
            help="Join two encoders that this command wrote into one file. Only --join-models, --join-weight, "
            "--photos, --sample, --name and --out count.",
        ),
    ] = None,
    join_models: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="The checkpoints that A and B were exported from, for the parity check."),
    ] = None,
    join_weight: Annotated[float, typer.Option(help="Length of B's vectors; A's have length 1.", min=0.01)] = 1.0,
) -> None:
    """Export a PyTorch image encoder to ONNX, and check that it finds the same neighbors.

    The parity check embeds photos with PyTorch and with the exported encoder. Unless nearly all of each photo's ten
    nearest neighbors agree, nothing is written. Requires: scripts/setup export

    With --finetune, nothing is written either unless photos that were held out gain. A killed run resumes when the same
    command is run again; until then it keeps gigabytes in the directory OUT.finetune.
    """
    if join is not None:
        _join(join, join_models, join_weight, out, name, photos, sample)
        return
    from export.cli.export_report import render
    from export.model.export_model import ExportRequest, export_model

    request = ExportRequest(
        model=model,
        out=out,
        photos=photos,
        pooling=pooling,
        layers=layers,
        precision=precision,
        runtime=runtime,
        bfloat16=bfloat16,
        licence=licence,
        name=name,
        sample=sample,
        text=text,
    )
    if finetune is not None and text:
        raise ConfigurationError(
            "--finetune and --text exclude each other: a photo would leave the space that texts share with it.",
            field="text",
            remedy="Omit one of them.",
        )
    if finetune is not None:
        _finetune(request, finetune, by, epochs)
        return
    if by is not None:
        raise ConfigurationError("--by needs --finetune.", field="by", value=by, remedy="Add --finetune PHOTOS.")
    with progress_bar(console) as progress:
        report = export_model(request, progress)
    console.print(render(report))


def _finetune(request: ExportRequest, photos: Path, by: str | None, epochs: int) -> None:
    from export.cli.export_report import render
    from export.finetune.export_tuned import export_tuned
    from export.finetune.tune_checkpoint import FineTuning, describe

    wanted = FineTuning(photos, request.out.with_name(f"{request.out.name}.finetune"), by, epochs)
    with progress_bar(console) as progress:
        report, gain = export_tuned(request, wanted, progress)
    console.print(f"On photos that were held out: {describe(gain)}.")
    console.print(render(report))


def _join(
    directories: tuple[Path, Path],
    models: tuple[str, str] | None,
    weight: float,
    out: Path,
    name: str | None,
    photos: Path | None,
    sample: int,
) -> None:
    if models is None:
        from export.model.join import join_encoders

        spec = join_encoders(directories, out, (1.0, weight), name=name)
        console.print(f"{escape(spec.source)} in {escape(str(out))}: {spec.dim} dimensions, {spec.precision}.")
        console.print("Not compared with PyTorch: pass the checkpoints of both with --join-models.")
        return
    from export.cli.export_report import render
    from export.model.join_trial import join_and_judge

    with progress_bar(console) as progress:
        report = join_and_judge(
            directories, models, out, (1.0, weight), progress, name=name, photos=photos, sample=sample
        )
    console.print(render(report))
