// Pipes for moving large bodies from socket to socket with splice(2), without a copy through this process. A pipe that nobody
// used for a while is closed; no bytes are moved here (`Pipeline+Splice`).
import CSluiceSys

/// LIFO of pipe pairs. A pair is named by its slot; both ends are non-blocking and close-on-exec.
struct PipePool: ~Copyable {
    private struct Slot {
        var read: Int32 = -1
        var write: Int32 = -1
        /// Next free slot.
        var next: Int32 = -1
        /// Calls of `trim` since it was given back.
        var age: Int32 = 0
    }
    private let slots: UnsafeMutablePointer<Slot>
    private var free: Int32 = -1
    private var count: Int32 = 0
    /// Two descriptors each, out of those that `Limits.descriptorReserve` keeps free of connections.
    static let slotsMax = 96
    /// Bytes a pipe holds at most.
    static let capacity = 1 << 18
    /// A smaller pipe costs more calls than copying. The kernel makes small ones for an account that is above `pipe-user-pages-soft`
    /// (pipe(7)).
    static let capacityMin = 1 << 16
    /// Calls of `trim`, one a second, after which an unused pipe is closed.
    static let idleTrimsMax: Int32 = 30

    init() {
        slots = .allocate(capacity: PipePool.slotsMax)
        slots.initialize(repeating: Slot(), count: PipePool.slotsMax)
    }
    deinit {
        for i in 0..<Int(count) { shut(i) }
        slots.deallocate()
    }

    func readEnd(_ slot: Int32) -> Int32 { slots[Int(slot)].read }
    func writeEnd(_ slot: Int32) -> Int32 { slots[Int(slot)].write }
    /// Pipes that are open, in use or not.
    var openCount: Int { (0..<Int(count)).count { slots[$0].read >= 0 } }

    /// A slot, or -1 when there are too many or the system has no descriptors or pages left (the body is then copied).
    mutating func take() -> Int32 {
        let s = free >= 0 ? free : count
        if Int(s) == PipePool.slotsMax || (slots[Int(s)].read < 0 && !open(Int(s))) { return -1 }
        if free >= 0 { free = slots[Int(s)].next } else { count += 1 }
        return s
    }

    /// Back to the pool; a pipe that still holds bytes is closed, its slot stays.
    mutating func give(_ s: Int32, clean: Bool) {
        if !clean { shut(Int(s)) }
        slots[Int(s)].next = free
        slots[Int(s)].age = 0
        free = s
    }

    /// Once a second: closes what has not been used for `idleTrimsMax` calls.
    mutating func trim() {
        var s = free
        while s >= 0 {
            slots[Int(s)].age &+= 1
            if slots[Int(s)].age > PipePool.idleTrimsMax { shut(Int(s)) }
            s = slots[Int(s)].next
        }
    }

    private func shut(_ s: Int) {
        if slots[s].read < 0 { return }
        close(slots[s].read)
        close(slots[s].write)
        slots[s].read = -1
        slots[s].write = -1
    }

    private func open(_ s: Int) -> Bool {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { pipe2($0, O_CLOEXEC | O_NONBLOCK) }
        }
        if made != 0 { return false }
        slots[s].read = ends.0
        slots[s].write = ends.1
        let size = cs_fcntl(ends.0, Int32(CS_F_SETPIPE_SZ), PipePool.capacity)
        if size < 0 && Int(cs_fcntl(ends.0, Int32(CS_F_GETPIPE_SZ), 0)) < PipePool.capacityMin {
            shut(s)
            return false
        }
        return true
    }
}
