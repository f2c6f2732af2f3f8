// "sluice.http-client/1": http requests of a plugin's own, on a fiber or with a callback.
import CSluiceABI
import SluiceModel

extension HostTables {
    nonisolated(unsafe) static let httpClient = make(
        sluice_http_client_v1(
            size: UInt32(MemoryLayout<sluice_http_client_v1>.size), reserved: 0,
            request: { host, request, response in
                guard let w = FiberWait(host) else { return refused(host, true) }
                guard let response, let text = HTTPRequestText(request) else { return Status.invalid }
                return w.exchange(text, response)
            },
            start: { host, request, done, data, task in
                onWorker(host) { owner in
                    guard let done, let text = HTTPRequestText(request) else { return Status.invalid }
                    guard let x = owner.board.startExchange(owner, text) else { return owner.board.refusal(owner) }
                    (x.done, x.data) = (done, data)
                    if let e = x.entry { task?.pointee = e.pointee.id }
                    return Status.ok
                }
            }))
}

extension TaskBoard {
    /// Begins in the next turn; nil: the plugin may have no more.
    func startExchange(_ owner: Owner, _ text: HTTPRequestText) -> HTTPExchange? {
        guard let e = take(.exchange, .socket, owner) else { return nil }
        let x = HTTPExchange(self, owner, text, e)
        e.pointee.exchange = Unmanaged.passRetained(x)
        complete(e, Status.ok)
        return x
    }
}

extension FiberWait {
    /// Asks and parks until the answer is there.
    func exchange(_ text: HTTPRequestText, _ response: UnsafeMutablePointer<sluice_http_response>) -> Int32 {
        if fiber.pointee.isCancelled { return Status.canceled }
        guard let e = board.waiter(fiber), let x = board.startExchange(owner, text) else {
            return board.refusal(owner) == Status.gone ? Status.canceled : Status.limit
        }
        x.waiter = e
        e.pointee.exchange?.release()  // the answer before this one
        e.pointee.exchange = Unmanaged.passRetained(x)  // its views are the hook's until the next request
        let status = board.leave(fiber, e, .call)
        if let under = x.entry {  // cancelled
            x.abandon()
            board.release(under)
        }
        if status == Status.ok { x.fill(response, response.pointee.size) }
        return status
    }
}
