// Jobs that other threads hand to the loop: a lock-free stack that many push and the loop takes whole, and an eventfd
// that wakes it. The worker itself has one thread; plugins may have more.
import CSluiceSys
import Synchronization

/// One job; whoever posts it keeps the memory alive until `run` was called.
public struct PostedJob {
    @usableFromInline var next: UnsafeMutablePointer<PostedJob>?
    public var run: @convention(c) (UnsafeMutableRawPointer?) -> Void
    public var argument: UnsafeMutableRawPointer?
    public init(argument: UnsafeMutableRawPointer?, run: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void) {
        self.argument = argument
        self.run = run
    }
}

/// Posting is safe from any thread and from signal handlers; draining belongs to the loop's thread.
public struct JobQueue: ~Copyable, @unchecked Sendable {
    /// Readable when jobs wait; the loop watches it.
    public let descriptor: Int32
    let head = Atomic<UnsafeMutablePointer<PostedJob>?>(nil)

    public init() {
        descriptor = eventfd(0, Int32(CS_EFD_FLAGS))
        precondition(descriptor >= 0, "eventfd failed: errno \(cs_errno())")
    }
    deinit { close(descriptor) }

    public borrowing func post(_ job: UnsafeMutablePointer<PostedJob>) {
        var old = head.load(ordering: .relaxed)
        while true {
            job.pointee.next = old
            let r = head.compareExchange(expected: old, desired: job, ordering: .acquiringAndReleasing)
            if r.exchanged { break }
            old = r.original
        }
        // Only the first of a batch needs to wake the loop: the others are taken with it.
        if old == nil {
            var one: UInt64 = 1
            _ = write(descriptor, &one, 8)
        }
    }

    /// Runs everything posted so far, oldest first; returns how many.
    public borrowing func drain() -> Int {
        var value: UInt64 = 0
        _ = read(descriptor, &value, 8)
        var list = head.exchange(nil, ordering: .acquiringAndReleasing)
        var ordered: UnsafeMutablePointer<PostedJob>?
        while let j = list {
            list = j.pointee.next
            j.pointee.next = ordered
            ordered = j
        }
        var n = 0
        while let j = ordered {
            ordered = j.pointee.next
            j.pointee.run(j.pointee.argument)
            n += 1
        }
        return n
    }
}
