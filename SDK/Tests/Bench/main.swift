// What the Swift SDK adds to a hook, in nanoseconds (median of rounds): a synchronous hook, an asynchronous one that does not wait, one that
// waits once, on the smallest host that can be: a queue, no clock, no sockets. What the gateway adds is measured by `make bench-micro`.
import CSluiceABI
import CSluiceSwift
import Glibc
import SluicePlugin

final class Sync: AccessHook {
    init(_ config: NoConfig) {}
    func access(_ request: inout Request) -> Verdict { request.headers["x-none"] == nil ? .next : .failed }
}
final class Async: AsyncAccessHook {
    struct Config: Codable { var waits: Int }
    let waits: Int
    init(_ config: Config) { waits = config.waits }
    func access(_ request: inout Request) async throws -> Verdict {
        for _ in 0..<waits { try await sleep(milliseconds: 0) }
        return request.headers["x-none"] == nil ? .next : .failed
    }
}
nonisolated(unsafe) var chosen = 0
@c(sluice_swift_plugin) public func plugin() { if chosen == 0 { register(Sync.self) } else { register(Async.self) } }

/// Timers are due at once; a token is a number; everything goes through one queue.
enum Queue {
    nonisolated(unsafe) static var jobs: [(call: sluice_callback, data: UnsafeMutableRawPointer?)] = []
    nonisolated(unsafe) static var then: sluice_continuation?
    nonisolated(unsafe) static var data: UnsafeMutableRawPointer?
    nonisolated(unsafe) static var isReady = false
    nonisolated(unsafe) static let handle = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)

    /// Runs until the parked hook has ended.
    static func drain() -> Int32 {
        while true {
            if isReady {
                isReady = false
                let result = then!(data, handle, 0)
                if result != Int32(SLUICE_SUSPEND) { return result }
            } else {
                let job = jobs.removeLast()
                job.call(job.data, 0)
            }
        }
    }
}

let request = sluice_request_v1(
    size: UInt32(MemoryLayout<sluice_request_v1>.size), attribute_count: 0, attribute: { _, _, _ in -2 }, attribute_number: { _ in 0 },
    attribute_name: { _ in sluice_view() }, header: { _, _, _ in -2 }, headers: { _, _, _, _ in -2 }, query: { _, _, _ in -2 })
let suspend = sluice_suspend_v1(
    size: UInt32(MemoryLayout<sluice_suspend_v1>.size), reserved: 0, prepare: { _, _, _ in -3 },
    prepare_with: { _, _, then, data, token in
        (Queue.then, Queue.data) = (then, data)
        token?.pointee = 1
        return 0
    },
    resume: { _, _, _ in
        Queue.isReady = true
        return 0
    })
let loop = sluice_loop_v1(
    size: UInt32(MemoryLayout<sluice_loop_v1>.size), reserved: 0, is_worker_thread: { _ in 1 },
    post: { _, call, data in
        Queue.jobs.append((call!, data))
        return 0
    },
    start_timer: { _, _, _, call, data, task in
        Queue.jobs.append((call!, data))
        task?.pointee = 1
        return 0
    }, watch: { _, _, _, _, _, _, _ in -1 }, cancel: { _, _ in -7 }, now_ms: { _ in 0 })

func stored<T>(_ value: T) -> UnsafeRawPointer {
    let p = UnsafeMutablePointer<T>.allocate(capacity: 1)
    p.initialize(to: value)
    return UnsafeRawPointer(p)
}
nonisolated(unsafe) let unused = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 16))  // never called
nonisolated(unsafe) let tables = [SLUICE_REQUEST_1: stored(request), SLUICE_SUSPEND_1: stored(suspend), SLUICE_LOOP_1: stored(loop)]
nonisolated(unsafe) var host = sluice_host(
    size: UInt32(MemoryLayout<sluice_host>.size), abi_major: 1, abi_minor: 1, context: nil,
    get_extension: { _, id in tables[String(cString: id!)] ?? unused },
    log: { _, _, text in print(String(decoding: UnsafeBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)) })

func nanoseconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) * 1e9 + Double(t.tv_nsec)
}

/// Median of 1,001 rounds of 200 calls: short, so that most of them are not interrupted.
func measure(_ name: String, _ which: Int, _ config: String, most: Double) {
    chosen = which
    var state: UnsafeMutableRawPointer?
    var instance: UnsafeMutableRawPointer?
    precondition(sluice_plugin_v1.`init`(&host, &state) == 0)
    let filter = sluice_plugin_v1.get_extension(state, SLUICE_FILTER_1)!.assumingMemoryBound(to: sluice_filter_v1.self)
    var error = sluice_error()
    _ = config.withBytes {
        filter.pointee.configure(state, sluice_view(data: $0.start, size: UInt64($0.count)), &instance, &error)
    }
    let access = filter.pointee.access!
    var rounds: [Double] = []
    for _ in 0..<1_001 {
        let start = nanoseconds()
        for _ in 0..<200 {
            var result = access(instance, OpaquePointer(Queue.handle))
            if result == Int32(SLUICE_SUSPEND) { result = Queue.drain() }
            precondition(result == 0)
        }
        rounds.append((nanoseconds() - start) / 200)
    }
    let median = rounds.sorted()[500]
    print("| \(name) | \(Int(median.rounded())) ns | ≤ \(Int(most)) | \(median <= most ? "yes" : "NO") |")
    filter.pointee.release(state, instance)
    sluice_plugin_v1.destroy(state)
}

print("| Swift hook | median | target | reached |\n|---|---|---|---|")
measure("synchronous", 0, "{}", most: 100)
measure("asynchronous, no wait", 1, #"{"waits": 0}"#, most: 500)
measure("asynchronous, one wait", 1, #"{"waits": 1}"#, most: 1_200)
measure("asynchronous, four waits", 1, #"{"waits": 4}"#, most: 3_600)
