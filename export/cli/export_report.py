"""The summary that `vitrine export` prints: the file, its parity with PyTorch, and its speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from export.model.export_model import ExportReport


def render(report: ExportReport) -> Table:
    """Render the report as a table, with the floor beside each checked figure."""
    spec, parity, speed = report.spec, report.parity, report.speed
    table = Table(title=f"{spec.source} in {report.directory}", title_justify="left", show_header=False)
    table.add_row("model", f"{spec.architecture}, {spec.pooling} pooling, {spec.dim} dimensions")
    table.add_row("license", spec.licence or "not stated; pass --license")
    table.add_row("file", f"{report.file_bytes / 1e6:.1f} MB, {spec.precision} for {spec.runtime}")
    table.add_row("neighbors kept", f"{parity.neighbors_kept:.4f}  (floor {report.floors.neighbors})")
    table.add_row("cosine, mean", f"{parity.cosine_mean:.6f}  (floor {report.floors.cosine})")
    table.add_row("cosine, worst", f"{parity.cosine_min:.6f}")
    if report.text is not None:
        kept = f"{report.text.neighbors_kept:.4f}  (floor {report.floors.neighbors})"
        table.add_row("photos found by texts, kept", kept)
    table.add_row("compared on", f"{parity.photos} photos")
    if speed is not None:
        ratio = speed.torch_ms / speed.onnx_ms
        figures = f"{speed.onnx_ms:.1f} ms, PyTorch {speed.torch_ms:.1f} ms ({ratio:.1f}x)"
        table.add_row("one photo, one thread", figures)
    return table
