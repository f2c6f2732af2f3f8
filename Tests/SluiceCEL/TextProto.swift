// A reader of protocol buffers' text format, as much as the conformance files of CEL need: fields, messages, scalars, lists, comments.

enum ProtoValue {
    case scalar(String, isQuoted: Bool)
    /// A quoted text that is no UTF-8.
    case bytes([UInt8])
    case message(TextProto)
}

struct ProtoField {
    let name: String
    let value: ProtoValue
}

final class TextProto {
    var fields: [ProtoField] = []

    func all(_ name: String) -> [ProtoValue] { fields.filter { $0.name == name }.map(\.value) }
    func message(_ name: String) -> TextProto? { messages(name).first }
    func messages(_ name: String) -> [TextProto] {
        all(name).compactMap { if case .message(let m) = $0 { m } else { nil } }
    }
    func text(_ name: String) -> String? {
        switch all(name).first {
        case .scalar(let s, _): s
        case .bytes(let b): String(decoding: b, as: UTF8.self)
        default: nil
        }
    }
    func bytes(_ name: String) -> [UInt8]? {
        switch all(name).first {
        case .scalar(let s, _): Array(s.utf8)
        case .bytes(let b): b
        default: nil
        }
    }

    struct Malformed: Error { let at: Int }

    static func read(_ text: [UInt8]) throws -> TextProto {
        var reader = Reader(bytes: text)
        let all = try reader.fields()
        if reader.at < text.count { throw Malformed(at: reader.at) }
        return all
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        func peek() -> UInt8? { at < bytes.count ? bytes[at] : nil }
        mutating func space() {
            while let c = peek() {
                if c == 0x23 {
                    while let d = peek(), d != 0x0a { at += 1 }
                } else if c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 || c == 0x2c || c == 0x3b {
                    at += 1
                } else {
                    return
                }
            }
        }
        mutating func word() throws -> String {
            let from = at
            if peek() == 0x5b {  // [type.googleapis.com/…]
                while let c = peek(), c != 0x5d { at += 1 }
                at += 1
                return String(decoding: bytes[from..<min(at, bytes.count)], as: UTF8.self)
            }
            while let c = peek(),
                c == 0x5f || c == 0x2e || c == 0x2d || c == 0x2b || (0x30...0x39).contains(c) || (0x41...0x5a).contains(c & ~0x20)
            { at += 1 }
            if from == at { throw Malformed(at: at) }
            return String(decoding: bytes[from..<at], as: UTF8.self)
        }
        mutating func fields() throws -> TextProto {
            let out = TextProto()
            space()
            while let c = peek(), c != 0x7d {
                let name = try word()
                space()
                if peek() == 0x3a {
                    at += 1
                    space()
                }
                if peek() == 0x5b {
                    at += 1
                    space()
                    while let c = peek(), c != 0x5d {
                        out.fields.append(ProtoField(name: name, value: try value()))
                        space()
                    }
                    at += 1
                } else {
                    out.fields.append(ProtoField(name: name, value: try value()))
                }
                space()
            }
            return out
        }
        mutating func value() throws -> ProtoValue {
            switch peek() {
            case 0x7b:
                at += 1
                let m = try fields()
                guard peek() == 0x7d else { throw Malformed(at: at) }
                at += 1
                return .message(m)
            case 0x22, 0x27:
                var all: [UInt8] = []
                while let c = peek(), c == 0x22 || c == 0x27 {
                    all += try quoted(c)
                    space()
                }
                let s = String(decoding: all, as: UTF8.self)
                return Array(s.utf8) == all ? .scalar(s, isQuoted: true) : .bytes(all)
            default: return .scalar(try word(), isQuoted: false)
            }
        }
        mutating func quoted(_ quote: UInt8) throws -> [UInt8] {
            var out: [UInt8] = []
            at += 1
            while let c = peek(), c != quote {
                at += 1
                if c == 0x5c { try escape(&out) } else { out.append(c) }
            }
            if peek() == nil { throw Malformed(at: at) }
            at += 1
            return out
        }
        mutating func escape(_ out: inout [UInt8]) throws {
            guard let c = peek() else { throw Malformed(at: at) }
            at += 1
            let simple: [UInt8: UInt8] = [0x61: 7, 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9, 0x76: 11]
            if let s = simple[c] {
                out.append(s)
            } else if c == 0x78 || c == 0x58 {
                out.append(UInt8(truncatingIfNeeded: number(2, 16)))
            } else if (0x30...0x37).contains(c) {
                at -= 1
                out.append(UInt8(truncatingIfNeeded: number(3, 8)))
            } else if c == 0x75 || c == 0x55 {
                let n = number(c == 0x75 ? 4 : 8, 16)
                out += Array(String(UnicodeScalar(UInt32(n)) ?? "?").utf8)
            } else {
                out.append(c)
            }
        }
        mutating func number(_ most: Int, _ radix: Int) -> Int {
            var n = 0, digits = 0
            while digits < most, let c = peek(), let d = Character(UnicodeScalar(c)).hexDigitValue, d < radix {
                n = n * radix + d
                digits += 1
                at += 1
            }
            return n
        }
    }
}
