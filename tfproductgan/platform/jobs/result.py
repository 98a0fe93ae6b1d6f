"""What a job drew, as one zip with a manifest."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from typing import IO, Any

from sqlalchemy import select

from tfproductgan.conditions import fold
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Job, JobRow, Picture

MANIFEST = "manifest.jsonl"
_IN_MEMORY = 1 << 20  # many may be sent at once, to clients that are slow


def zipped(platform: Platform, job: Job) -> IO[bytes]:
    """A zip of all pictures that are drawn, and a line of the manifest for each row, drawn or not."""
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed by who sends it
    lines = []
    with platform.database.reading() as session, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        wanted = select(JobRow, Picture).outerjoin(Picture, Picture.id == JobRow.picture_id)
        ordered = wanted.where(JobRow.job_id == job.id).order_by(JobRow.number).execution_options(yield_per=500)
        for row, picture in session.execute(ordered):
            data = platform.pictures.get(job.tenant, picture.file) if picture else None
            name = _name(row) if data is not None else None
            if name is not None and data is not None:
                archive.writestr(name, data)
            lines.append(json.dumps(_facts(row, picture, name), ensure_ascii=False))
        archive.writestr(MANIFEST, "".join(f"{line}\n" for line in lines))
    file.seek(0)
    return file


def _facts(row: JobRow, picture: Picture | None, name: str | None) -> dict[str, Any]:
    return {
        "row": row.number,
        "file": name,
        "state": row.state if name or row.state != "drawn" else "deleted",
        "conditions": row.conditions,
        "seed": row.seed,
        "truncation": row.truncation,
        "model_id": picture.model_id if picture else None,
        "sha256": picture.digest if picture else None,
        "error": row.error,
    }


def _name(row: JobRow) -> str:
    words = re.sub(r"[^\w]+", "-", fold(" ".join(row.conditions.values()))).strip("-")[:80]
    return f"{row.number:05}-{words or 'picture'}-seed{row.seed}.png"
