"""Novaline finds its own data and the project it is in."""

from novaline.places import lambda_root, project_root, recipes_root


def test_recipes_and_lambda_code_are_found():
    assert (recipes_root() / "images.yaml").is_file()
    assert lambda_root().name == "lambda"


def test_the_project_is_the_nearest_folder_with_a_cdk_json(tmp_path, monkeypatch):
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert project_root() == tmp_path
