/* Entry and manifest of the plugin; its code is in ../RequestID/RequestID.swift. */
#include <sluice/swift.h>

SLUICE_SWIFT_PLUGIN(
    "{\"name\":\"request-id\",\"version\":\"1.0.0\",\"abi\":1,\"vendor\":\"Sluice\",\"license\":\"Apache-2.0\",\"language\":\"swift\","
    "\"phases\":[\"rewrite\",\"header_filter\"],"
    "\"needs\":[\"sluice.request/1\",\"sluice.request-edit/1\",\"sluice.response/1\"],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"header\":{\"type\":\"string\",\"default\":\"x-request-id\"},"
    "\"trust\":{\"type\":\"boolean\",\"default\":false},"
    "\"format\":{\"enum\":[\"uuid\",\"hex\"],\"default\":\"uuid\"}}}}")
