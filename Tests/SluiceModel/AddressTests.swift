// Addresses, IP addresses and networks: what is accepted, what it becomes, and what a refusal says.
import SluiceModel
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("1.2.3.4:80", "1.2.3.4", 80), ("[::1]:8080", "::1", 8080), ("[2001:DB8:0:0:1::1]:65535", "2001:db8::1:0:0:1", 65535),
        ("0.0.0.0:1", "0.0.0.0", 1),
    ])
    func ip(text: String, ip: String, port: UInt16) throws {
        let a = try Address(text)
        #expect(a.port == port)
        #expect(a.description == text)
        guard case .ip(let value) = a.host else {
            Issue.record("\(a.host)")
            return
        }
        #expect(value.description == ip)
    }

    @Test func otherForms() throws {
        #expect(try Address("*:80").host == .any)
        #expect(try Address("unix:/run/a.sock").host == .unix("/run/a.sock"))
        #expect(try Address("unix:/run/a.sock").port == 0)
        #expect(try Address("unix:/a:80").host == .unix("/a:80"))
        #expect(try Address("api.example.com:80").host == .name("api.example.com"))
        #expect(try Address("a_b-c.:80").host == .name("a_b-c."))
    }

    @Test(arguments: [
        ("", "no port"), ("127.0.0.1", "no port"), ("[::1]", "no port"), ("1.2.3.4:0", "port"), ("1.2.3.4:65536", "port"),
        ("1.2.3.4:x", "port"),
        ("1.2.3.4:", "port"), ("1.2.3.4:+80", "port"), ("::1:80", "brackets"), ("[1.2.3.4]:80", "IPv6"), ("[::1%eth0]:80", "IPv6"),
        ("1.2.3:80", "IPv4"),
        ("300.1.1.1:80", "IPv4"), ("01.2.3.4:80", "IPv4"), ("a..b:80", "name"), (":80", "name"), ("a b:80", "name"), ("ü:80", "name"),
        ("unix:", "empty"),
        ("unix:/\0", "NUL"),
    ])
    func refused(text: String, why: String) {
        let error = #expect(throws: AddressError.self) { try Address(text) }
        #expect(error?.reason.contains(why) == true, "\(error?.reason ?? "-")")
        #expect(error?.description.contains(Address.forms) == true)
    }

    @Test func unixPathLength() throws {
        #expect(try Address("unix:" + String(repeating: "a", count: 107)).port == 0)
        #expect(throws: AddressError.self) { try Address("unix:" + String(repeating: "a", count: 108)) }
    }

    @Test func labelLengths() {
        #expect(Address.isName(String(repeating: "a", count: 63)))
        #expect(!Address.isName(String(repeating: "a", count: 64)))
        let long = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".")
        #expect(Address.isName(long + ".aaa"))  // 253 bytes
        #expect(!Address.isName(long + ".aaaa"))
    }
}

@Suite struct IPAddressTests {
    /// Text, canonical text (RFC 5952).
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("fe80::1:2", "fe80::1:2"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0DB8::0:0:1", "2001:db8::1"), ("0:0:1:0:0:0:1:0", "0:0:1::1:0"), ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
        ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"),
        ("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"),
    ])
    func canonical(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", "::1::", "1:", ":1", "12345::", "g::", "::1.2.3",
        "1.2.3.4::", "1.2.3.4.5",
        "1.2.3.256", "1.2.3.04", "1..2.3", " 1.2.3.4", "::ffff:1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func refused(text: String) { #expect(IPAddress(text) == nil) }

    @Test func bytes() {
        #expect(IPAddress("1.2.3.4")?.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4])
        #expect(IPAddress("102:304:506:708:90a:b0c:d0e:f10")?.bytes == Array(1...16))
    }

    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8", 104), ("1.2.3.4", "1.2.3.4/32", 128), ("0.0.0.0/0", "0.0.0.0/0", 96),
        ("2001:db8::1/32", "2001:db8::/32", 32),
        ("::1", "::1/128", 128), ("::/0", "::/0", 0), ("ffff::1/65", "ffff::/65", 65), ("192.168.255.255/17", "192.168.128.0/17", 113),
    ])
    func network(text: String, canonical: String, mapped: Int) {
        #expect(IPNetwork(text)?.description == canonical)
        #expect(IPNetwork(text)?.mappedPrefixBits == mapped)
    }

    @Test(arguments: ["", "/8", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4/8/8", "1.2.3.4/-1", "host/8"])
    func networkRefused(text: String) { #expect(IPNetwork(text) == nil) }
}
