// Address sets: membership against the plain question of every network, merging, and bytes that are no set.
import SluiceBytes
import SluiceModel
import Testing

@testable import SluiceCEL

private func withSet<T>(_ bytes: [UInt8], _ body: (AddressSetView) -> T) -> T {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { memory.deallocate() }
    memory.copyMemory(from: bytes, byteCount: bytes.count)
    return body(AddressSetView(base: memory, count: bytes.count))
}
private func contains(_ networks: [IPNetwork], _ a: IPAddress) -> Bool {
    networks.contains { n in
        let bits = n.mappedPrefixBits
        let high = bits >= 64 ? UInt64.max : bits == 0 ? 0 : ~(UInt64.max >> UInt64(bits))
        let low = bits <= 64 ? 0 : bits == 128 ? UInt64.max : ~(UInt64.max >> UInt64(bits - 64))
        return n.address.high & high == a.high & high && n.address.low & low == a.low & low
    }
}

@Test func anAddressSetAgreesWithItsNetworks() throws {
    var random = Generator(state: 77)
    for round in 0..<60 {
        var networks: [IPNetwork] = []
        for _ in 0..<(round * 7) {
            let text: String
            if Bool.random(using: &random) {
                text =
                    "\(IPAddress(ipv4: UInt32.random(in: 0x0a000000...0x0a03ffff, using: &random)))/\(Int.random(in: 14...32, using: &random))"
            } else {
                let a = IPAddress(high: 0x2001_0db8_0000_0000 | UInt64.random(in: 0...15, using: &random), low: random.next())
                text = "\(a)/\(Int.random(in: 58...128, using: &random))"
            }
            networks.append(try #require(IPNetwork(text)))
        }
        withSet(AddressSetBuilder.bytes(networks)) { set in
            #expect(set.check())
            for k in 0..<400 {
                var a = IPAddress(ipv4: UInt32.random(in: 0x09ffff00...0x0a0400ff, using: &random))
                if k & 1 == 1 { a = IPAddress(high: 0x2001_0db8_0000_0000 | UInt64.random(in: 0...16, using: &random), low: random.next()) }
                if k & 7 == 2, let n = networks.randomElement(using: &random) { a = n.address }
                #expect(set.contains(high: a.high, low: a.low) == contains(networks, a), "\(a) in \(networks)")
            }
        }
    }
}

@Test(arguments: [
    (["0.0.0.0/0"], "255.255.255.255", true), (["0.0.0.0/0"], "::1", false), (["::/0"], "10.0.0.1", true), ([], "10.0.0.1", false),
    (["10.0.0.0/9", "10.128.0.0/9"], "10.200.0.1", true), (["255.255.255.255/32"], "255.255.255.255", true),
    (["ffff::/16"], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true), (["10.0.0.0/8"], "11.0.0.0", false),
])
func edgesOfAddressSets(_ networks: [String], _ address: String, _ isIn: Bool) throws {
    let a = try #require(IPAddress(address))
    withSet(AddressSetBuilder.bytes(networks.map { IPNetwork($0)! })) {
        #expect($0.check())
        #expect($0.contains(high: a.high, low: a.low) == isIn)
    }
}

@Test func touchingNetworksBecomeOneRange() {
    withSet(AddressSetBuilder.bytes(["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16"].map { IPNetwork($0)! })) { #expect($0.parts.four == 1) }
}

@Test func damagedAddressSetsAreRefusedOrHarmless() {
    var random = Generator(state: 5)
    let good = AddressSetBuilder.bytes((0..<300).map { IPNetwork("10.\($0 & 255).\($0 * 7 & 255).0/24")! } + [IPNetwork("2001:db8::/32")!])
    var refused = 0
    for _ in 0..<3_000 {
        var bytes = good
        for _ in 0...Int.random(in: 0...2, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
        }
        if Bool.random(using: &random) { bytes.removeLast(8 * Int.random(in: 0...4, using: &random)) }
        withSet(bytes) { set in
            if !set.check() { refused += 1; return }
            for _ in 0..<20 { _ = set.contains(high: 0, low: 0xffff_0000_0000 | random.next() >> 32) }
            _ = set.contains(high: random.next(), low: random.next())
        }
    }
    #expect(refused > 1_000)
}
