"""The Spark job gives the report of the local command; the cluster is played by a list."""

import json
import pickle

from memory_stores import MemoryS3

from novaline.datasets.engine.options import Options
from novaline.datasets.remote.spark import validate as validate_in_spark
from novaline.datasets.validate import validate

S3 = MemoryS3()


def make_s3():
    return S3


class Rows:
    """An RDD: what is mapped over it must travel to other machines."""

    def __init__(self, rows):
        self.rows = rows

    def map(self, function):
        function = pickle.loads(pickle.dumps(function))
        return Rows([pickle.loads(pickle.dumps(function(row))) for row in self.rows])

    def toLocalIterator(self, *, prefetchPartitions=False):  # noqa: N802, N803 - Spark's names
        return iter(self.rows)


class Cluster:
    def parallelize(self, rows, slices):
        assert slices == len(rows)
        return Rows(pickle.loads(pickle.dumps(rows)))


def test_the_report_is_that_of_the_local_command(tmp_path):
    for name in ("a", "b"):
        rows = [{"query": f"question {name} {number % 37}", "response": "answer"} for number in range(50)]
        text = "".join(json.dumps(row) + "\n" for row in rows) + "no json\n"
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
        S3.put_object(Bucket="lake", Key=f"sets/{name}.jsonl", Body=text.encode())
    report = validate_in_spark(
        Cluster(), "s3://lake/sets", options={"format": "gen_qa"}, make_s3=make_s3, part_bytes=500
    )
    local = validate([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], Options(format="gen_qa")).as_json()
    assert report["findings"] == json.loads(json.dumps(local["findings"]).replace(str(tmp_path), "s3://lake/sets"))
    assert (report["rows"], report["errors"]) == (102, 1)
