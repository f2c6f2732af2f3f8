// Every extension of the plugin contract, its side and its status: what `sluice abi` and GET /v1/abi list. The headers in SDK/ are the
// origin; `make tidy` compares this list with them. What a host serves at run time is HostTables.all in the SluicePlugins module.

public struct ExtensionFact: Sendable {
    /// Who has the table: the host hands it out (get_extension of the host), or the plugin does.
    public enum Side: String, Sendable { case host, plugin }
    /// released: promised for ever. draft: may change, no host serves it. deprecated: promised and served, but another is better.
    public enum Status: String, Sendable { case released, draft, deprecated }

    public let id: String
    public let side: Side
    public let status: Status
    /// Below SDK/Sources/CSluiceABI/include/sluice.
    public let header: String

    init(_ id: String, _ side: Side, _ status: Status, _ header: String) {
        (self.id, self.side, self.status, self.header) = (id, side, status, header)
    }
}

public enum ExtensionCatalog {
    public static let abiMajor = 1
    public static let abiMinor = 1

    public static let all: [ExtensionFact] = [
        ExtensionFact("sluice.filter/1", .plugin, .released, "filter.h"),
        ExtensionFact("sluice.routing/1", .plugin, .released, "routing.h"),
        ExtensionFact("sluice.worker/1", .plugin, .released, "worker.h"),
        ExtensionFact("sluice.rule-functions/1", .plugin, .released, "rule_functions.h"),
        ExtensionFact("sluice.request/1", .host, .released, "request.h"),
        ExtensionFact("sluice.request-edit/1", .host, .released, "request_edit.h"),
        ExtensionFact("sluice.request-body/1", .host, .released, "request_body.h"),
        ExtensionFact("sluice.header-batch/1", .host, .released, "header_batch.h"),
        ExtensionFact("sluice.answer/1", .host, .released, "answer.h"),
        ExtensionFact("sluice.cluster/1", .host, .released, "routing.h"),
        ExtensionFact("sluice.balancer/1", .host, .released, "balancer.h"),
        ExtensionFact("sluice.content/1", .host, .released, "content.h"),
        ExtensionFact("sluice.response/1", .host, .released, "response.h"),
        ExtensionFact("sluice.body/1", .host, .released, "body.h"),
        ExtensionFact("sluice.exchange-log/1", .host, .released, "exchange_log.h"),
        ExtensionFact("sluice.memory/1", .host, .released, "memory.h"),
        ExtensionFact("sluice.suspend/1", .host, .released, "suspend.h"),
        ExtensionFact("sluice.loop/1", .host, .released, "loop.h"),
        ExtensionFact("sluice.io/1", .host, .released, "io.h"),
        ExtensionFact("sluice.http-client/1", .host, .released, "http_client.h"),
        ExtensionFact("sluice.background/1", .host, .released, "background.h"),
        ExtensionFact("sluice.variables/1", .host, .released, "variables.h"),
        ExtensionFact("sluice.metrics/1", .host, .released, "metrics.h"),
        ExtensionFact("sluice.crypto/1", .host, .released, "crypto.h"),
        ExtensionFact("sluice.tls/1", .plugin, .draft, "draft/tls.h"),
        ExtensionFact("sluice.handshake/1", .host, .draft, "draft/tls.h"),
        ExtensionFact("sluice.dictionary/1", .host, .draft, "draft/dict.h"),
    ]

    public static func find(_ id: String) -> ExtensionFact? { all.first { $0.id == id } }
}
