// Addresses as sockaddr bytes (Linux layouts, written by hand so that this module needs no libc).
import SluiceModel

extension AddressRecord {
    /// Values of AF_UNIX, AF_INET and AF_INET6 on Linux.
    public static let familyUnix: UInt32 = 1
    public static let familyIPv4: UInt32 = 2
    public static let familyIPv6: UInt32 = 10

    /// nil when the address is a name. "*" becomes 0.0.0.0.
    public init?(_ address: Address) {
        switch address.host {
        case .ip(let ip): self.init(ip, port: address.port)
        case .any: self.init(IPAddress(ipv4: 0), port: address.port)
        case .unix(let path):
            self.init()
            begin(AddressRecord.familyUnix, length: 2 + path.utf8.count + 1)
            for (i, byte) in path.utf8.enumerated() { bytes[2 + i] = byte }
        case .name: return nil
        }
    }

    public init(_ ip: IPAddress, port: UInt16) {
        self.init()
        let bits = ip.bytes
        if ip.isIPv4 {
            begin(AddressRecord.familyIPv4, length: 16)
            for i in 0..<4 { bytes[4 + i] = bits[12 + i] }
        } else {
            begin(AddressRecord.familyIPv6, length: 28)
            for i in 0..<16 { bytes[8 + i] = bits[i] }
        }
        bytes[2] = UInt8(port >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: port)
    }

    /// A sockaddr that getaddrinfo or the like gave; nil when it is longer than a record holds or of another family.
    public init?(sockaddr: UnsafeRawPointer, length: Int) {
        self.init()
        if length < 2 || length > 112 { return nil }
        family = UInt32(sockaddr.loadUnaligned(as: UInt16.self))
        self.length = UInt32(length)
        for i in 0..<length { bytes[i] = sockaddr.load(fromByteOffset: i, as: UInt8.self) }
        if !isPlausible { return nil }
    }

    private mutating func begin(_ family: UInt32, length: Int) {
        self.family = family
        self.length = UInt32(length)
        bytes[0] = UInt8(family)
    }

    /// Family and length agree with each other and with the bytes.
    var isPlausible: Bool {
        if UInt32(bytes[0]) | UInt32(bytes[1]) << 8 != family { return false }
        switch family {
        case AddressRecord.familyUnix: return length > 3 && length <= 110
        case AddressRecord.familyIPv4: return length == 16
        case AddressRecord.familyIPv6: return length == 28
        default: return false
        }
    }

    /// The IP address and port inside; nil for a Unix socket.
    public var ip: (IPAddress, port: UInt16)? {
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        let word = { (from: Int, n: Int) in (from..<from + n).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) } }
        if family == AddressRecord.familyIPv4 { return (IPAddress(ipv4: UInt32(word(4, 4))), port) }
        if family == AddressRecord.familyIPv6 { return (IPAddress(high: word(8, 8), low: word(16, 8)), port) }
        return nil
    }
}
