// Frames over a real socket pair: both ways, with descriptors, and everything that a broken peer can send.
import SluiceSystem
import Testing

@testable import SluiceChannel

@Suite struct ChannelTests {
    func pair() throws -> (Channel, Channel) {
        let (a, b) = try Channel.pair()
        return (Channel(fd: a), Channel(fd: b))
    }
    func send(_ bytes: [UInt8], _ channel: Channel, _ fds: [Int32] = []) {
        #expect(bytes.withUnsafeBytes { cs_send_fds(channel.fd, $0.baseAddress, $0.count, fds, Int32(fds.count)) } == bytes.count)
    }
    func header(_ change: (inout FrameHeader) -> Void) -> [UInt8] {
        var h = FrameHeader()
        h.kind = FrameKind.commit.rawValue
        change(&h)
        return withUnsafeBytes(of: h) { Array($0) }
    }

    @Test func layoutIsStable() {
        #expect(MemoryLayout<FrameHeader>.size == 32)
        #expect(MemoryLayout<FrameHeader>.offset(of: \.revision) == 8)
        #expect(MemoryLayout<FrameHeader>.offset(of: \.status) == 24)
        #expect(FrameKind.listener.rawValue == 16 && FrameKind.released.rawValue == 15)
    }

    @Test func framesGoBothWays() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        try a.send(Frame(.prepared, worker: 3, revision: 9, value: 1 << 40, status: -2, text: "worker 3 says naïve"))
        try b.send(Frame(.commit, revision: 10))
        let f = try #require(try b.receive())
        #expect(f.kind == .prepared && f.worker == 3 && f.revision == 9 && f.value == 1 << 40 && f.status == -2)
        #expect(f.text == "worker 3 says naïve" && f.descriptors.isEmpty)
        let g = try #require(try a.receiveNow())
        #expect(g.kind == .commit && g.revision == 10 && g.worker == .max && g.text.isEmpty)
    }

    @Test func descriptorsTravel() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        let one = try "first".utf8.map { $0 }.withUnsafeBytes { try MemoryFile.sealed("one", $0) }
        let two = try Descriptor.open("/dev/null", O_RDONLY)
        try a.send(Frame(.start, descriptors: [one, two]))
        Descriptor.close(one)
        Descriptor.close(two)
        let f = try #require(try b.receive())
        #expect(f.descriptors.count == 2)
        #expect(try Descriptor.size(f.descriptors[0]) == 5)
        #expect(cs_fcntl(f.descriptors[0], F_GETFD, 0) & FD_CLOEXEC != 0)
        f.closeDescriptors()
        #expect(!Descriptor.isOpen(f.descriptors[0]) && !Descriptor.isOpen(f.descriptors[1]))
    }

    @Test func aClosedPeerIsTold() throws {
        let (a, b) = try pair()
        try b.send(Frame(.ready))
        b.close()
        #expect(try a.receive()?.kind == .ready)
        #expect(try a.receive() == nil)
        #expect(throws: ChannelError.closed) { _ = try a.receiveNow() }
        #expect(throws: ChannelError.closed) { try a.send(Frame(.reload)) }
        if case .closed = try a.tryReceive() {} else { Issue.record("closed expected") }
        a.close()
    }

    @Test func nothingThereIsNoError() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        #expect(try a.receiveNow() == nil)
        try Descriptor.setNonBlocking(b.fd)
        #expect(try b.receiveNow() == nil)
    }

    @Test func aFullChannelWouldBlock() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        try Descriptor.setNonBlocking(a.fd)
        let big = Frame(.reloaded, text: String(repeating: "x", count: Frame.textMax))
        var sent = 0
        let error = #expect(throws: ChannelError.self) {
            while sent < 100_000 { try a.send(big); sent += 1 }
        }
        #expect(error == .wouldBlock && sent > 10)
    }

    @Test func longTextIsCutBetweenCharacters() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        try a.send(Frame(.ready, text: "x" + String(repeating: "é", count: 4000)))
        let text = try #require(try b.receive()).text
        #expect(text.utf8.count == 4095 && text.hasSuffix("é"))
    }

    @Test func garbageIsNamedAndDropped() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        let cases: [([UInt8], String)] = [
            ([1, 2, 3], "3 bytes, a header has 32"),
            (header { $0.kind = 999 }, "unknown kind 999"),
            (header { $0.kind = 0 }, "unknown kind 0"),
            (header { $0.textCount = 5 } + [65], "commit announces 5 bytes of text and has 1"),
            (header { $0.textCount = .max }, "commit announces 4294967295 bytes of text and has 0"),
            (header { $0.kind = FrameKind.prepare.rawValue }, "prepare with 0 descriptors, allowed 1...1"),
            ([UInt8](repeating: 0, count: 5000), "larger than 4128 bytes, or more than 8 descriptors"),
        ]
        for (bytes, expected) in cases {
            send(bytes, a)
            #expect(throws: ChannelError.malformed(expected)) { _ = try b.receive() }
        }
        try a.send(Frame(.commit, revision: 4))
        #expect(try b.receive()?.revision == 4, "the channel lives on")
    }

    @Test func descriptorsOfGarbageAreClosed() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        let (x, y) = try pair()
        send([9], a, [x.fd])
        x.close()
        #expect(throws: ChannelError.self) { _ = try b.receive() }
        #expect(try y.receive() == nil, "the last copy of the descriptor is gone, so its peer sees the end")
        y.close()
        send(header { _ in }, a, [a.fd])
        #expect(throws: ChannelError.malformed("commit with 1 descriptors, allowed 0...0")) { _ = try b.receive() }
    }

    @Test func wrongDescriptorCountIsNotSent() throws {
        let (a, b) = try pair()
        defer { a.close(); b.close() }
        #expect(throws: ChannelError.unsendable("prepare carries 1...1 descriptors, not 0")) { try a.send(Frame(.prepare)) }
        #expect(try b.receiveNow() == nil)
    }

    @Test func everyMutationIsRefusedOrRead() throws {
        let original = FrameCoding.encode(Frame(.prepared, worker: 1, revision: 2, text: "hello"))
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &random))
            do { _ = try FrameCoding.decode(bytes[...], []) } catch { refused += 1 }
        }
        #expect(refused > 5_000)
    }
}
