"""Functions with layers: a rehearsal runs them with the libraries that were installed for this computer."""

import io
import json
import shutil
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from novaline.places import reward_libraries
from novaline.reward_libraries import HERE, MARK
from tests.rehearsal.account import unique

CODE = "def handler(event, context):\n    import politeness\n    return politeness.WHERE\n"


def archive(text: str, digest: str | None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        files.writestr("python/politeness.py", text)
        if digest is not None:
            files.writestr(MARK, digest)
    return made.getvalue()


@pytest.fixture
def digest():
    """Of pins that nobody has; what is kept under it goes with the test."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    shutil.rmtree(reward_libraries(name), ignore_errors=True)


def answer_with_layer(aws, layer: bytes):
    client = aws.client("lambda")
    made = client.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": layer})
    function = aws.function(CODE)
    client.update_function_configuration(FunctionName=function, Layers=[made["LayerVersionArn"]])
    answer = client.invoke(FunctionName=function, Payload=b"{}")
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_this_computers_libraries_take_the_place_of_the_deployed_ones(aws, digest):
    folder = reward_libraries(digest)
    folder.mkdir(parents=True)
    (folder / HERE).write_bytes(archive("WHERE = 'here'", digest))
    assert answer_with_layer(aws, archive("WHERE = 'lambda'", digest)) == (None, "here")


def test_without_them_the_deployment_fails_with_what_to_do(aws, digest):
    with pytest.raises(ClientError, match=r"not installed for this computer.*run .* -m novaline\.reward_libraries"):
        answer_with_layer(aws, archive("WHERE = 'lambda'", digest))


def test_a_layer_of_our_own_functions_is_left_out(aws):
    error, answer = answer_with_layer(aws, archive("WHERE = 'lambda'", None))
    assert error
    assert "No module named 'politeness'" in json.dumps(answer)
