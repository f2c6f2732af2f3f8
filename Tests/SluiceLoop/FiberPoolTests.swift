// Fibers alone: switching, nesting, reuse of stacks, memory that goes back, the guard page.
import CSluiceSys
import Foundation
import Testing

@testable import SluiceLoop

@Suite(.serialized) struct FiberPoolTests {
    /// Adds up what it is entered with until that is negative; `context` points to the pool, `result` is the sum.
    static let summing: Fiber.Work = { raw in
        let f = Fiber.of(raw), pool = Unmanaged<FiberPool>.fromOpaque(f.pointee.context!).takeUnretainedValue()
        while true {
            let value = pool.leave()
            if value < 0 { return }
            f.pointee.result += value
        }
    }
    func start(_ pool: FiberPool) -> Fiber.Ref {
        let f = pool.take()!
        f.pointee.context = Unmanaged.passUnretained(pool).toOpaque()
        f.pointee.result = 0
        f.start(FiberPoolTests.summing)
        pool.enter(f)
        return f
    }

    @Test func manyRunInTurns() {
        let pool = FiberPool(), fibers = (0..<200).map { _ in start(pool) }
        #expect(pool.count == 200 && pool.current == nil)
        for value in Int32(1)...10 { for f in fibers { pool.enter(f, value) } }
        for f in fibers {
            pool.enter(f, -1)
            #expect(f.isFinished && f.pointee.result == 55)
            pool.give(f)
        }
        #expect(pool.count == 0)
    }

    @Test func oneEntersAnother() {
        let pool = FiberPool(), outer = pool.take()!
        outer.pointee.context = Unmanaged.passUnretained(pool).toOpaque()
        outer.start { raw in
            let f = Fiber.of(raw), pool = Unmanaged<FiberPool>.fromOpaque(f.pointee.context!).takeUnretainedValue(), inner = pool.take()!
            inner.pointee.context = f.pointee.context
            inner.pointee.result = 0
            inner.start(FiberPoolTests.summing)
            for value: Int32 in [0, 20, 22, -1] { pool.enter(inner, value) }
            f.pointee.result = pool.current == f ? inner.pointee.result : -1
            pool.give(inner)
        }
        pool.enter(outer)
        #expect(outer.isFinished && outer.pointee.result == 42 && pool.current == nil)
    }

    @Test func theLastStackIsTheNextOne() {
        let pool = FiberPool(), f = start(pool)
        pool.enter(f, -1)
        pool.give(f)
        #expect(pool.take() == f)
    }

    @Test func memoryGoesBack() {
        func resident() -> Int {
            let text = String(decoding: FileHandle(forReadingAtPath: "/proc/self/statm")!.readDataToEndOfFile(), as: UTF8.self)
            return Int(text.split(separator: " ")[1])! * 4096
        }
        let pool = FiberPool(), before = resident(), count = 20_000
        let fibers = (0..<count).map { _ in start(pool) }
        let peak = resident() - before
        #expect(peak / count >= 4096 && peak / count < 8192)
        for f in fibers {
            pool.enter(f, -1)
            pool.give(f)
        }
        pool.trim()  // looks what is used
        pool.trim()  // and takes what was not
        #expect(resident() - before < peak / 4)
        let again = start(pool)
        pool.enter(again, -1)
        #expect(again.isFinished)
    }

    @Test func thereIsAnEnd() {
        let pool = FiberPool()
        var taken = 0
        while pool.take() != nil { taken += 1 }
        // Kernels before 6.13 give a guard page a mapping of its own and may allow fewer.
        #expect(taken == FiberPool.countMax || taken > 10_000)
        #expect(pool.take() == nil)
    }

    @Test func aStackThatOverflowsMeetsTheGuard() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            signal(SIGSEGV, SIG_DFL)
            let pool = FiberPool(), below = pool.take()!, f = pool.take()!
            _ = below
            f.start { raw in
                func deeper(_ n: Int) -> Int {
                    withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { p in
                        p[0] = UInt8(truncatingIfNeeded: n)
                        return deeper(n + 1) + Int(p[0])
                    }
                }
                Fiber.of(raw).pointee.result = Int32(truncatingIfNeeded: deeper(0))
            }
            pool.enter(f)
        }
    }
}
