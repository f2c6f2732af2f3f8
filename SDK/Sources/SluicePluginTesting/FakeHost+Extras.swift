// Tables about variables and metrics. That of cryptography is not fake: it is the C fake host's, by OpenSSL, in `Fake/crypto`.
import CSluiceABI
import SluicePlugin

extension FakeHost {
    static let variables = sluice_variables_v1(
        size: size(sluice_variables_v1.self), reserved: 0,
        number: { _, name in
            let text = name.string
            let isName =
                (1...64).contains(name.size)
                && name.array.allSatisfy {
                    (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
                }
            guard isName else { return invalid }
            if let i = shared.variableNames.firstIndex(of: text) { return Int32(i + 1) }
            guard shared.variableNames.count < 1_024 else { return limit }
            shared.variableNames.append(text)
            return Int32(shared.variableNames.count)
        },
        get: { h, number, value in
            guard let e = exchange(h) else { return wrongPhase }
            guard let name = shared.variableName(number) else { return invalid }
            guard let bytes = e.variables[name] else { return notFound }
            let view = e.lend(bytes)
            value?.pointee = sluice_request_view(data: view.data, size: view.size)
            return ok
        },
        set: { h, number, value in
            guard let e = exchange(h, .rewrite, .access, .routing, .content, .balancer, .headerFilter, .bodyFilter) else {
                return wrongPhase
            }
            guard let name = shared.variableName(number) else { return invalid }
            guard value.size <= 8_192, e.variables.count < 64 || e.variables[name] != nil else { return limit }
            e.variables[name] = value.array
            return ok
        })

    private func variableName(_ number: UInt32) -> String? {
        number >= 1 && Int(number) <= variableNames.count ? variableNames[Int(number) - 1] : nil
    }

    static let metrics = sluice_metrics_v1(
        size: size(sluice_metrics_v1.self), reserved: 0,
        define: { _, metric, error in
            guard let m = metric?.pointee, m.name.size > 0, m.label_count <= 4, m.bound_count <= 16 else { return invalid }
            let labels = (0..<Int(m.label_count)).map { "\(m.labels[$0].name.string)=\(m.labels[$0].value.string)" }
            let key = "\(m.name.string){\(labels.joined(separator: ","))}"
            let world = shared.world
            if let i = world.metrics.firstIndex(where: { $0.key == key }) {
                if world.metrics[i].kind == m.kind { return Int32(i) }
                if let error { "defined as another kind before".withCString { sluice_error_write(error, $0) } }
                return invalid
            }
            world.metrics.append(World.Metric(key: key, name: m.name.string, kind: m.kind))
            return Int32(world.metrics.count - 1)
        },
        add: { _, number, amount in
            change(number, amount) {
                $0.kind == UInt32(SLUICE_GAUGE) || $0.kind == UInt32(SLUICE_COUNTER) && amount >= 0
            } do: {
                $0 += amount
            }
        },
        set: { _, number, value in
            change(number, value) {
                $0.kind == UInt32(SLUICE_GAUGE)
            } do: {
                $0 = value
            }
        },
        observe: { _, number, value in
            change(number, value) {
                $0.kind == UInt32(SLUICE_HISTOGRAM)
            } do: {
                $0 += value
            }
        })

    private static func change(
        _ number: UInt32, _ amount: Double, if fits: (World.Metric) -> Bool, do body: (inout Double) -> Void
    ) -> Int32 {
        let world = shared.world
        guard Int(number) < world.metrics.count, amount.isFinite, fits(world.metrics[Int(number)]) else { return invalid }
        body(&world.metrics[Int(number)].value)
        return ok
    }
}
