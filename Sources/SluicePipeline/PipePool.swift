// Pipes for moving large bodies from socket to socket with splice(2), without a copy through this process.
import CSluiceSys

/// LIFO of pipe pairs. A pair is named by its slot; both ends are non-blocking and close-on-exec.
struct PipePool: ~Copyable {
    private let ends: UnsafeMutablePointer<(Int32, Int32)>
    private let next: UnsafeMutablePointer<Int32>
    private var free: Int32 = -1
    private var count: Int32 = 0
    /// Two descriptors each, out of those that `Limits.descriptorReserve` keeps free of connections.
    static let slotsMax = 96
    /// Bytes a pipe holds at most.
    static let capacity = 1 << 18

    init() {
        ends = .allocate(capacity: PipePool.slotsMax)
        next = .allocate(capacity: PipePool.slotsMax)
    }
    deinit {
        ends.deallocate()
        next.deallocate()
    }

    func readEnd(_ slot: Int32) -> Int32 { ends[Int(slot)].0 }
    func writeEnd(_ slot: Int32) -> Int32 { ends[Int(slot)].1 }

    /// A slot, or -1 when there are too many or the system has no descriptors left (the body is then copied).
    mutating func take() -> Int32 {
        if free >= 0 {
            let s = free
            free = next[Int(s)]
            if ends[Int(s)].0 >= 0 || open(s) { return s }
            next[Int(s)] = free
            free = s
            return -1
        }
        if Int(count) == PipePool.slotsMax { return -1 }
        let s = count
        ends[Int(s)] = (-1, -1)
        if !open(s) { return -1 }
        count += 1
        return s
    }

    /// Back to the pool; a pipe that still holds bytes is closed, its slot stays.
    mutating func give(_ s: Int32, clean: Bool) {
        if !clean {
            close(ends[Int(s)].0)
            close(ends[Int(s)].1)
            ends[Int(s)] = (-1, -1)
        }
        next[Int(s)] = free
        free = s
    }

    private func open(_ s: Int32) -> Bool {
        var fds: (Int32, Int32) = (-1, -1)
        let ok = withUnsafeMutablePointer(to: &fds) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { pipe2($0, O_CLOEXEC | O_NONBLOCK) }
        }
        if ok != 0 { return false }
        _ = cs_fcntl(fds.0, Int32(CS_F_SETPIPE_SZ), PipePool.capacity)
        ends[Int(s)] = fds
        return true
    }
}
