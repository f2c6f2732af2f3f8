// One http request of a plugin's own, from its URL to the gathered answer. It is no part of any client's request, so it may allocate; the
// bytes are judged by SluiceHTTP as upstreams' are. Moved on by the board, entry of kind `exchange`.
//
//   idle ─► [resolving] ─► connecting ─► sending ─► head ─► body ─► done       a kept connection starts at sending; when it is
//             names only                    ▲───────────────┘                  broken before the first byte, once anew
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceHTTP
import SluiceLoop
import SluiceModel
import SluiceSystem

final class HTTPExchange {
    enum State { case idle, resolving, connecting, sending, head, body, done }
    enum Framing { case none, length(Int), chunked, untilClose }

    let board: TaskBoard
    let owner: Owner
    let text: HTTPRequestText
    private let bodyMax: Int
    private let deadlineMs: UInt64
    /// The board's entry while it is under way.
    private(set) var entry: BoardEntry.Ref?
    private(set) var state = State.idle
    /// How it ended; valid once `done`.
    private(set) var status: Int32 = 0
    /// On the worker, or the fiber's entry that waits.
    var done: sluice_http_done?
    var data: UnsafeMutableRawPointer?
    var waiter: BoardEntry.Ref?

    private var fd: Int32 = -1
    private var isReused = false
    private var lookup: Lookup?
    private var addresses: [SocketAddress] = []
    private var sent = 0
    // the answer
    private let head = UnsafeMutablePointer<MessageHead>.allocate(capacity: 1)
    private let buffer: UnsafeMutablePointer<UInt8>
    private let fields: UnsafeMutablePointer<HeaderField>
    private var filled = 0
    private var framing = Framing.none
    private var chunks = ChunkScanner()
    private var body: [UInt8] = []
    private var headers: [sluice_header] = []
    private static let room = Limits.clientHeadBytesMax, fieldsMax = 128

    init(_ board: TaskBoard, _ owner: Owner, _ text: HTTPRequestText, _ entry: BoardEntry.Ref) {
        (self.board, self.owner, self.text, self.entry) = (board, owner, text, entry)
        bodyMax = text.bodyMax
        deadlineMs = board.clockMs + UInt64(text.timeoutMs)
        head.initialize(to: MessageHead())
        buffer = .allocate(capacity: HTTPExchange.room + 128)  // the parser reads up to 64 bytes past the end
        buffer.initialize(repeating: 0, count: HTTPExchange.room + 128)
        fields = .allocate(capacity: HTTPExchange.fieldsMax)
    }
    deinit {
        closeConnection()
        head.deallocate()
        buffer.deallocate()
        fields.deallocate()
    }

    // MARK: moving on

    func goOn(_ e: BoardEntry.Ref, _ status: Int32) {
        if status == Status.timedOut { return finish(status) }
        while step() {}
    }

    /// One step; false: it waits, or has ended.
    private func step() -> Bool {
        switch state {
        case .idle: return find()
        case .resolving:
            guard let lookup, lookup.isDone else { return wait(nil) }
            addresses = lookup.addresses.reversed()
            return connect()
        case .connecting:
            if Socket.connectError(fd) != 0 {
                closeConnection()
                return connect()
            }
            state = .sending
            return true
        case .sending: return send()
        case .head: return readHead()
        case .body: return readBody()
        case .done: return false
        }
    }

    private func find() -> Bool {
        if let kept = board.clients.take(text.key) {
            (fd, isReused, state) = (kept, true, .sending)
            return true
        }
        return findAddress()
    }

