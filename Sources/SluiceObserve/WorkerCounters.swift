// A worker's counters, written where the control process reads them. One writer per word: plain loads and stores, no locks.
// What the words mean is in SluiceShared's layout; summing and printing is the control process's work.
import SluiceShared

/// Plain data around one worker's block; copies count into the same memory.
public struct WorkerCounters {
    public let block: WorkerBlock
    /// `Latency.boundsUs` at a fixed address: an array would be a reference and a lazy global on the request path.
    @usableFromInline let bounds: UnsafePointer<UInt64>

    /// Makes a table of 248 bytes that lives as long as the process; once per worker.
    public init(_ block: WorkerBlock) {
        self.block = block
        precondition(Latency.boundsUs.count == 31, "the bucket search expects 31 bounds")
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 31)
        table.initialize(from: Latency.boundsUs, count: 31)
        bounds = UnsafePointer(table)
    }

    @inlinable @inline(__always) public func accepted() {
        block.head.pointee.accepted &+= 1
        block.head.pointee.clientConnections &+= 1
    }
    @inlinable @inline(__always) public func clientClosed() { block.head.pointee.clientConnections &-= 1 }
    @inlinable @inline(__always) public func requestStarted() { block.head.pointee.requestsActive &+= 1 }

    /// Counts a finished request that `requestStarted` announced.
    /// - Parameters:
    ///   - slot: the route's counter slot; anything past the last slot counts in slot 0.
    ///   - status: 100...599; others count as 5xx.
    @inlinable public func requestDone(slot: UInt32, status: UInt16, durationUs: UInt64, bytesIn: UInt64, bytesOut: UInt64) {
        let head = block.head
        head.pointee.requests &+= 1
        head.pointee.requestsActive &-= 1
        head.pointee.bytesIn &+= bytesIn
        head.pointee.bytesOut &+= bytesOut
        head.pointee.latencySumUs &+= durationUs
        head.pointee.latency[unchecked: bucket(durationUs)] &+= 1  // 0...31 by construction
        let route = block.routes + (Int(slot) < SharedLimits.routeSlots ? Int(slot) : 0)
        let statusClass = status >= 100 && status < 600 ? Int(status) / 100 - 1 : 4
        route.pointee.byClass[unchecked: statusClass] &+= 1
        route.pointee.durationSumUs &+= durationUs
        route.pointee.bytesIn &+= bytesIn
        route.pointee.bytesOut &+= bytesOut
    }

    /// Index of the first bucket whose bound is at least `us`; 31 = above all bounds. Five comparisons, no branch.
    @inlinable @inline(__always) public func bucket(_ us: UInt64) -> Int {
        var at = us > bounds[15] ? 16 : 0
        at &+= us > bounds[at &+ 7] ? 8 : 0
        at &+= us > bounds[at &+ 3] ? 4 : 0
        at &+= us > bounds[at &+ 1] ? 2 : 0
        at &+= us > bounds[at] ? 1 : 0
        return at
    }

    @inlinable @inline(__always) public func upstreamConnecting() { block.head.pointee.upstreamConnects &+= 1 }
    @inlinable @inline(__always) public func upstreamConnectFailed() { block.head.pointee.upstreamConnectFailures &+= 1 }
    @inlinable @inline(__always) public func upstreamOpened() { block.head.pointee.upstreamConnections &+= 1 }
    @inlinable @inline(__always) public func upstreamClosed() { block.head.pointee.upstreamConnections &-= 1 }
    @inlinable @inline(__always) public func upstreamParked() { block.head.pointee.upstreamIdle &+= 1 }
    @inlinable @inline(__always) public func upstreamUnparked() { block.head.pointee.upstreamIdle &-= 1 }
    @inlinable @inline(__always) public func upstreamRetried() { block.head.pointee.upstreamRetries &+= 1 }
    @inlinable @inline(__always) public func parseError() { block.head.pointee.parseErrors &+= 1 }
    @inlinable @inline(__always) public func timeout() { block.head.pointee.timeouts &+= 1 }
    @inlinable @inline(__always) public func logLinesDropped(_ total: UInt64) { block.head.pointee.logLinesDropped = total }
    /// A turn of the loop, for the master's watch.
    @inlinable @inline(__always) public func beat() { block.head.pointee.beat &+= 1 }
    /// A successor goes on with the counts of its predecessor, but nothing is open and nothing runs yet.
    public func adopt(pid: UInt64, revision: UInt64) {
        block.head.pointee.pid = pid
        block.head.pointee.revision = revision
        block.head.pointee.clientConnections = 0
        block.head.pointee.upstreamConnections = 0
        block.head.pointee.upstreamIdle = 0
        block.head.pointee.requestsActive = 0
        block.head.pointee.currentPlugin = 0
        for i in 0..<SharedLimits.generationSlots { block.generations[i] = GenerationState() }
    }
}
