"""Publish a batch: a page that plays its videos, made when the batch has finished (see publish.yaml)."""

import csv
from html import escape
from pathlib import Path

from prefect import flow


@flow(flow_run_name="publish: {batch}")
def publish(batch: str, results: Path) -> Path:
    """Write a page with a batch's saved videos beside its results file; returns where."""
    with results.open(newline="", encoding="utf-8-sig") as file:
        saved = [row for row in csv.DictReader(file) if row["status"] == "saved"]
    videos = [f'<video controls src="{escape(Path(row["file"]).name)}"></video>' for row in saved]
    page = results.with_name(f"{results.name}.html")
    page.write_text("\n".join([f"<h1>{escape(batch)}</h1>", *videos]), encoding="utf-8")
    return page