    private func findAddress() -> Bool {
        switch text.place {
        case .address(let a):
            addresses = [a]
            return connect()
        case .name(let name, let port):
            let asked = name.withCString {
                board.find(ByteView(UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self), name.utf8.count), port)
            }
            guard let asked else { return fail() }
            lookup = asked
            state = .resolving
            if asked.isDone { return true }
            asked.whenDone = { [unowned self] in if let e = entry { board.complete(e, Status.ok) } }
            return wait(nil)
        }
    }

    /// To the next address.
    private func connect() -> Bool {
        guard let a = addresses.popLast() else { return fail() }
        let (new, status) = a.connect()
        if new < 0 { return !addresses.isEmpty ? connect() : fail() }
        (fd, isReused) = (new, false)
        state = status == 0 ? .sending : .connecting
        return status == 0 ? true : wait(UInt32(SLUICE_WRITABLE))
    }

    private func send() -> Bool {
        while sent < text.bytes.count {
            let n = text.bytes.withUnsafeBytes { Socket.send(fd, $0.baseAddress! + sent, $0.count - sent) }
            if n == -Int(EAGAIN) { return wait(UInt32(SLUICE_WRITABLE)) }
            if n < 0 { return again() }
            sent += n
        }
        state = .head
        return true
    }

    private func readHead() -> Bool {
        let n = Socket.receive(fd, buffer + filled, HTTPExchange.room - filled)
        if n == -Int(EAGAIN) { return wait(UInt32(SLUICE_READABLE)) }
        if n <= 0 { return filled == 0 ? again() : fail() }
        filled += n
        let limits = HeadLimits(fieldsMax: HTTPExchange.fieldsMax, targetBytesMax: 0, headBytesMax: HTTPExchange.room)
        while true {
            let length = HeadParser.response(buffer, count: filled, head: head, fields: fields, limits: limits)
            if length < 0 { return fail() }
            if length == 0 { return filled < HTTPExchange.room ? true : fail() }
            if head.pointee.status == 101 { return fail() }
            if head.pointee.status >= 200 { return startBody(length) }
            memmove(buffer, buffer + length, filled - length)  // 1xx: the answer is still to come
            filled -= length
        }
    }

    private func startBody(_ length: Int) -> Bool {
        let h = head.pointee
        if text.isHead || h.status == 204 || h.status == 304 {
            framing = .none
        } else if h.flags & MessageHead.chunked != 0 {
            framing = .chunked
        } else if h.contentLength >= 0 {
            if h.contentLength > Int64(bodyMax) { return fail(Status.limit) }
            framing = .length(Int(h.contentLength))
        } else {
            framing = .untilClose
        }
        var cursor = 0
        let map = HeaderMap(buffer: buffer, fields: fields, fieldCount: Int(h.fieldCount))
        while let (name, value) = map.next(&cursor) { headers.append(sluice_header(name: name.view, value: value.view)) }
        state = .body
        return take(UnsafePointer(buffer) + length, filled - length)
    }

    private func readBody() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { room in
            let n = Socket.receive(fd, room.baseAddress!, room.count)
            if n == -Int(EAGAIN) { return wait(UInt32(SLUICE_READABLE)) }
            if n < 0 { return fail() }
            if n == 0 {
                if case .untilClose = framing { return succeed(keeps: false) }
                return fail()
            }
            return take(UnsafePointer(room.baseAddress!.assumingMemoryBound(to: UInt8.self)), n)
        }
    }

    /// Bytes behind the head. True: more are needed.
    private func take(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
        switch framing {
        case .none: return succeed(keeps: n == 0)
        case .length(let all):
            let mine = min(n, all - body.count)
            body.append(contentsOf: UnsafeBufferPointer(start: p, count: mine))
            return body.count < all ? true : succeed(keeps: mine == n)
        case .untilClose:
            if body.count + n > bodyMax { return fail(Status.limit) }
            body.append(contentsOf: UnsafeBufferPointer(start: p, count: n))
            return true
        case .chunked:
            var at = 0
            while at < n && !chunks.isDone {
                var content = ByteView.empty
                let used = chunks.decode(p + at, n - at, content: &content)
                if used < 0 { return fail() }
                if body.count + content.count > bodyMax { return fail(Status.limit) }
                body.append(contentsOf: UnsafeBufferPointer(start: content.start, count: content.count))
                at += used
            }
            return chunks.isDone ? succeed(keeps: at == n) : true
        }
    }

    // MARK: waiting and ending

    private func wait(_ events: UInt32?) -> Bool {
        guard let e = entry else { return false }
        if let events, board.watch(e, fd, events) < 0 { return fail() }
        let now = board.clockMs
        board.arm(e, afterMs: UInt32(truncatingIfNeeded: deadlineMs > now ? deadlineMs - now : 1), status: Status.timedOut)
        return false
    }

    /// The connection broke before a byte of the answer came: a kept one may have been closed meanwhile, then once more on a new one.
    private func again() -> Bool {
        guard isReused && text.isIdempotent else { return fail() }
        closeConnection()
        (sent, filled) = (0, 0)
        return findAddress()
    }

    private func fail(_ status: Int32 = Status.failed) -> Bool {
        finish(status)
        return false
    }
    private func succeed(keeps: Bool) -> Bool {
        if let e = entry { board.stopWaiting(e) }
        if keeps && head.pointee.isPersistent {
            board.clients.give(text.key, fd, board.nowMs)
            fd = -1
        }
        finish(Status.ok)
        return false
    }

    /// Ends it and tells whoever asked. Nothing happens the second time.
    func finish(_ status: Int32) {
        guard state != .done, let e = entry else { return }
        abandon()
        self.status = status
        let keep = self  // the entry holds it
        board.release(e)
        if let done = keep.done {
            board.call(owner) {
                if status < 0 { return done(data, status, nil) }
                var response = sluice_http_response()
                fill(&response, UInt32(MemoryLayout<sluice_http_response>.size))
                done(data, status, &response)
            }
        } else if let w = waiter {
            waiter = nil
            board.complete(w, status)
        }
    }

    /// Ends it silently; the caller releases the entry.
    func abandon() {
        lookup?.whenDone = nil
        if let e = entry { board.stopWaiting(e) }
        closeConnection()
        state = .done
        entry = nil
    }

    private func closeConnection() {
        if fd >= 0 {
            if let e = entry { board.stopWaiting(e) }
            Socket.close(fd)
        }
        fd = -1
    }

    /// The answer as views, valid while the exchange lives. `size` bytes of `out` are the caller's.
    func fill(_ out: UnsafeMutablePointer<sluice_http_response>, _ size: UInt32) {
        var whole = sluice_http_response()
        whole.size = size
        whole.status = UInt32(head.pointee.status)
        whole.headers = headers.withUnsafeBufferPointer { UnsafePointer($0.baseAddress) }  // never changed any more
        whole.header_count = UInt32(headers.count)
        whole.body = body.withUnsafeBufferPointer { sluice_view(data: $0.baseAddress, size: UInt64($0.count)) }
        withUnsafeBytes(of: &whole) {
            UnsafeMutableRawPointer(out).copyMemory(from: $0.baseAddress!, byteCount: min(Int(size), $0.count))
        }
    }
}
