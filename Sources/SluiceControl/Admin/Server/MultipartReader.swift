// multipart/form-data (RFC 7578) piece by piece: bytes go in as they come, heads of parts and their content come out. Pure; it
// keeps at most one part's head, or as many bytes as a boundary has.
import SluiceModel

struct MultipartReader {
    enum Event: Equatable {
        /// A part begins: its name, and the file name if it has one.
        case part(name: String, file: String?)
        case content([UInt8])
        case end
    }
    struct Problem: Error, Equatable { var text: String }
    private enum State { case preamble, delimiterEnd, head, content, done }

    /// CRLF, two dashes and the boundary.
    private let delimiter: [UInt8]
    private var state = State.preamble
    /// The preamble may start with the first delimiter: a CRLF before it is imagined.
    private var pending: [UInt8] = [13, 10]
    private var parts = 0

    /// - Returns: nil when the content type names no boundary of 1 to 70 characters.
    init?(contentType: String) {
        var boundary: String?
        for parameter in contentType.split(separator: ";").dropFirst() {
            let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix { $0 == " " } }
            if pair.count == 2, pair[0].lowercased() == "boundary" { boundary = Self.unquoted(String(pair[1])) }
        }
        guard let boundary, (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        delimiter = [13, 10, 45, 45] + Array(boundary.utf8)
    }

    var isDone: Bool { state == .done }

    mutating func take(_ bytes: some Sequence<UInt8>) throws(Problem) -> [Event] {
        pending += bytes
        var out: [Event] = []
        while try step(&out) {}
        return out
    }

    /// False when more bytes are needed.
    private mutating func step(_ out: inout [Event]) throws(Problem) -> Bool {
        switch state {
        case .preamble, .content:
            let found = search()
            // What may be the beginning of a delimiter stays.
            let sure = found ?? max(0, pending.count - delimiter.count + 1)
            if state == .content, sure > 0 { out.append(.content(Array(pending[..<sure]))) }
            if state == .preamble, found == nil, sure > Limits.uploadHeadBytesMax {
                throw Problem(text: "no part begins within \(sure) bytes")
            }
            guard found != nil else {
                if state == .content { pending.removeFirst(sure) }
                return false
            }
            if state == .content { out.append(.end) }
            pending.removeFirst(sure + delimiter.count)
            state = .delimiterEnd
            return true
        case .delimiterEnd:
            guard pending.count >= 2 else { return false }
            if pending[0] == 45, pending[1] == 45 {
                state = .done
                return false
            }
            guard pending[0] == 13, pending[1] == 10 else { throw Problem(text: "something follows a boundary on its line") }
            pending.removeFirst(2)
            parts += 1
            guard parts <= Limits.uploadPartsMax else { throw Problem(text: "more than \(Limits.uploadPartsMax) parts") }
            state = .head
            return true
        case .head:
            guard let end = Self.find([13, 10, 13, 10], in: pending, from: 0) else {
                if pending.count > Limits.uploadHeadBytesMax {
                    throw Problem(text: "a part's head of more than \(Limits.uploadHeadBytesMax) bytes")
                }
                return false
            }
            out.append(try Self.part(String(decoding: pending[..<end], as: UTF8.self)))
            pending.removeFirst(end + 4)
            // The content may be empty: its end is then at once.
            state = .content
            return true
        case .done:
            pending = []
            return false
        }
    }

    private func search() -> Int? { Self.find(delimiter, in: pending, from: 0) }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return bytes.withUnsafeBufferPointer { all in
            var at = start
            let last = all.count - needle.count
            while at <= last {
                guard let next = all[at...last].firstIndex(of: needle[0]) else { return nil }
                if needle.indices.allSatisfy({ all[next + $0] == needle[$0] }) { return next }
                at = next + 1
            }
            return nil
        }
    }

    private static func part(_ head: String) throws(Problem) -> Event {
        for line in head.split(separator: "\r\n") {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2, pair[0].lowercased() == "content-disposition" else { continue }
            var name: String?, file: String?
            for parameter in pair[1].split(separator: ";").dropFirst() {
                let words = parameter.split(separator: "=", maxSplits: 1).map { String($0.trimmingPrefix { $0 == " " }) }
                guard words.count == 2 else { continue }
                if words[0] == "name" { name = unquoted(words[1]) }
                if words[0] == "filename" { file = unquoted(words[1]) }
            }
            if let name, !name.isEmpty { return .part(name: name, file: file) }
        }
        throw Problem(text: "a part without a name in its Content-Disposition")
    }

    private static func unquoted(_ text: String) -> String {
        text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"") ? String(text.dropFirst().dropLast()) : text
    }
}
