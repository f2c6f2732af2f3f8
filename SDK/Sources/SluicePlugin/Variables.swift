// Values that plugins hand to each other, and to rules and the access log, for one request.
//
//     let country = try Variable("geo.country")            // in init
//     request.facts[country] = "DE"                        // in a hook
import CSluiceABI

/// The name of a variable, looked up once. The same for every plugin of the worker.
public struct Variable: Sendable {
    let number: UInt32
    /// - Parameter name: 1–64 bytes of a–z, 0–9, '_' and '.'; begin names of your own with the plugin's. In `init` or `workerStarts`.
    public init(_ name: String) throws(HostError) {
        let n = name.withBytes { Tables.variables?.pointee.number(Tables.host, $0.view) ?? missing }
        try check(n)
        number = UInt32(n)
    }
}

extension RequestFacts {
    /// The value that was set last, nil when none was; valid until the request ends. Setting copies at most 8 KiB; what does not fit and
    /// setting nil change nothing. Not settable in log.
    public subscript(_ variable: Variable) -> Bytes? {
        get {
            guard let request = slot.pointee.request, let table = Tables.variables else { return nil }
            var value = sluice_request_view()
            guard table.pointee.get(request, variable.number, &value) == 0 else { return nil }
            return value.data.map { Bytes($0, Int(value.size)) } ?? ""
        }
        nonmutating set { if let newValue { try? set(variable, newValue) } }
    }
    /// The same, telling why it failed.
    public func set(_ variable: Variable, _ value: Bytes) throws(HostError) {
        guard let request = slot.pointee.request else { throw .gone }
        try check(Tables.variables?.pointee.set(request, variable.number, value.view) ?? missing)
    }
}
