// Addresses of target names by getaddrinfo, asked once for each name while a file is read. Blocking; never on a task's thread.
import Foundation
import SluiceModel
import Synchronization

final class NameResolver: Sendable {
    /// sockaddr bytes, best first; or why there are none.
    enum Answer: Sendable { case addresses([[UInt8]]), problem(String) }
    private let known = Mutex<[String: Answer]>([:])

    /// `text` is "name:port".
    func answer(_ text: String) -> Answer {
        if let answer = known.withLock({ $0[text] }) { return answer }
        let answer = Self.lookUp(text)
        known.withLock { $0[text] = answer }
        return answer
    }

    /// The next file asks anew.
    func forget() { known.withLock { $0.removeAll() } }

    func problem(_ text: String) -> String? {
        if case .problem(let why) = answer(text) { return why }
        return nil
    }

    private static func lookUp(_ text: String) -> Answer {
        guard let address = Address(checking: text), case .name(let name) = address.host else {
            return .problem("\(quote(text)) is no host name with a port")
        }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, String(address.port), &hints, &list)
        guard code == 0 else {
            return .problem(
                "no address for the name \(quote(name)): \(String(cString: gai_strerror(code))); allowed: a name that resolves "
                    + "when the file is read, or an address"
            )
        }
        defer { freeaddrinfo(list) }
        var out: [[UInt8]] = []
        var entry = list
        while let each = entry?.pointee, out.count < 64 {
            if each.ai_family == AF_INET || each.ai_family == AF_INET6, let address = each.ai_addr {
                let bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(each.ai_addrlen)))
                if !out.contains(bytes) { out.append(bytes) }
            }
            entry = each.ai_next
        }
        return out.isEmpty ? .problem("no IPv4 or IPv6 address for the name \(quote(name))") : .addresses(out)
    }
}
