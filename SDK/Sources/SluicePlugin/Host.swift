// The host's tables, fetched once when the plugin is loaded, and its log.
import CSluiceABI

/// Set by `sluice_swift_init` before anything else runs; constant from then on, so reads need no protection. A table that the host
/// lacks is nil: what stands on it answers "not allowed in this phase". A plugin that cannot do without names it in "needs".
enum Tables {
    nonisolated(unsafe) static var host: UnsafePointer<sluice_host>! = nil
    nonisolated(unsafe) static var request: UnsafePointer<sluice_request_v1>! = nil
    nonisolated(unsafe) static var requestEdit: UnsafePointer<sluice_request_edit_v1>! = nil
    nonisolated(unsafe) static var answer: UnsafePointer<sluice_answer_v1>! = nil
    nonisolated(unsafe) static var response: UnsafePointer<sluice_response_v1>! = nil
    nonisolated(unsafe) static var body: UnsafePointer<sluice_body_v1>! = nil
    nonisolated(unsafe) static var exchangeLog: UnsafePointer<sluice_exchange_log_v1>! = nil
    nonisolated(unsafe) static var memory: UnsafePointer<sluice_memory_v1>! = nil

    nonisolated(unsafe) static var requestBody: UnsafePointer<sluice_request_body_v1>? = nil
    nonisolated(unsafe) static var headerBatch: UnsafePointer<sluice_header_batch_v1>? = nil
    nonisolated(unsafe) static var cluster: UnsafePointer<sluice_cluster_v1>? = nil
    nonisolated(unsafe) static var balancer: UnsafePointer<sluice_balancer_v1>? = nil
    nonisolated(unsafe) static var content: UnsafePointer<sluice_content_v1>? = nil
    nonisolated(unsafe) static var suspend: UnsafePointer<sluice_suspend_v1>? = nil
    nonisolated(unsafe) static var loop: UnsafePointer<sluice_loop_v1>? = nil
    nonisolated(unsafe) static var httpClient: UnsafePointer<sluice_http_client_v1>? = nil
    nonisolated(unsafe) static var variables: UnsafePointer<sluice_variables_v1>? = nil
    nonisolated(unsafe) static var metrics: UnsafePointer<sluice_metrics_v1>? = nil
    nonisolated(unsafe) static var crypto: UnsafePointer<sluice_crypto_v1>? = nil

    /// False: this host lacks one of those that every plugin needs.
    static func fetch(_ host: UnsafePointer<sluice_host>) -> Bool {
        self.host = host
        request = find(SLUICE_REQUEST_1)
        requestEdit = find(SLUICE_REQUEST_EDIT_1)
        answer = find(SLUICE_ANSWER_1)
        response = find(SLUICE_RESPONSE_1)
        body = find(SLUICE_BODY_1)
        exchangeLog = find(SLUICE_EXCHANGE_LOG_1)
        memory = find(SLUICE_MEMORY_1)
        requestBody = find(SLUICE_REQUEST_BODY_1)
        headerBatch = find(SLUICE_HEADER_BATCH_1)
        cluster = find(SLUICE_CLUSTER_1)
        balancer = find(SLUICE_BALANCER_1)
        content = find(SLUICE_CONTENT_1)
        suspend = find(SLUICE_SUSPEND_1)
        loop = find(SLUICE_LOOP_1)
        httpClient = find(SLUICE_HTTP_CLIENT_1)
        variables = find(SLUICE_VARIABLES_1)
        metrics = find(SLUICE_METRICS_1)
        crypto = find(SLUICE_CRYPTO_1)
        return request != nil && requestEdit != nil && answer != nil && response != nil && body != nil && exchangeLog != nil
            && memory != nil
    }

    private static func find<T>(_ id: String) -> UnsafePointer<T>? {
        id.withCString { host.pointee.get_extension(host, $0)?.assumingMemoryBound(to: T.self) }
    }
}

@frozen public enum LogLevel: UInt32, Sendable { case debug, info, notice, warn, error }

/// A line in the error log under the plugin's name. Formats and may write to a file: not for every request; header values and
/// bodies do not belong there.
public func log(_ level: LogLevel, _ text: String) {
    text.withBytes { Tables.host.pointee.log(Tables.host, level.rawValue, $0.view) }
}
