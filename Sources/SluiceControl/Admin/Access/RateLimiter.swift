// How often one client address may ask: a bucket that fills at a steady rate, and a second, much smaller one for tokens that were wrong.
// Memory is bounded: addresses whose buckets are full again are forgotten first. Pure; the time comes in.
import SluiceModel

struct RateLimiter: Sendable {
    static let addressesMax = 4096
    /// Wrong tokens that one address may try in a row, and how long one of them is remembered.
    static let failuresMax = 10.0
    static let failureSeconds = 6.0

    private struct Bucket {
        /// Requests left, and when that was so.
        var tokens: Double
        var failures = 0.0
        var atMs: UInt64
    }
    private var buckets: [String: Bucket] = [:]

    init() {}
    var addresses: Int { buckets.count }

    /// Seconds to wait, or nil: go on. Takes one request from the bucket of `address`.
    /// - Parameter perSecond: requests a second; twice as many may come at once.
    mutating func take(_ address: String, perSecond: Int, nowMs: UInt64) -> Int? {
        let rate = Double(perSecond)
        var bucket = current(address, rate, nowMs)
        defer { keep(address, bucket, rate, nowMs) }
        guard bucket.tokens >= 1 else { return max(1, Int(((1 - bucket.tokens) / rate).rounded(.up))) }
        bucket.tokens -= 1
        return nil
    }

    /// A token was wrong: seconds until this address may try another one; nil: at once.
    mutating func failed(_ address: String, perSecond: Int, nowMs: UInt64) -> Int? {
        let rate = Double(perSecond)
        var bucket = current(address, rate, nowMs)
        defer { keep(address, bucket, rate, nowMs) }
        guard bucket.failures < Self.failuresMax else {
            return max(1, Int(((bucket.failures - Self.failuresMax + 1) * Self.failureSeconds).rounded(.up)))
        }
        bucket.failures += 1
        return nil
    }

    private func current(_ address: String, _ rate: Double, _ nowMs: UInt64) -> Bucket {
        guard var bucket = buckets[Self.block(address)] else { return Bucket(tokens: rate * 2, atMs: nowMs) }
        let seconds = Double(nowMs &- min(nowMs, bucket.atMs)) / 1000
        bucket.tokens = min(rate * 2, bucket.tokens + seconds * rate)
        bucket.failures = max(0, bucket.failures - seconds / Self.failureSeconds)
        bucket.atMs = nowMs
        return bucket
    }

    private mutating func keep(_ address: String, _ bucket: Bucket, _ rate: Double, _ nowMs: UInt64) {
        let key = Self.block(address)
        if buckets.count >= Self.addressesMax, buckets[key] == nil { makeRoom(rate, nowMs) }
        buckets[key] = bucket
    }

    /// Who is as good as new goes; when nobody is, the one that asked longest ago.
    private mutating func makeRoom(_ rate: Double, _ nowMs: UInt64) {
        buckets = buckets.filter { _, bucket in
            let seconds = Double(nowMs &- min(nowMs, bucket.atMs)) / 1000
            return bucket.tokens + seconds * rate < rate * 2 || bucket.failures > seconds / Self.failureSeconds
        }
        if buckets.count >= Self.addressesMax, let oldest = buckets.min(by: { $0.value.atMs < $1.value.atMs })?.key {
            buckets[oldest] = nil
        }
    }

    /// One customer of IPv6 has a /64.
    private static func block(_ address: String) -> String {
        guard let ip = IPAddress(address), !ip.isIPv4 else { return address }
        return "v6:\(ip.high)"
    }
}
