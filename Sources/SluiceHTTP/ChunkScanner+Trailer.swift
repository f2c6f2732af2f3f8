// Trailer fields (RFC 9110 section 6.5, RFC 9112 section 7.1.2): checked like head fields, and refused where they would
// frame, route, authenticate or re-describe a message whose head has long been acted on.
import SluiceBytes

extension ChunkScanner {
    /// One byte of the trailer section: 0, or a negative status.
    mutating func trailer(_ c: UInt8) -> Int {
        trailerBytes &+= 1
        if trailerBytes > HTTPLimits.trailerBytesMax { return -431 }
        switch state {
        case State.lineStart:
            if c == 0x0d {
                state = State.finalLF
                return 0
            }
            nameHash = ChunkScanner.hashStart
            nameLength = 0
            state = State.name
            return nameByte(c)
        case State.name:
            if c != 0x3a { return nameByte(c) }
            if nameLength == 0 || ChunkScanner.isForbidden(length: nameLength, hash: nameHash) { return -400 }
            state = State.value
        case State.value:
            if c == 0x0d {
                state = State.valueLF
            } else if (c < 0x20 && c != 9) || c == 0x7f {
                return -400
            }
        case State.valueLF:
            if c != 0x0a { return -400 }
            state = State.lineStart
        default:  // finalLF
            if c != 0x0a { return -400 }
            state = State.done
        }
        return 0
    }

    private mutating func nameByte(_ c: UInt8) -> Int {
        if !Syntax.isTokenByte(c) { return -400 }
        nameHash = ChunkScanner.hash(nameHash, c)
        if nameLength < 255 { nameLength &+= 1 }
        return 0
    }

    static var hashStart: UInt64 { 0xcbf2_9ce4_8422_2325 }
    static func hash(_ h: UInt64, _ c: UInt8) -> UInt64 { (h ^ UInt64(ASCII.lower(c))) &* 0x100_0000_01b3 }

    /// A hash stands for the name, which may have come in pieces; a harmless name that collides on purpose is refused.
    static func isForbidden(length: UInt8, hash: UInt64) -> Bool {
        func matches(_ name: StaticString) -> Bool {
            var h = hashStart
            for i in 0..<Int(length) { h = ChunkScanner.hash(h, name.utf8Start[i]) }
            return h == hash
        }
        switch length {
        case 2: return matches("te")
        case 3: return matches("via")
        case 4: return matches("host")
        case 5: return matches("range")
        case 6: return matches("expect") || matches("cookie")
        case 7: return matches("trailer") || matches("upgrade")
        case 9: return matches("forwarded")
        case 10: return matches("connection") || matches("set-cookie") || matches("keep-alive")
        case 12: return matches("content-type") || matches("max-forwards")
        case 13: return matches("authorization") || matches("content-range") || matches("cache-control")
        case 14: return matches("content-length")
        case 15: return matches("x-forwarded-for")
        case 16:
            return matches("content-encoding") || matches("proxy-connection") || matches("x-forwarded-host") || matches("x-forwarded-port")
        case 17: return matches("transfer-encoding") || matches("x-forwarded-proto")
        case 19: return matches("proxy-authorization")
        default: return false
        }
    }
}
