"""The Save menu of Quality."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.media import exports
from explorer.support.paper_tables import TABLE_1, TABLE_1_STEPS
from explorer.ui.export_formats import CHARTS_FORMAT, ExportSource, NothingToExport, csv_format, png_format
from explorer.ui.localization import LocalizedMessage, from_json
from explorer.ui.tabs.quality.result import SHOWN_SETTINGS, QualityResult, eta_name


def distance_rows(result: QualityResult) -> list[dict[str, Any]]:
    """Return a table row for each measured cell.

    Raises:
        NothingToExport: the checkpoint has no measurements.
    """
    table, note = result.measurements
    if table is None or not table.cells:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(note)}))
    return [
        {
            "steps": cell.steps,
            "eta": eta_name(cell.eta),
            "distance": cell.distance,
            "spread": cell.standard_error,
            "seconds_per_picture": cell.seconds_per_picture,
            "pictures": cell.pictures,
            "features": table.features,
        }
        for cell in table.cells
    ]


def table_1_rows(result: QualityResult) -> list[dict[str, Any]]:
    """Return the paper's Table 1."""
    return [
        {"data": data, "steps": S, "eta": eta, "fid": fid}
        for data, table in TABLE_1.items()
        for eta, row in table.items()
        for S, fid in zip(TABLE_1_STEPS, row, strict=True)
    ]


def samples(source: ExportSource) -> np.ndarray:
    """Return the sample pictures as a grid, uint8 (H, W, 3): a row for each eta, some columns for each S.

    Raises:
        NothingToExport: the run had no pictures.
    """
    result: QualityResult = source.result
    if not result.steps:
        raise NothingToExport(LocalizedMessage("file.no_samples"))
    columns = [(S, i) for S in result.steps for i in range(result.request.options.cell_pictures)]
    return exports.sheet([result.pictures.stack(*(f"{S}/{eta}/{i}" for S, i in columns)) for eta in SHOWN_SETTINGS])


EXPORT_FORMATS = (
    png_format("samples", "files.cells", samples),
    CHARTS_FORMAT,
    csv_format("files.distances", distance_rows),
    csv_format("files.table_1", table_1_rows, "paper"),
)
