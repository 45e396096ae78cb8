"""`novaline prices`: what is known, with its source; and asking AWS through a real client."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer
from fake_pricing import FakePricing
from typer.testing import CliRunner

from novaline.cli import prices
from novaline.cost.price_file import read_prices
from novaline.cost.prices import SHIPPED

PRODUCTS = json.loads(
    (Path(__file__).resolve().parents[1] / "cost" / "products.json").read_text(encoding="utf-8"),
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder, as the working directory of a shell without AWS."""
    (tmp_path / "cdk.json").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def price_list(project, monkeypatch):
    """The Price List API on this computer, which boto3 finds by its own variable."""
    fake = FakePricing(PRODUCTS)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(fake.get_products(**request)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    yield project
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments):
    app = typer.Typer()
    prices.register(app)
    app.callback()(lambda: None)  # without it, typer makes the only group the whole command
    return CliRunner().invoke(app, ["prices", *arguments])


def test_show_names_every_price_and_every_source(project):
    shown = run("show")
    assert shown.exit_code == 0
    for price in read_prices(SHIPPED):
        assert price.subject in shown.stdout
        assert price.source in shown.stdout
    assert "$0.00378" in shown.stdout
    assert "$60.50" in shown.stdout
    assert "What is not confirmed may be out of date" in shown.stdout


def test_the_table_fits_eighty_columns(project):
    table, _, _ = run("show").stdout.partition("\n\n")
    assert max(len(line) for line in table.splitlines()) <= 80


def test_show_in_json_has_the_figures_of_one_region(project):
    document = json.loads(run("show", "--region", "us-east-1", "--json").stdout)
    p5 = next(price for price in document["prices"] if price["subject"] == "ml.p5.48xlarge")
    assert (p5["usd"], p5["unit"], p5["confirmed"]) == (63.296, "instance hour", False)
    assert json.loads(run("show", "--region", "eu-west-1", "--json").stdout) == {"prices": []}


def test_a_region_without_prices_says_what_to_do(project):
    assert (
        "no price is known in eu-west-1; `novaline prices refresh` asks AWS"
        in run("show", "--region", "eu-west-1").stdout
    )
    assert "does not ask for SageMaker's jobs without instances" in run("show", "--region", "eu-west-1").stdout
    assert "not for jobs without instances" in " ".join(run("refresh", "--help").stdout.split())


@pytest.mark.parametrize("command", ["show", "refresh"])
def test_what_is_no_region_is_wrong_usage(project, command):
    refused = run(command, "--region", "Virginia")
    assert refused.exit_code == 2
    assert "'Virginia' is no region of AWS" in refused.stderr


def test_without_credentials_refresh_says_so_and_writes_nothing(project):
    refused = run("refresh")
    assert refused.exit_code == 1
    assert "there are no AWS credentials in this shell (while asking for prices)" in refused.stderr
    assert not (project / "prices.json").exists()


def test_refresh_writes_what_aws_answers_and_show_has_it_confirmed(price_list):
    refreshed = run("refresh")
    assert refreshed.exit_code == 0, refreshed.stderr
    assert "new      $7.09 per instance hour  ml.g5.12xlarge, training job (us-east-1)" in refreshed.stdout
    assert "8 prices confirmed" in refreshed.stdout
    assert "`refresh` does not ask for SageMaker's jobs without instances" in refreshed.stdout
    document = json.loads(run("show", "--json").stdout)
    confirmed = {price["subject"] for price in document["prices"] if price["confirmed"]}
    assert {"ml.p5.48xlarge", "ml.g5.12xlarge", "nova-2-lite"} <= confirmed


def test_refresh_in_json_lists_what_changed(price_list):
    document = json.loads(run("refresh", "--json").stdout)
    assert set(document) == {"file", "confirmed", "changes", "unlisted", "unread"}
    assert document["file"] == str(price_list / "prices.json")
    assert [change["before"] for change in document["changes"]] == [None] * len(document["changes"])


def test_a_region_that_aws_does_not_list_is_refused(price_list):
    refused = run("refresh", "--region", "us-east-1", "--region", "eu-west-1")
    assert refused.exit_code == 1
    assert "no price of a training instance that a recipe names in eu-west-1" in refused.stderr
    assert not (price_list / "prices.json").exists()


def test_a_broken_file_of_the_project_is_one_finding(project):
    (project / "prices.json").write_text("[]", encoding="utf-8")
    refused = run("show")
    assert refused.exit_code == 1
    assert "not a file of prices" in refused.stderr
    assert "Traceback" not in refused.stderr
