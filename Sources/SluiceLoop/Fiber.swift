// A fiber: work on a stack of its own that can stop in the middle and go on later, always on the worker's one thread. Stacks come
// from `FiberPool`; when to stop and when to go on is decided by whoever uses them (`SluicePlugins/TaskBoard`). The switch is C and
// assembler (`CSluiceSys/fiber.S`), about 5 ns.
//
//   take ─► start ─► enter ─► (runs) ─► leave ─► enter ─► … ─► (work returns) ─► give
//
// Never leave a fiber with a lock held or from inside a Swift Task (its allocator is a stack).
import CSluiceSys

/// The record of one fiber; its stack is apart from it, so that a cold stack costs nothing. Valid from `take` to `give`.
@frozen public struct Fiber {
    @usableFromInline var machine = cs_fiber()  // first: C casts between the two
    /// The owner's: what the fiber works for, and what it waits for while it is left.
    public var owner: UnsafeMutableRawPointer?
    public var context: UnsafeMutableRawPointer?
    public var binding: UnsafeMutableRawPointer?
    public var task: UnsafeMutableRawPointer?
    public var phase: UInt8 = 0
    /// Waits end at once: whoever leaves asks first.
    public var isCancelled = false
    /// What the work came to; for the owner.
    public var result: Int32 = 0
    /// Its number in the pool.
    let index: Int32

    public typealias Ref = UnsafeMutablePointer<Fiber>
    public typealias Work = @convention(c) (UnsafeMutablePointer<cs_fiber>?) -> Void

    init(index: Int32, stack: UnsafeMutableRawPointer, bytes: Int) {
        self.index = index
        machine.stack = stack
        machine.stack_bytes = bytes
    }

    /// The fiber that C hands to its work.
    @inlinable @inline(__always) public static func of(_ raw: UnsafeMutablePointer<cs_fiber>?) -> Ref {
        UnsafeMutableRawPointer(raw.unsafelyUnwrapped).assumingMemoryBound(to: Fiber.self)
    }
}

extension UnsafeMutablePointer where Pointee == Fiber {
    @inlinable @inline(__always) var machine: UnsafeMutablePointer<cs_fiber> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: cs_fiber.self)
    }
    /// Sets what the first `enter` runs.
    @inlinable @inline(__always) public func start(_ work: @escaping Fiber.Work) { cs_fiber_start(machine, work) }
    /// The work has returned; the fiber may be started again or given back.
    @inlinable @inline(__always) public var isFinished: Bool { pointee.machine.finished != 0 }
}

extension FiberPool {
    /// Runs `f` until it leaves or its work has returned. `value` is what its `leave` returns. May be nested: a fiber enters another.
    @inlinable @inline(__always) public func enter(_ f: Fiber.Ref, _ value: Int32 = 0) {
        let outer = current
        current = f
        _ = cs_fiber_enter(f.machine, Int(value))
        current = outer
    }

    /// On the current fiber: back to whoever entered it. Returns the value of the next `enter`.
    @inlinable @inline(__always) public func leave() -> Int32 {
        Int32(truncatingIfNeeded: cs_fiber_leave(current.unsafelyUnwrapped.machine, 0))
    }
}
