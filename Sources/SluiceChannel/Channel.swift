// One end of a SOCK_SEQPACKET pair: whole frames go in, whole frames and their descriptors come out. What arrives is not
// trusted: every length, kind and descriptor count is checked, and an error names what was wrong. No queue lives here.
// Frames and who says what to whom are in `Frame.swift`.
import SluiceSystem

public enum ChannelError: Error, Equatable, CustomStringConvertible {
    /// The other process is gone or closed its end.
    case closed
    /// The peer does not read and the socket's buffer is full (only on a non-blocking end).
    case wouldBlock
    /// The peer sent something that is no frame; the text says what. The datagram and its descriptors are dropped.
    case malformed(String)
    /// The frame to be sent breaks a rule.
    case unsendable(String)
    case system(SystemError)

    public var description: String {
        switch self {
        case .closed: "channel closed by the other process"
        case .wouldBlock: "channel full: the other process does not read"
        case .malformed(let what): "malformed frame: \(what)"
        case .unsendable(let what): "frame cannot be sent: \(what)"
        case .system(let e): e.description
        }
    }
}

/// What a look at the channel found.
public enum Received: Sendable {
    case frame(Frame)
    case nothing
    /// The peer is gone; nothing will come any more.
    case closed
}

/// A channel end. Copies share the descriptor; one of them calls `close`.
public struct Channel: Sendable {
    public let fd: Int32
    public init(fd: Int32) { self.fd = fd }

    /// Two connected ends, blocking and close-on-exec.
    public static func pair() throws(SystemError) -> (Int32, Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        try check("make a channel") {
            withUnsafeMutableBytes(of: &ends) {
                socketpair(AF_UNIX, Int32(CS_SOCK_SEQPACKET | CS_SOCK_CLOEXEC), 0, $0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
        }
        return ends
    }
    public func close() { Descriptor.close(fd) }

    /// Sends one frame; its descriptors stay open here and belong to the caller. Waits while the peer does not read,
    /// unless the end is non-blocking: then `ChannelError.wouldBlock`.
    public func send(_ frame: Frame) throws(ChannelError) {
        guard frame.kind.descriptorCount.contains(frame.descriptors.count) else {
            throw .unsendable("\(frame.kind) carries \(frame.kind.descriptorCount) descriptors, not \(frame.descriptors.count)")
        }
        let bytes = FrameCoding.encode(frame)
        let n = uninterrupted {
            bytes.withUnsafeBytes { cs_send_fds(fd, $0.baseAddress, $0.count, frame.descriptors, Int32(frame.descriptors.count)) }
        }
        if n == bytes.count { return }
        let e = Errno.current
        if n >= 0 { throw .unsendable("\(n) of \(bytes.count) bytes went out") }
        switch e {
        case .brokenPipe, .connectionReset, .notConnected: throw .closed
        case .wouldBlock: throw .wouldBlock
        default: throw .system(SystemError(e, "send a \(frame.kind) frame"))
        }
    }

    /// Waits for the next frame; nil when the peer is gone. The frame's descriptors belong to the caller.
    /// A `malformed` error costs only that datagram: the next call goes on behind it.
    public func receive() throws(ChannelError) -> Frame? {
        while true {
            switch try receiveAny() {
            case .frame(let f): return f
            case .closed: return nil
            case .nothing:  // a non-blocking end
                do throws(SystemError) { _ = try Poll.readable(fd, timeoutMs: -1) } catch { throw .system(error) }
            }
        }
    }

    /// The next frame when one is there; never waits, whether the end blocks or not.
    public func tryReceive() throws(ChannelError) -> Received {
        do throws(SystemError) {
            if try !Poll.readable(fd, timeoutMs: 0) { return .nothing }
        } catch { throw .system(error) }
        return try receiveAny()
    }

    /// Like `tryReceive`: nil when nothing is there, `ChannelError.closed` when the peer is gone.
    public func receiveNow() throws(ChannelError) -> Frame? {
        switch try tryReceive() {
        case .frame(let f): return f
        case .nothing: return nil
        case .closed: throw .closed
        }
    }

    func receiveAny() throws(ChannelError) -> Received {
        var descriptors: [Int32] = [-1, -1, -1, -1, -1, -1, -1, -1]
        var count = Int32(descriptors.count)
        var buffer = [UInt8](repeating: 0, count: FrameCoding.bytesMax)
        let n = uninterrupted {
            count = 8
            return buffer.withUnsafeMutableBytes { cs_recv_fds(fd, $0.baseAddress, $0.count, &descriptors, &count) }
        }
        if n == 0 { return .closed }
        if n < 0 {
            switch Errno.current {
            case .wouldBlock: return .nothing
            case .connectionReset, .brokenPipe, .notConnected: return .closed
            case .messageTooLong: throw .malformed("larger than \(FrameCoding.bytesMax) bytes, or more than 8 descriptors")
            case let e: throw .system(SystemError(e, "receive a frame"))
            }
        }
        let received = Array(descriptors[..<Int(count)])
        do throws(ChannelError) {
            return .frame(try FrameCoding.decode(buffer[..<n], received))
        } catch {
            for d in received { Descriptor.close(d) }
            throw error
        }
    }
}

/// Frames as bytes: `FrameHeader` in the machine's order, then the text.
enum FrameCoding {
    static let headerBytes = MemoryLayout<FrameHeader>.size
    static let bytesMax = headerBytes + Frame.textMax

    static func encode(_ frame: Frame) -> [UInt8] {
        var header = FrameHeader()
        let text = cut(frame.text)
        header.kind = frame.kind.rawValue
        header.worker = frame.worker
        header.revision = frame.revision
        header.value = frame.value
        header.status = frame.status
        header.textCount = UInt32(text.count)
        return withUnsafeBytes(of: header) { Array($0) } + text
    }

    /// At most `Frame.textMax` bytes, cut between two characters.
    static func cut(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8)
        if bytes.count <= Frame.textMax { return bytes }
        var end = Frame.textMax
        while end > 0 && bytes[end] & 0xc0 == 0x80 { end -= 1 }
        bytes.removeSubrange(end...)
        return bytes
    }

    static func decode(_ bytes: ArraySlice<UInt8>, _ descriptors: [Int32]) throws(ChannelError) -> Frame {
        guard bytes.count >= headerBytes else { throw .malformed("\(bytes.count) bytes, a header has \(headerBytes)") }
        let header = bytes.withUnsafeBytes { $0.loadUnaligned(as: FrameHeader.self) }
        guard let kind = FrameKind(rawValue: header.kind) else { throw .malformed("unknown kind \(header.kind)") }
        let text = bytes.dropFirst(headerBytes)
        guard text.count == Int(header.textCount) else {
            throw .malformed("\(kind) announces \(header.textCount) bytes of text and has \(text.count)")
        }
        guard kind.descriptorCount.contains(descriptors.count) else {
            throw .malformed("\(kind) with \(descriptors.count) descriptors, allowed \(kind.descriptorCount)")
        }
        return Frame(
            kind, worker: header.worker, revision: header.revision, value: header.value, status: header.status,
            text: String(decoding: text, as: UTF8.self), descriptors: descriptors)
    }
}
