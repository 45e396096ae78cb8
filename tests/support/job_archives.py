"""Job outputs as the real containers lay them out, made in memory."""

import io
import json
import tarfile


def tar_gz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def evaluation_archive(rows: list[tuple[str, str, str]], *, name: str = "run", aggregates: dict | None = None) -> bytes:
    """Rows are (query, gold, inference)."""
    lines = [json.dumps({"query": query, "gold": gold, "inference": [answer]}) for query, gold, answer in rows]
    return tar_gz(
        {
            f"{name}/details/part.parquet": b"PAR1",
            f"{name}/eval_results/results_2026-11-20T10-00-00.json": json.dumps(
                {"results": {"all": aggregates or {"exact_match": 0.5, "exact_match_stderr": 0.1}}}
            ).encode(),
            f"{name}/eval_results/inference_output.jsonl": ("\n".join(lines) + "\n").encode(),
        }
    )
