// Numbers of a plugin in the gateway's /metrics. A series is made once, in `init` or `workerStarts`; counting is a few stores. Making a
// series that exists already hands it out again, so that a new generation goes on counting.
//
//     let hits = try Counter("cache_hits_total", help: "answers from the cache")
//     hits.add()
import CSluiceABI

/// Only rises; the sum over the workers is shown.
public struct Counter: Sendable {
    let number: UInt32
    public init(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) throws(ConfigurationError) {
        number = try define(SLUICE_COUNTER, name, help, labels, [])
    }
    /// `amount` is 0 or more.
    public func add(_ amount: Double = 1) { _ = Tables.metrics?.pointee.add(Tables.host, number, amount) }
}

/// Goes up and down; the sum over the workers is shown.
public struct Gauge: Sendable {
    let number: UInt32
    public init(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) throws(ConfigurationError) {
        number = try define(SLUICE_GAUGE, name, help, labels, [])
    }
    public func add(_ amount: Double) { _ = Tables.metrics?.pointee.add(Tables.host, number, amount) }
    public func set(_ value: Double) { _ = Tables.metrics?.pointee.set(Tables.host, number, value) }
}

/// How often values were at most a bound, their sum and count.
public struct Histogram: Sendable {
    let number: UInt32
    /// - Parameter bounds: 1–16, rising; +Inf comes by itself.
    public init(_ name: String, help: String, bounds: [Double], labels: KeyValuePairs<String, String> = [:]) throws(ConfigurationError) {
        number = try define(SLUICE_HISTOGRAM, name, help, labels, bounds)
    }
    public func observe(_ value: Double) { _ = Tables.metrics?.pointee.observe(Tables.host, number, value) }
}

private func define(
    _ kind: Int, _ name: String, _ help: String, _ labels: KeyValuePairs<String, String>, _ bounds: [Double]
) throws(ConfigurationError) -> UInt32 {
    guard let table = Tables.metrics else { throw ConfigurationError("metric \(name)", HostError.unsupported.description) }
    // All texts in one block, so that one pointer is enough.
    var text = Array(name.utf8) + Array(help.utf8)
    for (key, value) in labels { text += Array(key.utf8) + Array(value.utf8) }
    var said = ""
    let status = text.withUnsafeBufferPointer { block in
        var at = 0
        func take(_ s: String) -> sluice_view {
            defer { at += s.utf8.count }
            return sluice_view(data: block.baseAddress.map { $0 + at }, size: UInt64(s.utf8.count))
        }
        var metric = sluice_metric()
        metric.size = UInt32(MemoryLayout<sluice_metric>.size)
        metric.kind = UInt32(kind)
        metric.name = take(name)
        metric.help = take(help)
        let list = labels.map { sluice_label(name: take($0.key), value: take($0.value)) }
        return list.withUnsafeBufferPointer { list in
            bounds.withUnsafeBufferPointer { bounds in
                (metric.labels, metric.label_count) = (list.baseAddress, UInt32(list.count))
                (metric.bounds, metric.bound_count) = (bounds.baseAddress, UInt32(bounds.count))
                return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { room in
                    var error = sluice_error(text: room.baseAddress, room: 512, size: 0)
                    let status = table.pointee.define(Tables.host, &metric, &error)
                    said = String(decoding: UnsafeRawBufferPointer(start: room.baseAddress, count: Int(error.size)), as: UTF8.self)
                    return status
                }
            }
        }
    }
    if status < 0 { throw ConfigurationError("metric \(name)", said.isEmpty ? HostError(status).description : said) }
    return UInt32(status)
}
