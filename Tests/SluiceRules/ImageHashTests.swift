// The hash: stable over processes, and different for what differs.
import Testing

@testable import SluiceRules

@Suite struct ImageHashTests {
    /// Written down so that a change of the function is noticed: keys and digests are compared between processes.
    @Test func known() {
        #expect(ImageHash.hash("") == ImageHash.hash([UInt8]()))
        #expect(ImageHash.hash("sluice") == ImageHash.hash(Array("sluice".utf8)))
        #expect(String(ImageHash.hash("sluice"), radix: 16) == "4f580a3ad62eeecc")
        #expect(String(ImageHash.hash(Array(0..<100)), radix: 16) == "be3600115f4b51dd")
    }

    @Test func everyLengthAndBit() {
        var seen = Set<UInt64>()
        for n in 0..<200 { #expect(seen.insert(ImageHash.hash([UInt8](repeating: 0, count: n))).inserted, "\(n) zeros") }
        var bytes = [UInt8](repeating: 7, count: 100)
        seen = [ImageHash.hash(bytes)]
        for i in 0..<800 {
            bytes[i / 8] ^= 1 << UInt8(i % 8)
            #expect(seen.insert(ImageHash.hash(bytes)).inserted, "bit \(i)")
            bytes[i / 8] ^= 1 << UInt8(i % 8)
        }
    }

    @Test func seeds() {
        #expect(ImageHash.hash("a", seed: 1) != ImageHash.hash("a", seed: 2) && ImageHash.hash("", seed: 1) != ImageHash.hash("", seed: 2))
    }

    /// The suffix hashes of a host come out of one pass over it.
    @Test func hostHash() {
        #expect(HostHash.hash("API.Example.com") == HostHash.hash("api.example.com"))
        #expect(HostHash.hash("a.b") != HostHash.hash("b.a"))
    }
}
