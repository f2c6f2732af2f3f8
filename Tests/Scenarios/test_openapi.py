"""The OpenAPI document: valid, complete, and what schemathesis finds when it tries every operation for a minute."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kit.gateway import Gateway
from openapi_spec_validator import OpenAPIV31SpecValidator

SECONDS = int(os.environ.get("SLUICE_SCHEMATHESIS_SECONDS", "60"))


@pytest.fixture(scope="module")
def gateway(shared_origin):
    with Gateway(to=shared_origin, plugins_api="no", admin={"rate_limit": 100000}) as running:
        yield running


@pytest.fixture(scope="module")
def document(gateway):
    answer = gateway.admin("GET", "/v1/openapi.json")
    assert answer.status == 200
    return answer.json


def test_document_is_valid(document):
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_ids_and_references(document):
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids)) and len(ids) > 70
    used = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert used == set(document["components"]["schemas"]), used ^ set(document["components"]["schemas"])


def test_every_declared_operation_answers(gateway, document):
    """None is forgotten, and each answers with a status that it declares."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] in ("reload", "recycleWorkers"):  # tested where they belong
                continue
            place = re.sub(r"\{(\w+)\}", lambda m: "999999999" if m[1] == "n" else "nobody-has-this", path)
            answer = gateway.admin(method.upper(), place, {} if method in ("post", "put", "patch") else None)
            assert str(answer.status) in operation["responses"], (operation["operationId"], answer)
            assert answer.status != 405 and answer.status < 500, (operation["operationId"], answer)


def test_declarations_refuse_unknown_parameters(gateway, document):
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path:
            assert gateway.admin("GET", path + "?no-such=1").status == 400, path


@pytest.mark.timeout(SECONDS + 120)
def test_schemathesis(gateway, tmp_path):
    """No answer that is not declared, none of the server's fault, every body of the declared shape; bounded in time."""
    out = tmp_path / "report"
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"http://127.0.0.1:{gateway.admin_port}/v1/openapi.json", "--max-time", str(SECONDS),
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--exclude-operation-id", "recycleWorkers", "--exclude-operation-id", "createToken", "--exclude-operation-id", "reload",
        "--max-examples", "20", "--seed", "1", "--no-color", "--request-timeout", "20", "--generation-database", "none",
    ]
    with open(out, "w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=tmp_path, start_new_session=True)
        try:
            code = process.wait(SECONDS + 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            raise
    assert code == 0, out.read_text()[-8000:]
    assert gateway.admin("GET", "/healthz").status == 200
