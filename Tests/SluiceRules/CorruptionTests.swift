// Damaged images: refused, or harmless. With the digest made right again the structural checks stand alone; whatever they
// let pass is then read in full, so that a hole in them is a crash here.
import Glibc
import SluiceBytes
import SluiceModel
import Testing

@testable import SluiceRules

@Suite struct CorruptionTests {
    @Test func everyBitBehindTheHeaderCounts() throws {
        let image = try richImage()
        let block = Block(image)
        defer { withExtendedLifetime(block) {} }
        for i in stride(from: MemoryLayout<ImageHeader>.size, to: image.count, by: 3) {
            block.memory[i] ^= 1 << UInt8(i & 7)
            let error = #expect(throws: ImageError.self) { try block.view() }
            #expect(error?.path == "image.digest")
            block.memory[i] = image[i]
        }
        _ = try block.view()
    }

    @Test func headerBytes() throws {
        let image = try richImage()
        for i in 0..<MemoryLayout<ImageHeader>.size {
            for bit in 0..<8 {
                let block = Block(image)
                defer { withExtendedLifetime(block) {} }
                block.memory[i] ^= 1 << UInt8(bit)
                if let view = try? block.view() { readEverything(view) }
            }
        }
    }

    @Test func truncation() throws {
        let image = try richImage()
        for size in stride(from: 0, to: image.count, by: 8) {
            let block = Block(Array(image[..<size]))
            defer { withExtendedLifetime(block) {} }
            #expect(throws: ImageError.self) { try block.view() }
            if size >= MemoryLayout<ImageHeader>.size {  // also when the header agrees with the smaller size
                block.memory.storeBytes(
                    of: UInt64(size), toByteOffset: MemoryLayout<ImageHeader>.offset(of: \.totalBytes)!, as: UInt64.self)
                block.sign()
                #expect(throws: ImageError.self) { try block.view() }
            }
        }
        #expect(throws: ImageError.self) { try Block(image + [0, 0, 0, 0, 0, 0, 0, 0]).view() }
    }

