import io
import tarfile

import pytest
from fake_aws import RESOURCES, FakeS3

from novaline.findings import NovalineError, UsageProblem
from novaline.runs import folder
from novaline.runs.folder import fetch_folder, require_free, unpack_if_small


def bucket(**files: bytes) -> FakeS3:
    s3 = FakeS3()
    for name, content in files.items():
        s3.objects["artifacts", f"runs/r/{name}"] = {"Body": content}
    return s3


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_a_runs_folder_arrives_with_its_samples_unpacked(tmp_path):
    packed = archive(**{"holdout/eval_results/inference_output.jsonl": b"{}\n"})
    s3 = bucket(**{"claim.json": b"{}", "evaluations/j/output/output.tar.gz": packed})
    names = fetch_folder(s3, RESOURCES, "r", tmp_path / "run")
    assert names == (
        "claim.json",
        "evaluations/j/output/holdout/eval_results/inference_output.jsonl",
        "evaluations/j/output/output.tar.gz",
    )
    assert all((tmp_path / "run" / name).is_file() for name in names)


def test_a_folder_that_cannot_be_fetched_completely_is_not_there_at_all(tmp_path):
    s3 = bucket(**{"a.json": b"{}", "secret.json": b"{}"})
    s3.refuse = "secret"
    with pytest.raises(NovalineError, match="AWS refused it"):
        fetch_folder(s3, RESOURCES, "r", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up.json", "a/../../b", "/root", "a\\b"])
def test_no_object_key_writes_outside_of_the_folder(tmp_path, name):
    with pytest.raises(NovalineError, match="outside"):
        fetch_folder(bucket(**{name: b""}), RESOURCES, "r", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_no_archive_member_writes_outside_of_the_folder(tmp_path):
    s3 = bucket(**{"evaluations/j/output/output.tar.gz": archive(**{"../../x": b"!"})})
    with pytest.raises(NovalineError, match="outside"):
        fetch_folder(s3, RESOURCES, "r", tmp_path / "run")


def test_a_folder_with_something_in_it_is_never_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageProblem, match="is not empty"):
        require_free(tmp_path)
    with pytest.raises(UsageProblem, match="is not a folder"):
        require_free(tmp_path / "mine.txt")
    with pytest.raises(UsageProblem, match=r"mine\.txt is not a folder"):
        require_free(tmp_path / "mine.txt" / "below")


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "run").mkdir()
    assert fetch_folder(bucket(a=b"1"), RESOURCES, "r", tmp_path / "run") == ("a",)


def test_a_run_without_objects_is_an_error(tmp_path):
    with pytest.raises(NovalineError, match="is empty"):
        fetch_folder(bucket(), RESOURCES, "r", tmp_path / "run")


def test_a_large_archive_and_a_broken_one_stay_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LARGEST_UNPACKED", 5000)
    for content in (b"not a tar", archive(big=b"0" * 6000), archive(small=b"0" * 100) + b"\0" * 6000):
        (tmp_path / "output.tar.gz").write_bytes(content)
        assert unpack_if_small(tmp_path / "output.tar.gz") == ()
