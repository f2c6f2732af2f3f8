/* Entry and manifest; the code is in ../Hello/Hello.swift. */
#include <sluice/swift.h>
SLUICE_SWIFT_PLUGIN("{\"name\":\"hello\",\"version\":\"0.1.0\",\"abi\":1,\"language\":\"swift\",\"phases\":[\"rewrite\"]}")
