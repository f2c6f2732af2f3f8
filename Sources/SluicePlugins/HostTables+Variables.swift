// "sluice.variables/1": values that plugins hand to each other during one request.
import CSluiceABI
import SluiceBytes
import SluiceModel

/// The request behind a handle in a phase that may set variables: every hook but log.
@inline(__always) private func setting(_ handle: OpaquePointer?) -> Context? {
    guard let ctx = reading(handle) else { return nil }
    let phase = ctx.pointee.phase
    if phase < 8 && phase != PluginPhase.log.rawValue { return ctx }
    misused(ctx)
    return nil
}

extension HostTables {
    nonisolated(unsafe) static let variables = make(
        sluice_variables_v1(
            size: UInt32(MemoryLayout<sluice_variables_v1>.size), reserved: 0,
            number: { host, name in
                guard services(host) != nil, let name = bytes(name), VariableNames.isName(name) else { return Status.invalid }
                guard let s = definingServices(host) else { return Status.phase }
                return s.pointee.worker.takeUnretainedValue().variables.number(name.string) ?? Status.limit
            },
            get: { handle, variable, out in
                guard let ctx = reading(handle), let out, isNumber(variable) else { return Status.invalid }
                guard let value = ctx.pointee.variable(variable) else { return Status.notFound }
                out.pointee = sluice_request_view(data: value.start, size: UInt64(value.count))
                return Status.ok
            },
            set: { handle, variable, value in
                guard let ctx = setting(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let value = bytes(value), isNumber(variable) else { return Status.invalid }
                if value.count > Limits.variableBytesMax { return Status.limit }
                switch ctx.pointee.setVariable(variable, value) {
                case .done: return Status.ok
                case .full: return Status.limit
                case .noMemory: return Status.noMemory
                }
            }))

    /// In the range of numbers that `number` gives; one that was never given names a variable that nobody else can find.
    @inline(__always) private static func isNumber(_ variable: UInt32) -> Bool { variable &- 1 < UInt32(Limits.variableNamesMax) }
}
