"""What plugins get from the host beside requests, through the whole gateway: variables that one hands to another, metrics of their own in
/metrics that go on over generations, and typed C functions out of plain libraries (`functions`), refused with line and reason."""

import json
from pathlib import Path

import pytest
from kit.fixtures import compiled, mapped
from kit.gateway import Gateway, route
from kit.metrics import Metrics
from kit.rawclient import get
from kit.wait import until

# NAME sets or reads variable "shared.word" and counts requests with a counter and a histogram.
SOURCE = """
#include <sluice/sluice.h>
#include <string.h>
static const sluice_host *host;
static const sluice_variables_v1 *variables;
static const sluice_metrics_v1 *metrics;
static const sluice_header_batch_v1 *batch;
static int32_t word, seen, took;
static int32_t init(const sluice_host *h, void **state) {
  (void)state;
  host = h;
  variables = h->get_extension(h, SLUICE_VARIABLES_1);
  metrics = h->get_extension(h, SLUICE_METRICS_1);
  batch = h->get_extension(h, SLUICE_HEADER_BATCH_1);
  static const double bounds[] = {1, 10};
  sluice_label label = {SLUICE_VIEW("kind"), SLUICE_VIEW("all")};
  sluice_metric c = {sizeof c, KIND, SLUICE_VIEW("seen_total"), SLUICE_VIEW("Requests."), &label, 0, 1, 0};
  sluice_metric t = {sizeof t, SLUICE_HISTOGRAM, SLUICE_VIEW("took_units"), SLUICE_VIEW("Units."), 0, bounds, 0, 2};
  word = variables->number(h, SLUICE_VIEW("shared.word"));
  seen = metrics->define(h, &c, 0);
  took = metrics->define(h, &t, 0);
  return word < 0 || seen < 0 || took < 0 ? SLUICE_EINVAL : SLUICE_OK;
}
static int32_t access_(void *i, sluice_request *r) {
  (void)i;
  metrics->add(host, (uint32_t)seen, 1);
  metrics->observe(host, (uint32_t)took, 4);
  if (!READS) return variables->set(r, (uint32_t)word, SLUICE_VIEW("from the first"));
  sluice_request_view v;
  if (variables->get(r, (uint32_t)word, &v) < 0) return SLUICE_EFAULT;
  sluice_header_edit edits[2] = {{SLUICE_EDIT_SET, 0, SLUICE_VIEW("X-Word"), {v.data, v.size}},
                                 {SLUICE_EDIT_REMOVE, 0, SLUICE_VIEW("X-Secret"), {0, 0}}};
  return batch->edit_request(r, edits, 2);
}
static const void *get_extension(void *state, const char *id) {
  static sluice_filter_v1 f = {.size = sizeof f, .access = access_};
  (void)state;
  return strcmp(id, SLUICE_FILTER_1) ? 0 : &f;
}
SLUICE_PLUGIN(init, 0, get_extension)
SLUICE_MANIFEST("{\\"name\\":\\"" NAME "\\",\\"version\\":\\"1.0.0\\",\\"abi\\":1,\\"language\\":\\"c\\",\\"phases\\":[\\"access\\"]}")
"""
LIBRARY = """
#include <sluice/sluice.h>
SLUICE_EXPORT sluice_view country(sluice_ip address) { return address.bytes[12] == 127 ? SLUICE_VIEW("here") : SLUICE_VIEW("there"); }
"""


def build(folder: Path, name: str, reads: int, file: str, kind: str = "SLUICE_COUNTER") -> str:
    return str(compiled(folder, file, f'#define NAME "{name}"\n#define READS {reads}\n#define KIND {kind}\n{SOURCE}'))


@pytest.fixture
def gateway(origin, tmp_path):
    plugins = [{"name": name, "path": build(tmp_path, name, reads, name)} for reads, name in enumerate(["first-one", "second"])]
    with Gateway(
        to=origin, workers=2, plugins_api="local", plugins=plugins, allow="refused|cannot",
        routes=[route("everything", "/*", plugins=[{"name": "first-one"}, {"name": "second"}])],
    ) as gateway:
        yield gateway


