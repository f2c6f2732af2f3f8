// The ring of crashes, and the fault record as a handler really writes it: in a child that dies of it.
import Foundation
import SluiceSystem
import Testing

@testable import SluiceShared

@Suite struct CrashRingTests {
    @Test func theNewestSixteenStay() throws {
        let m = try SharedMemory.create(workers: 1, ticksPerUs: 1)
        defer { m.unmap(); Descriptor.close(m.fd) }
        let room = UnsafeMutablePointer<CrashEntry>.allocate(capacity: 1)
        room.initialize(to: CrashEntry())
        defer { room.deallocate() }
        #expect(m.crashes.numbers == nil && !m.crashes.copy(1, to: room))
        for n in 1...20 {
            #expect(
                m.crashes.append {
                    $0.pointee.pid = UInt64(n); $0.pointee.setName("plugin-\(n)")
                } == UInt64(n))
        }
        #expect(m.crashes.numbers == 5...20)
        #expect(!m.crashes.copy(4, to: room) && !m.crashes.copy(21, to: room))
        #expect(m.crashes.copy(5, to: room) && room.pointee.pid == 5 && room.pointee.nameText == "plugin-5")
    }

    @Test func textsAreBounded() {
        var entry = CrashEntry()
        entry.setName(String(repeating: "x", count: 1_000))
        #expect(entry.nameText.utf8.count == 64)
        var record = FaultRecord()
        record.frame_count = .max
        record.module_count = .max
        record.route_count = .max
        withUnsafePointer(to: &record) { r in
            #expect(r.frames.count == 64 && r.modules.count == 24 && r.route == "")
            #expect(r.frames.allSatisfy { $0.module == 0 })
        }
    }

    @Test func phasesHaveNames() {
        #expect(PhaseName.text(1) == "access" && PhaseName.text(PhaseName.load) == "load" && PhaseName.text(99) == "phase 99")
    }

    /// A process that faults: forked, because the handlers are the process's. Only calls that are safe after fork.
    func record(context address: UInt64? = nil, of fault: @convention(c) () -> Void) throws -> (
        UnsafeMutablePointer<FaultRecord>, Int32, SharedMemory
    ) {
        let m = try SharedMemory.create(workers: 1, ticksPerUs: 1)
        let block = m.worker(0)
        let context = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
        let route: StaticString = "users", request: StaticString = "abc-1"
        context.storeBytes(of: UInt(bitPattern: route.utf8Start), toByteOffset: 0, as: UInt.self)
        context.storeBytes(of: 5, toByteOffset: 8, as: Int.self)
        context.storeBytes(of: UInt(bitPattern: request.utf8Start), toByteOffset: 16, as: UInt.self)
        context.storeBytes(of: 5, toByteOffset: 24, as: Int.self)
        block.head.pointee.enter(plugin: 4, generation: 9, phase: 1)
        block.head.pointee.currentContext = address ?? UInt64(UInt(bitPattern: context))
        let child = testFork()
        if child == 0 {
            if FaultHandler.install(block, routeOffset: 0, requestOffset: 16) { fault() }
            _exit(42)
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return (block.fault, status, m)
    }

    @Test func aFaultIsWrittenDown() throws {
        let (r, status, m) = try record { UnsafeMutablePointer<Int32>(bitPattern: 0x10)!.pointee = 1 }
        defer { m.unmap(); Descriptor.close(m.fd) }
        #expect(status & 0x7f == SIGSEGV)
        #expect(r.pointee.serial == 1 && r.pointee.signal == SIGSEGV && r.pointee.address == 0x10)
        #expect((r.pointee.plugin, r.pointee.generation, r.pointee.phase) == (4, 9, 1))
        let view = UnsafePointer(r)
        #expect(view.route == "users" && view.request == "abc-1")
        #expect(view.frames.count > 2 && view.frames[0].address == r.pointee.pc && view.frames[0].module != nil)
        #expect(!view.modules.isEmpty && view.modules.allSatisfy { !$0.path.isEmpty })
        #expect(FaultCode.text(signal: SIGSEGV, code: r.pointee.code) == "no memory there")
    }

    @Test func abortKeepsItsSignal() throws {
        let (r, status, m) = try record { abort() }
        defer { m.unmap(); Descriptor.close(m.fd) }
        #expect(status & 0x7f == SIGABRT && r.pointee.serial == 1 && r.pointee.signal == SIGABRT && r.pointee.address == 0)
    }

    @Test func aSampleChangesNothing() throws {
        let (r, status, m) = try record {
            Signals.unblockAll(); raise(FaultHandler.sampleSignal); _exit(7)
        }
        defer { m.unmap(); Descriptor.close(m.fd) }
        #expect(status == 7 << 8 && r.pointee.serial == 0)
        let sample = UnsafePointer(m.worker(0).sample)
        #expect(sample.pointee.serial == 1 && sample.pointee.phase == 1 && sample.frames.count > 2)
    }

    @Test func aContextThatIsNoneIsNoFault() throws {
        let (r, status, m) = try record(context: 0x1000) { UnsafeMutablePointer<Int32>(bitPattern: 0x10)!.pointee = 1 }
        defer { m.unmap(); Descriptor.close(m.fd) }
        #expect(status & 0x7f == SIGSEGV && r.pointee.serial == 1 && UnsafePointer(r).route == "")
    }
}

/// Not importable by name; the child calls nothing that another thread's locks could hold.
@_silgen_name("fork") private func testFork() -> pid_t
