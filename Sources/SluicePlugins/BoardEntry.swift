// One thing that a plugin has under way: a slot of the board, plain data at a fixed address. What happens to it is in `TaskBoard+….swift`.
//
//   free ─► idle ─► waiting ─► ready ─► (runs) ─► … ─► free           a hook that ended waits as `finished` for the pipeline
//
// A name for outside is {slot, turn}; the turn changes when the slot is given back, so an old name finds nothing.
import CSluiceABI
import SluiceLoop
import SluiceShared

struct BoardEntry {
    typealias Ref = UnsafeMutablePointer<BoardEntry>
    enum Kind: UInt8 { case free, timer, watch, hook, background, exchange }
    enum State: UInt8 {
        /// Taken; nobody waits on it yet. A resumed token of a hook that still runs stays here, `hasEnded`.
        case idle
        /// For its timer, its descriptor, a resume.
        case waiting
        /// In the line of the next turn.
        case ready
        /// A hook's result that the pipeline has not taken.
        case finished
    }

    var timer = TimerNode()  // first: the wheel's node is the entry
    /// Links of the line it stands in, or of the free ones.
    var next: Ref?
    var previous: Ref?
    var owner: Owner?
    var ownerNext: Ref?
    var ownerPrevious: Ref?
    let slot: UInt32
    var turn: UInt32 = 1
    var kind = Kind.free
    var state = State.idle
    var hasEnded = false
    var held = ReferenceKind.timer
    /// What ended the wait; of a finished hook its result.
    var status: Int32 = 0
    /// Status when the timer runs out.
    var statusOnTime: Int32 = 0
    /// Descriptor that is watched, -1 without one, and the bits asked for.
    var fd: Int32 = -1
    var bits: UInt32 = 0
    var everyMs: UInt32 = 0
    // timers, watches, background tasks, continuations
    var callback: sluice_callback?
    var work: sluice_work?
    var then: sluice_continuation?
    var data: UnsafeMutableRawPointer?
    // hooks that wait
    var fiber: Fiber.Ref?
    var context: Context?
    var binding: UnsafeMutablePointer<BoundPlugin>?
    var phase = PluginPhase.timer
    var wait = Wait.none
    var parkedTick: UInt64 = 0
    /// A token that was prepared on the fiber before it parked.
    var pending: UnsafeMutableRawPointer?
    /// An http exchange, retained: the one under way, or for a fiber's entry the one whose answer its work may still read.
    var exchange: Unmanaged<HTTPExchange>?

    init(slot: UInt32) { self.slot = slot }

    var id: UInt64 { UInt64(turn) << 32 | UInt64(slot) }
}

/// A line of entries: first in, first out, and out of the middle.
struct EntryLine {
    private let end: BoardEntry.Ref

    init() {
        end = .allocate(capacity: 1)
        end.initialize(to: BoardEntry(slot: .max))
        (end.pointee.next, end.pointee.previous) = (end, end)
    }
    func free() { end.deallocate() }

    var isEmpty: Bool { end.pointee.next == end }

    func append(_ e: BoardEntry.Ref) {
        let last = end.pointee.previous
        (e.pointee.previous, e.pointee.next) = (last, end)
        last?.pointee.next = e
        end.pointee.previous = e
    }
    func popFirst() -> BoardEntry.Ref? {
        guard let e = end.pointee.next, e != end else { return nil }
        EntryLine.remove(e)
        return e
    }
    /// Out of whatever line it stands in.
    static func remove(_ e: BoardEntry.Ref) {
        e.pointee.previous?.pointee.next = e.pointee.next
        e.pointee.next?.pointee.previous = e.pointee.previous
        (e.pointee.next, e.pointee.previous) = (nil, nil)
    }
    /// Everything of `other` behind what is here.
    func take(_ other: EntryLine) { while let e = other.popFirst() { append(e) } }
}
