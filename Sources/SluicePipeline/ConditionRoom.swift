// What conditions run in: the evaluator of the worker and the table by which programs reach the request that is looked at. The functions of
// the table are in `Pipeline+Conditions.swift`. One per worker, at a place that never moves; runs do not nest.
import SluiceBytes
import SluiceCEL
import SluicePlugins
import SluiceRouter
import SluiceRules
import SluiceShared

struct ConditionRoom {
    var evaluator = Evaluator()
    var provider: AttributeProvider
    /// Lent to the router.
    var router: Conditions
    let head: UnsafeMutablePointer<WorkerHead>
    var exchange: Ex?
    /// For names of variables.
    unowned(unsafe) var host: PluginHost?

    static func make(head: UnsafeMutablePointer<WorkerHead>) -> UnsafeMutablePointer<ConditionRoom> {
        let room = UnsafeMutablePointer<ConditionRoom>.allocate(capacity: 1)
        room.initialize(
            to: ConditionRoom(
                provider: RequestAttributes.provider(room),
                router: Conditions(context: room) { room, index in
                    room.unsafelyUnwrapped.assumingMemoryBound(to: ConditionRoom.self).pointee.holds(index)
                }, head: head))
        return room
    }

    /// Whether the program is true for the request in `exchange`; one that fails counts as false, and is counted.
    func holds(_ index: UInt32) -> Bool {
        guard let x = exchange else { return false }
        let image = x.pointee.snapshot.pointee.image
        let bytes = image.bytes(image.programs[Int(index)])
        let program = ProgramView(base: bytes.baseAddress.unsafelyUnwrapped, count: bytes.count)
        var evaluator = evaluator  // a handle
        let result = withUnsafePointer(to: provider) {
            evaluator.condition(program, UnsafePointer($0), arena: address(&x.pointee.arena))
        }
        // A key that a request does not have is an error to the language and nothing unusual to anybody else.
        if result == .failed && evaluator.lastError.error != .noSuchKey { head.pointee.conditionErrors &+= 1 }
        return result == .yes
    }
}

extension Pipeline {
    /// Whether a condition is true for this request.
    @inline(__always) func holds(_ x: Ex, _ condition: UInt32) -> Bool {
        conditions.pointee.exchange = x
        return conditions.pointee.holds(condition)
    }
}
