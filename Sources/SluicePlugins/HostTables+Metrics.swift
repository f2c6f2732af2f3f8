// "sluice.metrics/1": numbers of plugins in /metrics.
import CSluiceABI
import SluiceBytes
import SluiceShared

/// What is wrong, into `error` or, without one, into the error log.
private func explain(_ failure: PluginFailure, _ host: UnsafePointer<sluice_host>?, _ error: UnsafeMutablePointer<sluice_error>?) {
    var text = "metrics: " + failure.description
    text.withUTF8 { line in
        guard let error, let out = error.pointee.text, error.pointee.size <= error.pointee.room else {
            host?.pointee.log(host, UInt32(SLUICE_LOG_WARN), sluice_view(data: line.baseAddress, size: UInt64(line.count)))
            return
        }
        for byte in line.prefix(Int(error.pointee.room - error.pointee.size)) {
            out[Int(error.pointee.size)] = CChar(bitPattern: byte)
            error.pointee.size += 1
        }
    }
}

extension HostTables {
    nonisolated(unsafe) static let metrics = make(
        sluice_metrics_v1(
            size: UInt32(MemoryLayout<sluice_metrics_v1>.size), reserved: 0,
            define: { host, metric, said in
                guard services(host) != nil else { return Status.invalid }
                guard let s = definingServices(host) else { return Status.phase }
                let plugin = Unmanaged<Generation>.fromOpaque(host!.pointee.context).takeUnretainedValue().spec.name
                do throws(PluginFailure) {
                    let request = try MetricRequest(metric)
                    return Int32(try s.pointee.metrics.define(request, plugin: plugin, in: s.pointee.worker.takeUnretainedValue()))
                } catch {
                    explain(error, host, said)
                    return error.isLimit ? Status.limit : Status.invalid
                }
            },
            add: { host, metric, amount in
                guard let s = services(host), let m = s.pointee.metrics[metric], amount.isFinite else { return Status.invalid }
                if m.kind == .histogram || (m.kind == .counter && amount < 0) { return Status.invalid }
                m.cells[0] += amount
                return Status.ok
            },
            set: { host, metric, value in
                guard let s = services(host), let m = s.pointee.metrics[metric], m.kind == .gauge, value.isFinite else {
                    return Status.invalid
                }
                m.cells[0] = value
                return Status.ok
            },
            observe: { host, metric, value in
                guard let s = services(host), let m = s.pointee.metrics[metric], m.kind == .histogram, value.isFinite else {
                    return Status.invalid
                }
                m.observe(value)
                return Status.ok
            }))
}