def test_variables_and_batches_reach_the_upstream(gateway, origin):
    assert get(gateway.port, "/echo", "X-Secret: 1").status == 200
    seen = origin.seen[-1]
    assert seen.get("x-word") == "from the first" and seen.get("x-secret") is None


def test_metrics_go_on_over_generations(gateway, tmp_path):
    for _ in range(10):
        assert get(gateway.port, "/").status == 200
    metrics = Metrics.of(gateway)
    assert metrics.value("sluice_plugin_first_one__seen_total", kind="all") == 10
    assert metrics.value("sluice_plugin_second__took_units_bucket", le="1") == 0
    assert metrics.value("sluice_plugin_second__took_units_bucket", le="10") == 10
    assert metrics.value("sluice_plugin_second__took_units_sum") == 40
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": build(tmp_path, "first-one", 0, "next")})
    assert answer.status == 200, answer
    assert get(gateway.port, "/").status == 200
    assert Metrics.of(gateway).value("sluice_plugin_first_one__seen_total", kind="all") == 11
    answer = gateway.admin("POST", "/v1/plugins/load", {"path": build(tmp_path, "first-one", 0, "clash", "SLUICE_GAUGE")})
    assert answer.status in (409, 422, 500), answer
    assert b"cannot be a gauge as well" in answer.body
    assert get(gateway.port, "/").status == 200


def test_functions_of_libraries(origin, tmp_path):
    library = compiled(tmp_path, "geo", LIBRARY)
    function = {"library": str(library), "symbol": "country", "name": "geo.country", "signature": "string(ip)", "pure": True}
    with Gateway(to=origin, functions=[function], allow="refused|functions") as gateway:
        assert get(gateway.port, "/").status == 200
        (worker,) = gateway.workers()
        assert mapped(worker, "/functions/")
        assert json.loads(gateway.admin("GET", "/v1/config").body)["functions"] == [function]
        for wrong, why in [
            ({"symbol": "nope"}, "exports no"), ({"signature": "string(text)"}, "unknown type"), ({"name": "country"}, "SPACE.NAME"),
            ({"library": "/nowhere.so"}, "cannot open"),
        ]:
            gateway.write(functions=[{**function, **wrong}])
            answer = gateway.admin("POST", "/v1/reload")
            assert answer.status == 422 and why in answer.body.decode(), (wrong, answer)
        assert get(gateway.port, "/").status == 200
        gateway.write(functions=[])
        assert gateway.admin("POST", "/v1/reload").status == 200
        until(lambda: not mapped(worker, "/functions/"), 3, "the library to be unmapped")


@pytest.mark.parametrize("kind,said", [("constructor", "load crashed: SIGSEGV"), ("destructor", "destroy crashed: SIGSEGV")])
def test_library_that_crashes_meets_no_worker(origin, tmp_path, kind, said):
    """Libraries of functions are opened and closed in the trial process first, at a reload and at the start."""
    boom = f"__attribute__(({kind})) static void boom(void) {{ *(volatile int *)8 = 1; }}\n"
    function = {"symbol": "country", "name": "geo.country", "signature": "string(ip)", "pure": True}
    (tmp_path / "bad").mkdir()
    bad, good = compiled(tmp_path / "bad", "geo", LIBRARY + boom), compiled(tmp_path, "geo", LIBRARY)
    with Gateway(to=origin, functions=[{**function, "library": str(good)}], allow="refused|functions") as gateway:
        workers = gateway.workers()
        gateway.write(functions=[{**function, "library": str(bad)}])
        answer = gateway.admin("POST", "/v1/reload")
        assert answer.status == 422 and f"functions geo.country: probe: {said}" in answer.body.decode(), answer
        assert gateway.workers() == workers and get(gateway.port, "/").status == 200
    with pytest.raises(AssertionError, match=said):
        with Gateway(to=origin, functions=[{**function, "library": str(bad)}]):
            pass
