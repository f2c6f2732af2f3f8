// How a figure is taken and shown: CPU time in rounds on one core, median and range, one row of a Markdown table. Nothing here
// knows what is measured. The lowest round is what the code costs, the highest what the machine's other work adds.
import Glibc

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ text: String) { description = text }
}

/// A line on standard error.
func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(2, line, line.count)
}

struct Figure {
    /// Odd, so that the median is one of them.
    static let rounds = 21
    /// One value a round, sorted.
    private let values: [Double]

    init(_ values: [Double]) { self.values = values.sorted() }

    /// `round` once to warm up, then `rounds` times.
    init(rounds: Int = Figure.rounds, _ round: () throws -> Double) rethrows {
        _ = try round()
        self.init(try (0..<rounds).map { _ in try round() })
    }
    var median: Double { values[values.count / 2] }

    static func header() {
        print("| what | median | range of \(rounds) rounds | target |")
        print("|---|---|---|---|")
    }
    /// - Parameters:
    ///   - unit: of the values.
    ///   - most: the target is a median of at most this; nil = the figure has none.
    func row(_ what: String, _ unit: String, most: Double? = nil) {
        let low = values[0], high = values[values.count - 1]
        let range = low == high ? "always the same" : "\(Figure.text(low))–\(Figure.text(high))"
        let target = most.map { "≤ \(Figure.text($0)) \(unit)\(median <= $0 ? "" : " (missed)")" } ?? ""
        print("| \(what) | \(Figure.text(median)) \(unit) | \(range) | \(target) |")
        fflush(nil)  // a row shows up when it is known
    }

    /// One decimal below 100, none above.
    static func text(_ value: Double) -> String {
        if value >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}

/// Nanoseconds of one of `count` runs that `body` makes: CPU time of this thread, so that a busy machine stretches it less.
func nanoseconds(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    let start = cpuNs()
    try body()
    return Double(cpuNs() - start) / Double(count)
}

private func cpuNs() -> UInt64 {
    var t = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
    return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
}

enum Core {
    private typealias Affinity = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32

    /// Keeps this thread on the highest core that it may use. The call is found by name: the C importer hides it (_GNU_SOURCE).
    static func pin() throws {
        guard let get = dlsym(nil, "sched_getaffinity"), let set = dlsym(nil, "sched_setaffinity") else {
            throw BenchFailure("the C library has no sched_setaffinity")
        }
        var mask = [UInt64](repeating: 0, count: 16)  // 1024 cores
        let bytes = mask.count * 8
        guard unsafeBitCast(get, to: Affinity.self)(0, bytes, &mask) >= 0, let word = mask.lastIndex(where: { $0 != 0 }) else {
            throw BenchFailure("cannot read the set of cores: errno \(errno)")
        }
        let bit = 63 - mask[word].leadingZeroBitCount
        mask = mask.indices.map { $0 == word ? 1 << UInt64(bit) : 0 }
        if unsafeBitCast(set, to: Affinity.self)(0, bytes, &mask) != 0 { throw BenchFailure("cannot pin to a core: errno \(errno)") }
    }
}

/// xorshift64: the same order in every run, and no order that a prefetcher follows.
struct Shuffle: RandomNumberGenerator {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
