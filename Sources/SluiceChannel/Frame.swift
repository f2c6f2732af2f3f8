// The words that processes say to each other: one fixed header, an optional text, up to two descriptors, one datagram
// each over SOCK_SEQPACKET pairs that the master made. Control and workers never talk directly; the master hands on.
//
//   control ──publish(fd)──► master ──prepare(fd)──► worker          a change, in two steps:
//   control ◄─prepared────── master ◄─prepared(ok?)── worker         every worker loads what is new and says so,
//   control ──commit───────► master ──commit────────► worker         then every worker swaps between two requests
//   control ◄─committed───── master ◄─committed────── worker         (or abort: the new parts are let go)

import SluiceSystem

/// Kinds of frame. Values are stable: processes of two releases meet during an upgrade.
public enum FrameKind: UInt32, Sendable {
    /// control → master → workers: a compiled image (one descriptor, sealed memfd), `revision` set. Nothing changes yet.
    /// To a worker, `status` says `Frame.imageIsChecked`: the master has checked every byte of the sealed file.
    case prepare = 1
    /// worker → master → control: prepared or refused; `worker`, `revision`, `status` (0 ok), text says why not.
    case prepared = 2
    /// control → master → workers: swap to `revision`. The master keeps that image for successors of dead workers.
    case commit = 3
    case committed = 4
    /// control → master → workers: forget the prepared `revision`.
    case abort = 5
    /// master → control, first frame of a connection: descriptors [shared memory, current image]; revision of it.
    case welcome = 6
    /// master → worker, first frame: descriptors [shared memory, current image], `worker` its index, `value` its block in the memory.
    case start = 7
    /// worker → master: serving (status 0), or could not start (text).
    case ready = 8
    /// master → control: the file should be read again (SIGHUP).
    case reload = 9
    /// control → master: outcome of a reload, for the log (status 0 ok; text).
    case reloaded = 10
    /// master → worker: stop accepting, finish what is in flight, then leave; `value` is the deadline in ms. Status 1: a successor serves
    /// already, so idle connections need not be closed at once.
    case drain = 11
    /// master → worker and control, on USR1, and to workers at start: new log descriptors [error log, access log].
    case logs = 12
    /// master → control: a worker came (status 0, `value` = pid) or died (status 1, `value` = wait status).
    case workerState = 13
    /// control → master: please shut down (status 0 graceful).
    case shutdown = 14
    /// worker → master → control: generation `value` of the plugin named by text was let go (status: 0 unmapped, 1 parked).
    case released = 15
    /// master → worker, after `start` and before a `prepare` that needs it: one listening socket; `value` = index in the
    /// listeners of the image with `revision`, text = its label. The worker accepts from it once that image is current.
    case listener = 16
    /// control → master → workers: generation `value` of the plugin named by text is to end: what it waits for is cancelled.
    case cancelGeneration = 17
    /// master → control: entry `value` of the ring of crashes (SluiceShared) is new; `worker` says whose.
    case crashed = 20
    /// control → master: replace every worker by a successor, one after the other.
    case recycle = 21

    /// How many descriptors a frame of this kind carries.
    public var descriptorCount: ClosedRange<Int> {
        switch self {
        case .prepare, .listener: 1...1
        case .welcome, .start: 2...2
        case .logs: 1...2  // without an access log only the error log
        default: 0...0
        }
    }
}

/// Fixed part of a frame, as it stands in the datagram; text (UTF-8, at most `Frame.textMax` bytes) follows.
@frozen public struct FrameHeader {
    public var kind: UInt32 = 0
    public var worker: UInt32 = .max
    public var revision: UInt64 = 0
    public var value: UInt64 = 0
    public var status: Int32 = 0
    public var textCount: UInt32 = 0
    public init() {}
}

public struct Frame: Sendable {
    /// `status` of a `prepare` to a worker.
    public static let imageIsChecked: Int32 = 1
    public var kind: FrameKind
    public var worker: UInt32 = .max
    public var revision: UInt64 = 0
    public var value: UInt64 = 0
    public var status: Int32 = 0
    public var text: String = ""
    /// Descriptors that travel along. A received frame owns its descriptors: the reader closes them.
    public var descriptors: [Int32] = []

    public init(
        _ kind: FrameKind, worker: UInt32 = .max, revision: UInt64 = 0, value: UInt64 = 0, status: Int32 = 0, text: String = "",
        descriptors: [Int32] = []
    ) {
        self.kind = kind
        self.worker = worker
        self.revision = revision
        self.value = value
        self.status = status
        self.text = text
        self.descriptors = descriptors
    }
    /// Most bytes of text; a longer text is cut when it is sent.
    public static let textMax = 4096
    /// Most descriptors of any kind of frame.
    public static let descriptorsMax = 2

    /// Closes what the frame carries: for a reader that has no use for it.
    public func closeDescriptors() { for fd in descriptors { Descriptor.close(fd) } }
}