    @Test func unaligned() throws {
        let image = try richImage()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count + 8, alignment: 8)
        defer { memory.deallocate() }
        UnsafeMutableRawBufferPointer(rebasing: memory[4..<4 + image.count]).copyBytes(from: image)
        let error = #expect(throws: ImageError.self) { try ImageView(base: UnsafeRawPointer(memory.baseAddress! + 4), count: image.count) }
        #expect(error?.path == "image.base")
    }

    /// Fields that must not slip through, each set to a bad value under a right digest.
    @Test func namedFields() throws {
        let image = try richImage()
        func refused<T>(_ section: KeyPath<ImageHeader, ImageRange>, _ index: Int, _ change: (inout T) -> Void) throws -> String {
            let block = Block(image)
            defer { withExtendedLifetime(block) {} }
            let offset = Int(try block.view().header.pointee[keyPath: section].offset) + index * MemoryLayout<T>.stride
            var record = block.memory.load(fromByteOffset: offset, as: T.self)
            change(&record)
            block.memory.storeBytes(of: record, toByteOffset: offset, as: T.self)
            block.sign()
            let error = #expect(throws: ImageError.self) { try block.view() }
            return error?.path ?? "accepted"
        }
        #expect(try refused(\.routes, 2) { (r: inout RouteRecord) in r.cluster = 2 } == "image.routes[2]")
        #expect(try refused(\.routes, 0) { (r: inout RouteRecord) in r.action = 3 } == "image.routes[0]")
        #expect(try refused(\.routes, 0) { (r: inout RouteRecord) in r.body.count = .max } == "image.routes[0]")
        #expect(try refused(\.routes, 0) { (r: inout RouteRecord) in r.body.count -= 1 } == "image.routes[0]")  // no NUL behind it
        #expect(try refused(\.routes, 0) { (r: inout RouteRecord) in r.chain.offset += 4 * 100 } == "image.routes[0]")
        #expect(try refused(\.clusters, 1) { (r: inout ClusterRecord) in r.targetCount += 1 } == "image.clusters[1]")
        #expect(try refused(\.clusters, 1) { (r: inout ClusterRecord) in r.totalWeight += 1 } == "image.clusters[1]")
        #expect(try refused(\.targets, 0) { (r: inout TargetRecord) in r.address.length = 500 } == "image.targets[0]")
        #expect(try refused(\.bindings, 0) { (r: inout BindingRecord) in r.plugin = 2 } == "image.bindings[0]")
        #expect(try refused(\.bindings, 0) { (r: inout BindingRecord) in r.alternative = 3 } == "image.bindings[0]")
        #expect(try refused(\.bindings, 0) { (r: inout BindingRecord) in r.alternative = 0 } == "image.bindings[0]")  // itself
        #expect(try refused(\.chains, 1) { (r: inout UInt32) in r = 3 } == "image.chains[1]")
        #expect(try refused(\.settings, 0) { (r: inout SettingsRecord) in r.headBytesMax = 1 << 20 } == "image.settings.headBytesMax")
        #expect(try refused(\.trustedNetworks, 0) { (r: inout NetworkRecord) in r.prefixBits = 129 } == "image.trustedNetworks[0]")
        #expect(try refused(\.lists, 0) { (r: inout RouteEntry) in r.route = 5 } == "image.lists[0]")
        #expect(try refused(\.lists, 1) { (r: inout RouteEntry) in r.flags = 0 }.hasPrefix("image."))
        #expect(try refused(\.nodes, 2) { (r: inout RouteNode) in r.parent = 2 }.hasPrefix("image.nodes["))
        #expect(try refused(\.nodes, 1) { (r: inout RouteNode) in r.firstChild = 0 }.hasPrefix("image.nodes["))
        #expect(try refused(\.nodes, 0) { (r: inout RouteNode) in r.maxKey += 1 }.hasPrefix("image."))
        #expect(try refused(\.parameterNames, 0) { (r: inout ImageText) in r.offset = 0 } == "image.parameterNames[0]")
    }

    /// `SLUICE_MUTATIONS` sets how many.
    @Test func randomMutations() throws {
        let image = try richImage()
        let block = Block(image)
        defer { withExtendedLifetime(block) {} }
        var random = SplitMix(state: 42)
        var accepted = 0
        var count = 20_000
        if let p = getenv("SLUICE_MUTATIONS"), let n = Int(String(cString: p)) { count = n }
        let interesting: [UInt32] = [
            0, 1, 2, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff, UInt32(image.count), UInt32(image.count - 8),
        ]
        for _ in 0..<count {
            var touched: [Range<Int>] = []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let word = Int.random(in: 2..<image.count / 4, using: &random) * 4  // magic excepted
                switch Int.random(in: 0..<4, using: &random) {
                case 0: block.memory.storeBytes(of: interesting.randomElement(using: &random)!, toByteOffset: word, as: UInt32.self)
                case 1:
                    block.memory.storeBytes(
                        of: block.memory.load(fromByteOffset: word, as: UInt32.self) &+ UInt32.random(in: 1...9, using: &random) &- 5,
                        toByteOffset: word, as: UInt32.self)
                case 2: block.memory[word + Int.random(in: 0..<4, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default:
                    block.memory.storeBytes(
                        of: UInt32.random(in: 0...UInt32(image.count), using: &random), toByteOffset: word, as: UInt32.self)
                }
                touched.append(word..<word + 4)
            }
            block.sign()
            if let view = try? block.view() {
                accepted += 1
                readEverything(view)
            }
            for i in touched.joined() { block.memory[i] = image[i] }
        }
        #expect(accepted > count / 50 && accepted < count)  // neither refuses nor lets pass everything: the run means something
    }

    /// Follows every reference of an accepted image.
    private func readEverything(_ v: ImageView) {
        var sum: UInt64 = 0
        func use(_ t: ImageText) {
            let b = v.text(t)
            for i in 0...b.count { sum &+= UInt64(b.start[i]) }
        }
        let s = v.settings.pointee
        for t in [s.accessLogPath, s.errorLogPath, s.pidPath, s.user, s.group, s.stateDirectory, s.configPath] { use(t) }
        for l in v.listeners {
            use(l.label)
            for i in 0..<Int(l.address.length) { sum &+= UInt64(l.address.bytes[i]) }
        }
        for c in v.clusters {
            use(c.id)
            for j in 0..<Int(c.targetCount) { use(v.targets[Int(c.firstTarget) + j].label) }
        }
        for r in v.routes {
            use(r.id)
            use(r.body)
            use(r.headerLines)
            if r.action == 0 { sum &+= UInt64(v.clusters[Int(r.cluster)].flags) }
            for b in v.chain(r) {
                use(v.bindings[Int(b)].config)
                use(v.plugins[Int(v.bindings[Int(b)].plugin)].path)
            }
        }
        for slot in v.hostSlots where slot.kind != 0 {
            use(slot.text)
            sum &+= UInt64(v.nodes[Int(slot.root)].shape)
        }
        for i in 0..<v.nodes.count { for lane in 0..<16 { sum &+= UInt64(v.firstBytes[i + lane]) } }
        for e in v.entries {
            sum &+= UInt64(v.routes[Int(e.route)].methods)
            for i in 0..<Int(e.parameterCount) { use(v.parameterNames[Int(e.names) + i]) }
        }
        #expect(v.isTrusted(AddressRecord(IPAddress("9.9.9.9")!, port: 1)) || sum > 0)
    }
}

/// A small generator with a seed, so that a failure repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
